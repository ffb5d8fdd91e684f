/** @file The list of audits, in the order of the help. */
import type { Command } from "commander";
import { addExposure } from "./exposure.ts";
import { addInversion } from "./inversion.ts";
import { addMembership } from "./membership.ts";
import { addOneRun } from "./one-run.ts";

export const AUDITS: readonly ((audit: Command) => void)[] = [addExposure, addMembership, addInversion, addOneRun];
