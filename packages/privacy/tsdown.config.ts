/** @file The published build of @tacit/privacy. */
import type { UserConfig } from "tsdown";
import { packageBuild } from "../../tools/build-config.ts";

const config: UserConfig = packageBuild(import.meta.dirname, { platform: "neutral" });

export default config;
