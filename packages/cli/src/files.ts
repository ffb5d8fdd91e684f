/** @file Files that a user names: read with a bound, and looked at before work begins that would end in them. */
import { createReadStream, type ReadStream } from "node:fs";
import { mkdir, open, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { expected, TacitError } from "@tacit/core/errors";

/** What the system said, in words. */
function reason(cause: unknown): string {
  const words: Readonly<Record<string, string>> = {
    ENOENT: "no such file or directory",
    EACCES: "permission denied",
    EPERM: "permission denied",
    EROFS: "a read-only file system",
    ENOSPC: "a full disk",
    EDQUOT: "a full quota",
    EISDIR: "a directory",
    ENOTDIR: "a path through a file",
    EEXIST: "a path through a file",
    ENAMETOOLONG: "a name that is too long",
  };
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return words[code] ?? (code === "" ? "an error" : code);
}

/**
 * Reads a file (or a pipe) of at most `limit` bytes.
 * @throws FILE_READ; SIZE_LIMIT as soon as more has come, so that an endless device ends too
 */
export function readBounded(where: string, path: string, limit: number): Promise<Uint8Array> {
  return readStream(where, path, createReadStream(path), limit);
}

/** The first bytes of a file, fewer where it is shorter: what kind of file it is. @throws FILE_READ */
export function readStart(where: string, path: string, bytes: number): Promise<Uint8Array> {
  return readStream(where, path, createReadStream(path, { end: bytes - 1 }), bytes);
}

async function readStream(where: string, path: string, stream: ReadStream, limit: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let total = 0;
  try {
    for await (const piece of stream as AsyncIterable<Uint8Array>) {
      total += piece.length;
      if (total > limit) expected("SIZE_LIMIT", where, `a file of at most ${limit} bytes`, "a larger one");
      pieces.push(piece);
    }
  } catch (cause) {
    if (cause instanceof TacitError) throw cause;
    throw new TacitError("FILE_READ", `${where}: expected a readable file at ${JSON.stringify(path)}, got ${reason(cause)}`, {
      cause,
    });
  }
  return Buffer.concat(pieces);
}

/** Sees, before any work, that a file can be made at `path`: its directory (made if need be) takes a new file. Says whether one is there. @throws FILE_WRITE */
export async function checkWritable(path: string, option = "--out"): Promise<"new" | "replaces"> {
  const refuse = (got: string, cause?: unknown): never => {
    throw new TacitError("FILE_WRITE", `${path}: expected a writable place, got ${got}`, {
      hint: `choose another path with ${option}`,
      cause,
    });
  };
  const there = await stat(path).catch(() => null);
  if (there?.isDirectory()) refuse("a directory");
  const directory = dirname(path);
  const probe = join(directory, `.${basename(path)}.${process.pid}.probe`);
  try {
    await mkdir(directory, { recursive: true });
    await (await open(probe, "wx")).close();
    await unlink(probe);
  } catch (cause) {
    refuse(reason(cause), cause);
  }
  return there === null ? "new" : "replaces";
}
