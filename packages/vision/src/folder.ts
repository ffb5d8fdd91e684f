/** @file imageFolder: pictures in folders, one folder for each class, read when a batch needs them. */
import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import type { Tensor } from "@tacit/core";
import { type Dataset, examples, type HostArray } from "@tacit/core/data";
import { TacitError } from "@tacit/core/errors";
import { decodePng, decodePngRgb, type PngLimits } from "./png.ts";
import { compose, resize, type Size, type Transform } from "./transforms.ts";

export interface ImageFolderOptions {
  /** Every picture is resized (bilinear) to this height and width. Without it all must be of one size. */
  readonly size?: Size;
  /** One channel instead of three. */
  readonly grayscale?: boolean;
  /** Applied after that; random ones change from epoch to epoch, and depend on seed, epoch and picture alone. */
  readonly transform?: Transform;
  /** Of random transforms; 0 unless said. */
  readonly seed?: number;
  readonly limits?: PngLimits;
}

export interface ImageFolder {
  /** Pictures f32 [n, channels, height, width] and classes i32 [n]. */
  readonly dataset: Dataset<readonly [Tensor, Tensor]>;
  /** Names of the folders, sorted by code unit; a class is its position. */
  readonly classes: readonly string[];
  /** Paths and classes of the samples, in the dataset's order. */
  readonly files: readonly { readonly path: string; readonly label: number }[];
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Pictures below a folder, as torchvision walks it: folder by folder, names sorted. */
async function picturesIn(folder: string): Promise<string[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).toSorted((a, b) => byCodeUnit(a.name, b.name));
  const out: string[] = [];
  const folders: string[] = [];
  for (const e of entries) {
    const path = join(folder, e.name);
    const info = e.isSymbolicLink() ? await stat(path) : e;
    if (info.isDirectory()) folders.push(path);
    else if (extname(e.name).toLowerCase() === ".png") out.push(path);
  }
  for (const f of folders) out.push(...(await picturesIn(f)));
  return out;
}

async function classesIn(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { withFileTypes: true });
    const folders = await Promise.all(entries.map(async (e) => (await stat(join(root, e.name))).isDirectory()));
    return entries
      .filter((_, i) => folders[i])
      .map((e) => e.name)
      .toSorted(byCodeUnit);
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : "an error";
    throw new TacitError("DATA_NOT_FOUND", `${root}: expected a folder with a folder for each class, got ${got}`, { cause });
  }
}

/** Decodes one file; every fault names it. */
async function read(path: string, options: ImageFolderOptions): Promise<HostArray> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : "an error";
    throw new TacitError("FILE_READ", `${path}: expected a readable file, got ${got}`, { cause });
  }
  try {
    if (options.grayscale !== true) return decodePngRgb(bytes, options.limits);
    const { values, width, height } = decodePng(bytes, options.limits);
    return { values, shape: [1, height, width], dtype: "f32" };
  } catch (cause) {
    if (!(cause instanceof TacitError)) throw cause;
    throw new TacitError(cause.code, `${path}: ${cause.message}`, {
      cause,
      ...(cause.hint !== undefined && { hint: cause.hint }),
    });
  }
}

/** What the decoder gave, at the size that was asked for. */
async function picture(path: string, size: readonly number[] | null, options: ImageFolderOptions): Promise<HostArray> {
  const p = await read(path, options);
  if (size === null || (p.shape[1] === size[0] && p.shape[2] === size[1])) return p;
  const shape = (s: readonly number[]): string => s.join("x");
  throw new TacitError(
    "SHAPE_MISMATCH",
    `${path}: expected a picture of ${shape(size)} as the first, got ${shape(p.shape.slice(1))}`,
    {
      hint: "pass { size: [height, width] }",
    },
  );
}

/**
 * PNG pictures of a folder whose folders are the classes: `const { dataset, classes } = await imageFolder("pets", { size: 64 })`. Files are
 * listed now and decoded when they are read.
 * @throws DATA_NOT_FOUND without classes, or where one has no picture; by reading FILE_READ, PNG_INVALID, SIZE_LIMIT or SHAPE_MISMATCH,
 *   which name the file
 */
export async function imageFolder(path: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
  const classes = await classesIn(path);
  if (classes.length === 0)
    throw new TacitError("DATA_NOT_FOUND", `${path}: expected a folder for each class, got none`, {
      hint: "path/cat/1.png, path/dog/2.png",
    });
  const files: { path: string; label: number }[] = [];
  for (const [label, name] of classes.entries()) {
    const found = await picturesIn(join(path, name));
    if (found.length === 0)
      throw new TacitError("DATA_NOT_FOUND", `${join(path, name)}: expected at least one .png file, got none`);
    for (const file of found) files.push({ path: file, label });
  }
  const fit = options.size === undefined ? null : resize(options.size);
  let first: Promise<readonly number[]> | null = null;
  const transforms = [fit, options.transform].filter((t) => t != null);
  const dataset = examples<readonly [Tensor, Tensor]>(
    {
      length: files.length,
      get: async (i, { random }) => {
        if (fit === null) first ??= read(files[0]!.path, options).then((p) => p.shape.slice(1));
        const raw = await picture(files[i]!.path, fit === null ? await first : null, options);
        return [compose(...transforms)(raw, random), files[i]!.label];
      },
    },
    { name: `${files.length} pictures of ${classes.length} classes`, seed: options.seed ?? 0 },
  );
  return { dataset, classes, files };
}
