/** @file The patterns in the order in which they claim nodes. */
import type { Matcher } from "../units.ts";
import { chains } from "./chains.ts";
import { descent } from "./descent.ts";
import { epilogues } from "./epilogues.ts";
import { pooling } from "./pooling.ts";

export const PATTERNS: readonly ((m: Matcher) => void)[] = [pooling, epilogues, descent, chains];
