/** @file A session file from the disk. Node only. */
import { readFile, stat } from "node:fs/promises";
import { TacitError } from "@tacit/core/errors";
import { MOST_CHARACTERS, Session } from "./session-file.ts";

/** Reads a session file. @throws TacitError SESSION_INVALID */
export async function readSession(path: string): Promise<Session> {
  const size = await stat(path).then(
    (s) => s.size,
    () => 0,
  );
  if (size > MOST_CHARACTERS) {
    throw new TacitError("SESSION_INVALID", `session: expected at most ${MOST_CHARACTERS} bytes at ${path}, got ${size}`);
  }
  const text = await readFile(path, "utf8").catch(() => {
    throw new TacitError("SESSION_INVALID", `session: expected a session file at ${path}, got none`);
  });
  return Session.fromJson(text);
}
