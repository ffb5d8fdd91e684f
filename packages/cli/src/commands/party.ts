/** @file tacit party: runs one party on its own machine, from a configuration file. */
import { type Log, makeLog, parsePartyConfig, runService } from "@tacit/mpc/party";
import { type Command, InvalidArgumentError } from "commander";
import { readBounded } from "../files.ts";
import { codedError, EXIT, exitCodeOf, sayError } from "../output/streams.ts";
import { askPassphrase, namedPassphrase } from "../passphrase.ts";
import type { CommandRow } from "./command.ts";

interface Words {
  readonly config: string;
  readonly log: "words" | "json";
  readonly json?: boolean;
}

const MOST_BYTES = 65_536;

function format(text: string): "words" | "json" {
  if (text === "words" || text === "json") return text;
  throw new InvalidArgumentError("expected words or json");
}

/** The end of a party that something went wrong with: one JSON line, or the error as every command says it. */
function fail(error: unknown, json: boolean, log: Log): void {
  const coded = codedError(error);
  if (!json || coded === null) sayError(error);
  else log.error("failed", coded.message, { code: coded.code, hint: coded.hint ?? "" });
  process.exitCode = exitCodeOf(error);
}

async function party(w: Words): Promise<void> {
  process.umask(0o077);
  const json = w.json === true || w.log === "json";
  const write = (line: string): boolean => process.stderr.write(line);
  let log = makeLog(write, { json, level: "info" });
  try {
    const text = new TextDecoder().decode(await readBounded("party", w.config, MOST_BYTES));
    const config = parsePartyConfig(text, w.config);
    log = makeLog(write, { json, level: config.log });
    const named = {
      passphraseFile: config.passphraseFile ?? undefined,
      passphraseCommand: config.passphraseCommand ?? undefined,
    };
    const passphrase = async (): Promise<string> =>
      (await namedPassphrase(named)) ?? askPassphrase(`passphrase of ${config.key}`);
    const { ending, stopped } = await runService({ config, log, passphrase });
    if (stopped !== null) process.exitCode = stopped === "SIGINT" ? EXIT.interrupted : EXIT.done;
    else if (ending !== null) throw ending;
  } catch (error) {
    fail(error, json, log);
  }
}

export const partyCommand: CommandRow = {
  name: "party",
  add: (program: Command) =>
    void program
      .command("party")
      .summary("run one party of a session on this machine")
      .description(
        "Example:\n  tacit party --config party.json\n\nServes until the driver closes the session (exit 0), another party is lost (exit 4), or SIGTERM (exit 0) or\nCtrl-C (exit 130) ends it. docs/encrypted.md, 'Three machines', lists the keys of the configuration.",
      )
      .requiredOption("--config <file>", "the party's configuration")
      .option("--log <form>", "words or json: one object a line on stderr", format, "words")
      .option("--json", "as --log json")
      .action(party),
};
