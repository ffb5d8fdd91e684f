/** @file Files for Node: reading with a bound, and writing so that the old file survives whatever happens. */
import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { TacitError } from "../errors.ts";

const reason = (cause: unknown): string => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const words: Readonly<Record<string, string>> = {
    ENOENT: "no such file or directory",
    EACCES: "permission denied",
    EPERM: "permission denied",
    EROFS: "a read-only file system",
    ENOSPC: "a full disk",
    EDQUOT: "a full quota",
    EFBIG: "a file too large for the disk",
    EISDIR: "a directory",
    ENOTDIR: "a path through a file",
  };
  return words[code] ?? (cause instanceof Error ? cause.message : "an error");
};

/** Reads a file, or a pipe, of at most `limit` bytes. Throws FILE_READ, and SIZE_LIMIT before more is held. */
export async function readBounded(path: string, limit: number): Promise<Uint8Array> {
  const tooLong = (got: string): never => {
    throw new TacitError("SIZE_LIMIT", `${path}: expected at most ${limit} bytes, got ${got}`);
  };
  try {
    const info = await stat(path);
    if (info.size > limit) tooLong(`${info.size}`);
    if (info.isFile()) return await readFile(path);
    // Pipes and devices announce no size, and some have no end.
    const pieces: Uint8Array[] = [];
    let total = 0;
    for await (const piece of createReadStream(path) as AsyncIterable<Uint8Array>) {
      total += piece.length;
      if (total > limit) tooLong("more");
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  } catch (cause) {
    if (cause instanceof TacitError) throw cause;
    throw new TacitError("FILE_READ", `${path}: expected a readable file, got ${reason(cause)}`, { cause });
  }
}

/** Paths of the files in a folder whose names end so, sorted by code unit; null where `path` is no folder. @throws FILE_READ */
export async function listFolder(path: string, ending: string): Promise<string[] | null> {
  try {
    if (!(await stat(path)).isDirectory()) return null;
    const names = (await readdir(path)).filter((name) => name.endsWith(ending));
    return names.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)).map((name) => join(path, name));
  } catch (cause) {
    throw new TacitError("FILE_READ", `${path}: expected a readable file or folder, got ${reason(cause)}`, { cause });
  }
}

/**
 * Writes a file whole or not at all: into a new file beside it, flushed to the disk, then renamed over the old one
 * (POSIX rename is atomic), then the directory entry is flushed. Missing directories are made.
 * @throws FILE_WRITE; the old file is then as it was.
 */
export async function writeAtomic(path: string, bytes: Uint8Array): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    await mkdir(directory, { recursive: true });
    const file = await open(temporary, "wx", 0o644);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await unlink(temporary).catch(() => undefined);
    throw new TacitError("FILE_WRITE", `${path}: expected a writable place, got ${reason(cause)}`, {
      hint: "nothing was changed: free space or choose another path",
      cause,
    });
  }
  await syncDirectory(directory);
}

/** Best effort: some platforms cannot open directories; the rename itself has succeeded by then. */
async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    return;
  }
}
