/** @file The published build of @tacit/cli. */
import type { UserConfig } from "tsdown";
import { packageBuild } from "../../tools/build-config.ts";

const config: UserConfig = packageBuild(import.meta.dirname, { platform: "node", also: ["./src/main.ts"] });

export default config;
