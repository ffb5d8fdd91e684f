/** @file Writing a text file whole or not at all, for hosts that have files. */
import { mkdir, rename, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { TacitError } from "@tacit/core/errors";

/** Writes `text`, making missing directories. @throws FILE_WRITE; what was there before is then still there */
export async function writeText(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${crypto.randomUUID()}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, text);
    await rename(temporary, path);
  } catch (cause) {
    await unlink(temporary).catch(() => undefined);
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "an error";
    throw new TacitError("FILE_WRITE", `save: expected a writable place at ${JSON.stringify(path)}, got ${code}`, { cause });
  }
}
