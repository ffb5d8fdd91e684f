/** @file Lines that go to a party's files, whole or with an error that names the disk. Node only. */
import { readdirSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { TacitError } from "@tacit/core/errors";
import { isRecord } from "../identity/identity.ts";

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: "a full disk",
  EDQUOT: "a full quota",
  EFBIG: "the limit on a file's size",
  EROFS: "a read-only file system",
  EIO: "a failing disk",
};

/** What the system's error says of the disk; undefined for another error. */
export const diskWords = (e: unknown): string | undefined =>
  isRecord(e) && typeof e.code === "string" ? WORDS[e.code] : undefined;

/** Appends `text`. A part that was written before the error stays: readers take an unfinished last line for nothing. @throws TacitError MPC_DISK */
export function append(file: number, text: string, what: string): void {
  appendBytes(file, Buffer.from(text), what);
}

/** The same for bytes. @throws TacitError MPC_DISK */
export function appendBytes(file: number, bytes: Uint8Array, what: string): void {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  } catch (cause) {
    throw diskError(what, diskWords(cause) ?? "an error of the file system", cause);
  }
}

export const diskError = (what: string, got: string, cause?: unknown): TacitError =>
  new TacitError("MPC_DISK", `${what}: expected room for a line in the party's data directory, got ${got}`, {
    hint: "make room there and start the party again: its counters are whole",
    cause,
  });

/** Bytes of the files in a directory. */
export const bytesIn = (directory: string): number =>
  readdirSync(directory).reduce((n, f) => n + (statSync(join(directory, f), { throwIfNoEntry: false })?.size ?? 0), 0);
