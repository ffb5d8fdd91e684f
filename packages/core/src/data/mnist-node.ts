/** @file Finding and fetching the files of MNIST: for Node only, loaded by `mnist` where there is a file system. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { TacitError } from "../errors.ts";
import { writeAtomic } from "../io/files-node.ts";
import { sizeOf } from "../program/aval.ts";
import { gunzip, isGzip } from "./gunzip.ts";
import type { MnistCatalogue, MnistFile, MnistFiles, MnistOptions } from "./mnist-files.ts";
import { MNIST } from "./mnist-files.ts";

type Key = keyof MnistCatalogue["files"];
const KEYS: readonly Key[] = ["trainImages", "trainLabels", "testImages", "testLabels"];

/** Public mirrors of the four files, gzip. */
const MIRRORS: readonly string[] = [
  "https://ossci-datasets.s3.amazonaws.com/mnist/",
  "https://storage.googleapis.com/cvdf-datasets/mnist/",
];
/** The largest file is 9.9 MB compressed. */
const MAX_DOWNLOAD = 16 << 20;
const TIMEOUT_MS = 120_000;

/** `XDG_CACHE_HOME/tacit`, else `~/.cache/tacit`. */
export function cacheDirectory(): string {
  const xdg = process.env.XDG_CACHE_HOME;
  return join(xdg !== undefined && xdg !== "" ? xdg : join(homedir(), ".cache"), "tacit");
}

/** The directories that `findMnist` looks into, in order. */
export function searched(options: MnistOptions): string[] {
  const given = options.directory ?? process.env.TACIT_DATA;
  const { folder } = options.catalogue ?? MNIST;
  const cache = join(options.cache ?? cacheDirectory(), folder);
  return given === undefined || given === "" ? [cache] : [join(given, folder), cache];
}

async function checked(where: string, { sha256, shape }: MnistFile, raw: Uint8Array): Promise<Uint8Array> {
  const length = 4 + 4 * shape.length + sizeOf(shape);
  const bytes = isGzip(raw) ? await gunzip(raw, length) : raw;
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest === sha256) return bytes;
  throw new TacitError(
    "DATA_CHECKSUM",
    `${where}: expected contents with SHA-256 ${sha256.slice(0, 16)}…, got ${digest.slice(0, 16)}…`,
    {
      hint: "delete the file and fetch it again; your own IDX files are read with data.readIdx",
    },
  );
}

async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR")) return null;
    throw new TacitError(
      "FILE_READ",
      `${path}: expected a readable file, got ${cause instanceof Error ? cause.message : "an error"}`,
      { cause },
    );
  }
}

/** All four files from one directory, or null when the directory lacks one. */
async function fromDirectory(directory: string, { files }: MnistCatalogue): Promise<MnistFiles | null> {
  const bytes: Partial<Record<Key, Uint8Array>> = {};
  for (const key of KEYS) {
    const path = join(directory, files[key].file);
    const raw = (await readIfThere(`${path}.gz`)) ?? (await readIfThere(path));
    if (raw === null) return null;
    bytes[key] = await checked(path, files[key], raw);
  }
  return { origin: directory, bytes: bytes as MnistFiles["bytes"] };
}

/** MNIST from `TACIT_DATA` or the cache; null when neither has all four files. Throws DATA_CHECKSUM, GZIP_INVALID, FILE_READ. */
export async function findMnist(options: MnistOptions): Promise<MnistFiles | null> {
  for (const directory of searched(options)) {
    const found = await fromDirectory(directory, options.catalogue ?? MNIST);
    if (found !== null) return found;
  }
  return null;
}

/** The body of a response, cut off beyond `limit` bytes. */
async function bodyOf(response: Response, limit: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let total = 0;
  for await (const piece of response.body ?? []) {
    total += piece.length;
    if (total > limit) throw new TacitError("SIZE_LIMIT", `download: expected at most ${limit} bytes, got more`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

async function fetchFile(mirrors: readonly string[], file: MnistFile): Promise<{ raw: Uint8Array; bytes: Uint8Array }> {
  const failures: string[] = [];
  for (const mirror of mirrors) {
    const address = new URL(`${file.file}.gz`, mirror.endsWith("/") ? mirror : `${mirror}/`).href;
    try {
      const response = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (!response.ok) throw new TacitError("DATA_DOWNLOAD", `${address}: expected status 200, got ${response.status}`);
      const raw = await bodyOf(response, MAX_DOWNLOAD);
      return { raw, bytes: await checked(address, file, raw) };
    } catch (cause) {
      failures.push(
        cause instanceof TacitError ? cause.message : `${address}: ${cause instanceof Error ? cause.message : "no answer"}`,
      );
    }
  }
  throw new TacitError(
    "DATA_DOWNLOAD",
    `mnist: expected one of ${mirrors.length} mirrors to answer, got: ${failures.join("; ")}`,
    {
      hint: "check the network, or set TACIT_DATA to a directory that holds mnist/",
    },
  );
}

/** Fetches the four files into the cache. Throws DATA_DOWNLOAD when no mirror has the right contents, FILE_WRITE when the disk refuses. */
export async function downloadMnist(options: MnistOptions): Promise<MnistFiles> {
  const { files, folder } = options.catalogue ?? MNIST;
  const directory = join(options.cache ?? cacheDirectory(), folder);
  const bytes: Partial<Record<Key, Uint8Array>> = {};
  for (const key of KEYS) {
    const got = await fetchFile(options.mirrors ?? MIRRORS, files[key]);
    await writeAtomic(join(directory, `${files[key].file}.gz`), got.raw);
    bytes[key] = got.bytes;
  }
  return { origin: directory, bytes: bytes as MnistFiles["bytes"] };
}
