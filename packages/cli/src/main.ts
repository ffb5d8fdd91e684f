#!/usr/bin/env node
/** @file The `tacit` command. */
import { Command } from "commander";
import { COMMANDS } from "./commands/index.ts";
import { EXIT, exitCodeOf, sayError } from "./output/streams.ts";

const program = new Command("tacit")
  .description("PyTorch for data you cannot see")
  .version("0.1.0")
  .showHelpAfterError("(tacit --help lists the commands)")
  .exitOverride();
for (const command of COMMANDS) command.add(program);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof Error && "code" in error && String(error.code).startsWith("commander.")) {
    const fine = ["commander.helpDisplayed", "commander.help", "commander.version"].includes(String(error.code));
    process.exitCode = fine ? EXIT.done : EXIT.user;
  } else {
    sayError(error);
    process.exitCode = exitCodeOf(error);
  }
}
