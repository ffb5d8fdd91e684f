/** @file What a command of `tacit` is: its name, options and action, added to the program by one line in the list. */
import type { Command as Program } from "commander";

export interface CommandRow {
  readonly name: string;
  add(program: Program): void;
}
