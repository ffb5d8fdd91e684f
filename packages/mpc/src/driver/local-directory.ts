/** @file The directory of a local session that outlives its processes: session file, key files, one data directory for each party. Node only. */
import { existsSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TacitError } from "@tacit/core/errors";
import type { Identity } from "../identity/identity.ts";
import { readKeyFile, writeKeyFile } from "../identity/key-file.ts";
import { readSession } from "../session/read-session.ts";
import type { Session } from "../session/session-file.ts";

/** A local session that was begun before. */
export interface KeptSession {
  readonly session: Session;
  readonly parties: readonly Identity[];
  readonly people: readonly Identity[];
}

const sessionFile = (directory: string): string => join(directory, "session.json");

/** Whether a local session was begun in `directory`. */
export const isKept = (directory: string): boolean => existsSync(sessionFile(directory));

/** Makes the directory, for this user alone. One that is there stays as it is: key files have modes of their own. */
export async function makeDirectory(directory: string): Promise<void> {
  const made = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (made !== undefined) await chmod(directory, 0o700);
}

/** A party's data directory. */
export async function dataOf(directory: string, party: string): Promise<string> {
  const own = join(directory, party);
  await makeDirectory(own);
  return own;
}

/** Reads what `keep` wrote; null: nothing is there. @throws TacitError SESSION_*, KEY_FILE */
export async function readKept(directory: string, protocol: string): Promise<KeptSession | null> {
  if (!isKept(directory)) return null;
  const session = await readSession(sessionFile(directory));
  session.checkTime();
  if (session.file.protocol.name !== protocol) {
    throw new TacitError("SESSION_INVALID", `local: expected a session of ${protocol} in ${directory}, got another`, {
      hint: "name another directory, or remove this one",
    });
  }
  const read = (name: string): Promise<Identity> => readKeyFile(join(directory, `${name}.key`));
  return {
    session,
    parties: await Promise.all(session.file.parties.map((p) => read(p.identity.name))),
    people: await Promise.all(session.file.people.map((p) => read(p.name))),
  };
}

/** Writes keys (mode 0600) and, last, the session file. */
export async function keep(directory: string, session: Session, identities: readonly Identity[]): Promise<void> {
  for (const i of identities) await writeKeyFile(join(directory, `${i.name}.key`), i, { force: true });
  await writeFile(sessionFile(directory), session.toJson(), { mode: 0o600 });
}
