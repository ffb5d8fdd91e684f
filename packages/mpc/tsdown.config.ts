/** @file The published build of @tacit/mpc; `party/main` is the process that `mpc.local` starts. */
import type { UserConfig } from "tsdown";
import { packageBuild } from "../../tools/build-config.ts";

const config: UserConfig = packageBuild(import.meta.dirname, { platform: "node", also: ["./src/party/main.ts"] });

export default config;
