/** @file tacit keygen: makes an identity, keeps its private half in a file and prints the public half. */
import { expected } from "@tacit/core/errors";
import { mpc } from "@tacit/mpc";
import type { Command } from "commander";
import { checkWritable } from "../files.ts";
import { result, say } from "../output/streams.ts";
import { askNewPassphrase, namedPassphrase, type PassphraseWords, withPassphraseOptions } from "../passphrase.ts";
import type { CommandRow } from "./command.ts";

interface Words extends PassphraseWords {
  readonly out?: string;
  /** false with --no-passphrase. */
  readonly passphrase: boolean;
  readonly address?: string;
  readonly client?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

function reachedOf({ address, client }: Words): mpc.Reached | undefined {
  if (address === undefined && client === undefined) return undefined;
  if (mpc.isAddress(address) && mpc.isAddress(client)) return { address, client };
  return expected("ARGUMENT_INVALID", "keygen", "both --address and --client as host:port", "another form");
}

async function newPassphrase(name: string, w: Words): Promise<string | undefined> {
  if (!w.passphrase && (w.passphraseFile !== undefined || w.passphraseCommand !== undefined)) {
    expected("ARGUMENT_INVALID", "keygen", "--passphrase-file, --passphrase-command or --no-passphrase", "two of them");
  }
  if (!w.passphrase) return undefined;
  return (await namedPassphrase(w)) ?? askNewPassphrase(name);
}

async function keygen(name: string, w: Words): Promise<void> {
  const reached = reachedOf(w);
  const identity = await mpc.Identity.generate(name);
  const path = w.out ?? `${name}.key`;
  if ((await checkWritable(path)) === "replaces" && w.force !== true) {
    expected("KEY_FILE", "keygen", "a path where no file is", path, "a lost key cannot be made again; --force replaces it");
  }
  const passphrase = await newPassphrase(name, w);
  await mpc.writeKeyFile(path, identity, { ...(passphrase !== undefined && { passphrase }), force: w.force === true });
  const print = mpc.fingerprint(identity.public);
  say(`private keys of ${name}: ${path}, mode 0600, ${passphrase === undefined ? "not encrypted" : "under the passphrase"}`);
  say(`fingerprint ${print}: read it to the others by telephone`);
  const entry = mpc.publicEntry({ identity: identity.public, ...(reached && { reached }) });
  result(w.json === true, "identity", { ...entry, fingerprint: print }, () => JSON.stringify(entry, null, 2));
}

export const keygenCommand: CommandRow = {
  name: "keygen",
  add: (program: Command) =>
    void withPassphraseOptions(
      program
        .command("keygen")
        .summary("make the keys of a party or a person; prints the public half")
        .description(
          "Examples:\n  tacit keygen data-owner > data-owner.pub\n  tacit keygen clinic-a --address a.example:7001 --client a.example:7002 > clinic-a.pub\n  tacit keygen driver --passphrase-file driver.pass --out keys/driver.key > driver.pub",
        )
        .argument("<name>", "1 to 63 characters of a-z, 0-9, '.', '_', '-'")
        .option("--out <file>", "the private key file (default: NAME.key)")
        .option("--no-passphrase", "do not encrypt the key file")
        .option("--address <host:port>", "of a party: where the other parties connect")
        .option("--client <host:port>", "of a party: where people connect")
        .option("--force", "replace a key file that is there")
        .option("--json", "print the result as one JSON object"),
    ).action(keygen),
};
