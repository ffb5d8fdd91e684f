/** @file A session file from the disk. Node only. */
import { readFile } from "node:fs/promises";
import { TacitError } from "@tacit/core/errors";
import { Session } from "./session-file.ts";

/** Reads a session file. @throws TacitError SESSION_INVALID */
export async function readSession(path: string): Promise<Session> {
  const text = await readFile(path, "utf8").catch(() => {
    throw new TacitError("SESSION_INVALID", `session: expected a session file at ${path}, got none`);
  });
  return Session.fromJson(text);
}
