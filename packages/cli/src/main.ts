#!/usr/bin/env node
/** @file The `tacit` command. */
import { TacitError } from "@tacit/core/errors";
import { Command, CommanderError } from "commander";
import { commandsNamed } from "./commands/index.ts";
import { EXIT, exitCodeOf, sayError } from "./output/streams.ts";

/** Commander's own codes for having shown what was asked for. */
const SHOWN = ["commander.helpDisplayed", "commander.version"];

/** Exits come back here as errors, and faults are said as ours are. Commands inherit this. */
const program = new Command("tacit")
  .description("PyTorch for data you cannot see")
  .version("0.1.0")
  .configureOutput({ outputError: () => undefined })
  .exitOverride();
for (const command of await commandsNamed(process.argv.slice(2))) command.add(program);

/** Faults of the command line as an error with our code. `tacit` alone shows the help and has done nothing. */
function fault(error: CommanderError): TacitError | null {
  if (error.code === "commander.help") return null;
  return new TacitError("COMMAND_LINE", error.message.replace(/^error: /, "").replaceAll("\n", " "), {
    hint: "tacit --help lists the commands, tacit <command> --help its options",
  });
}

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError && SHOWN.includes(error.code)) {
    process.exitCode = EXIT.done;
  } else if (error instanceof CommanderError) {
    const said = fault(error);
    if (said !== null) sayError(said);
    process.exitCode = EXIT.user;
  } else {
    sayError(error);
    process.exitCode = exitCodeOf(error);
  }
}
