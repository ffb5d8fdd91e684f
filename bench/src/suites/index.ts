/** @file The list of suites. */
import { engine } from "./engine.ts";
import { mpc } from "./mpc.ts";
import { privacy } from "./privacy.ts";
import type { Suite } from "./suite.ts";

export const SUITES: readonly Suite[] = [engine, mpc, privacy];
