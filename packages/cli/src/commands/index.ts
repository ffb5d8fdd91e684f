/** @file The list of commands. */
import type { CommandRow } from "./command.ts";
import { demoCommand } from "./demo.ts";
import { doctorCommand } from "./doctor.ts";
import { estimateCommand } from "./estimate.ts";
import { explainCommand } from "./explain.ts";
import { planCommand } from "./plan.ts";
import { predictCommand } from "./predict.ts";
import { trainCommand } from "./train.ts";

export const COMMANDS: readonly CommandRow[] = [
  demoCommand,
  trainCommand,
  predictCommand,
  planCommand,
  estimateCommand,
  explainCommand,
  doctorCommand,
];
