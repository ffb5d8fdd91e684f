/** @file Who runs a command of a session: the session file, whose keys, how long to wait. Options and their reading, for all such commands. */
import { expected } from "@tacit/core/errors";
import { mpc } from "@tacit/mpc";
import type { Command } from "commander";
import { positive } from "../commands/arguments.ts";
import { say } from "../output/streams.ts";
import { askPassphrase, namedPassphrase, type PassphraseWords, withPassphraseOptions } from "../passphrase.ts";

export interface PersonWords extends PassphraseWords {
  readonly session: string;
  readonly as: string;
  readonly key?: string;
  /** Seconds. */
  readonly wait?: number;
}

export interface Person {
  readonly session: mpc.Session;
  readonly identity: mpc.Identity;
  /** Milliseconds; undefined: the session's time. */
  readonly wait: number | undefined;
}

/** A key file's keys; its passphrase comes from where the words say, from TACIT_PASSPHRASE_FILE, or from the terminal. */
export function openKey(path: string, w: PassphraseWords = {}): Promise<mpc.Identity> {
  const file = process.env.TACIT_PASSPHRASE_FILE;
  const none = w.passphraseFile === undefined && w.passphraseCommand === undefined;
  const named = none && file !== undefined ? { passphraseFile: file } : w;
  return mpc.openIdentity(path, async () => (await namedPassphrase(named)) ?? askPassphrase(`passphrase of ${path}`));
}

/** @throws SESSION_INVALID where the session does not name `as`, KEY_FILE where the keys are somebody else's */
export async function personOf(w: PersonWords): Promise<Person> {
  const session = await mpc.readSession(w.session);
  session.checkTime();
  if (!session.file.people.some((p) => p.name === w.as)) {
    const names = session.file.people.map((p) => p.name).join(", ");
    expected("SESSION_INVALID", "session", `--as with one of its people (${names})`, JSON.stringify(w.as));
  }
  const path = w.key ?? `${w.as}.key`;
  const identity = await openKey(path, w);
  if (identity.name !== w.as) {
    expected("KEY_FILE", path, `the keys of ${w.as}`, `those of ${identity.name}`, `name the key file of ${w.as} with --key`);
  }
  return { session, identity, wait: w.wait === undefined ? undefined : w.wait * 1000 };
}

/** Says for whom a command waits. */
export const onWaiting = (words: string): void => say(words);

export const withPersonOptions = (command: Command): Command =>
  withPassphraseOptions(command)
    .requiredOption("--session <file>", "the session file")
    .requiredOption("--as <name>", "whose keys, by the session's name")
    .option("--key <file>", "the private key file (default: NAME.key)")
    .option("--wait <seconds>", "how long to wait for the parties (default: the session's time)", positive);
