/** @file The published build of @tacit/vision. */
import type { UserConfig } from "tsdown";
import { packageBuild } from "../../tools/build-config.ts";

const config: UserConfig = packageBuild(import.meta.dirname, { platform: "node" });

export default config;
