/** @file What an owner gives: the files that tacit train reads, pictures, tables and weights, as values with names. */
import { basename } from "node:path";
import * as data from "@tacit/core/data";
import { expected } from "@tacit/core/errors";
import { loadSafetensors } from "@tacit/core/io";
import type { TypedArray } from "@tacit/core/program";
import { Random } from "@tacit/core/random";
import { type mpc, oneHot } from "@tacit/mpc";
import { decodePng, fitGray } from "@tacit/vision";
import { readBounded } from "../files.ts";
import { MODELS, modelName } from "../models.ts";
import { CENTRING, PIXELS } from "../private/batches.ts";
import { checkKind, classNumbers, MOST_BYTES, type Raw, readSamples } from "../training/datasets.ts";

/** How pixels are given: as `tacit train --private` centres them, from 0 to 1, or as they stand in the file. */
export const PIXEL_FORMS = ["centred", "unit", "raw"] as const;
export type PixelForm = (typeof PIXEL_FORMS)[number];

export interface GiftWords {
  readonly name?: string;
  readonly labels?: string;
  readonly classes?: number;
  readonly pixels: PixelForm;
  /** Initial weights of a model of this name instead of a file. */
  readonly model?: string;
  readonly seed?: number;
}

const MOST_PICTURE_BYTES = 2 ** 24;
const SIDE = 28;

/** A file's name without directory and endings. */
const stem = (path: string): string => basename(path).replace(/(\.idx|\.idx\d-ubyte)?(\.[A-Za-z]+)?(\.gz)?$/, "") || "data";

/** Scale, then centre. */
function pixelsOf(values: data.HostArray["values"], scale: number, form: PixelForm): Float32Array {
  const { mean, deviation } = form === "centred" ? CENTRING : { mean: 0, deviation: 1 };
  const by = form === "raw" ? 1 : scale;
  return Float32Array.from(values as ArrayLike<number>, (v) => (Number(v) * by - mean) / deviation);
}

/** Pictures f32 [n, 1, height, width]. */
function pictures(name: string, { values, shape }: data.HostArray, scale: number, form: PixelForm): mpc.Gift {
  const [n = 0, ...rest] = shape;
  const size = rest.length === 1 && rest[0] === PIXELS ? [SIDE, SIDE] : rest;
  return { name, values: pixelsOf(values, scale, form), shape: [n, ...(size.length === 2 ? [1] : []), ...size] };
}

function labelled(name: string, labels: Int32Array, classes: number | undefined): mpc.Gift {
  const needed = labels.reduce((most, c) => Math.max(most, c + 1), 0);
  return { name, ...oneHot(labels, classes ?? Math.max(2, needed)) };
}

/** NAME-images and NAME-labels. */
function pair(raw: Raw, w: GiftWords): mpc.Gift[] {
  const name = w.name ?? "train";
  if (raw.images.shape[0] !== raw.labels.length) {
    expected("SHAPE_MISMATCH", "give", `${raw.labels.length} pictures for as many labels`, `${raw.images.shape[0]}`);
  }
  return [pictures(`${name}-images`, raw.images, raw.scale, w.pixels), labelled(`${name}-labels`, raw.labels, w.classes)];
}

async function fromCsv(path: string, w: GiftWords): Promise<mpc.Gift[]> {
  const { features, labels } = data.parseCsv(await readBounded("give", path, MOST_BYTES), { label: 0 });
  if (features.shape[1] === PIXELS) return pair(await readSamples(path), w);
  const name = w.name ?? "train";
  if (labels === null) expected("ARGUMENT_INVALID", "give", "a label as first column", "none");
  const classes = classNumbers(labels.values);
  return [
    { name: `${name}-features`, values: features.values, shape: features.shape },
    labelled(`${name}-labels`, classes, w.classes),
  ];
}

/** Tensors named images and labels are a data set; others are weights: NAME.TENSOR. */
async function fromSafetensors(path: string, w: GiftWords): Promise<mpc.Gift[]> {
  const { tensors } = await loadSafetensors(path);
  if (tensors.has("images") && tensors.has("labels")) return pair(await readSamples(path), w);
  const name = w.name ?? stem(path);
  const gifts: mpc.Gift[] = [];
  for (const [key, t] of tensors) gifts.push({ name: `${name}.${key}`, values: await t.data<TypedArray>(), shape: t.shape });
  if (gifts.length === 0) expected("ARGUMENT_INVALID", "give", "a file with tensors", "an empty one");
  return gifts;
}

async function fromIdx(path: string, w: GiftWords): Promise<mpc.Gift[]> {
  await checkKind(path);
  if (w.labels !== undefined) return pair(await readSamples(path, w.labels), w);
  const array = await data.readIdx(await readBounded("give", path, MOST_BYTES));
  const name = w.name ?? stem(path);
  if (array.shape.length === 1) return [labelled(name, classNumbers(array.values), w.classes)];
  return [pictures(name, array, array.dtype === "u8" ? 1 / 255 : 1, w.pixels)];
}

/** PNG pictures, each fitted to 28x28 as tacit predict does: f32 [n, 1, 28, 28]. */
async function fromPictures(paths: readonly string[], w: GiftWords): Promise<mpc.Gift[]> {
  const all = new Float32Array(paths.length * PIXELS);
  for (const [i, path] of paths.entries()) {
    const png = decodePng(await readBounded("give", path, MOST_PICTURE_BYTES));
    all.set(fitGray(png, { width: SIDE, height: SIDE }).values, i * PIXELS);
  }
  const name = w.name ?? (paths.length === 1 ? stem(paths[0]!) : "pictures");
  return [{ name, values: pixelsOf(all, 1, w.pixels), shape: [paths.length, 1, SIDE, SIDE] }];
}

/** New weights of a model: NAME.PARAMETER. Without a seed nobody can draw them again. */
async function fromModel(model: string, w: GiftWords): Promise<mpc.Gift[]> {
  const seed = w.seed ?? crypto.getRandomValues(new BigUint64Array(1))[0]!;
  const layer = MODELS[modelName(model)].build(w.classes ?? 10, { random: new Random(seed) });
  const gifts: mpc.Gift[] = [];
  for (const [key, t] of layer.stateDict()) {
    gifts.push({ name: `${w.name ?? "model"}.${key}`, values: await t.data<TypedArray>(), shape: t.shape });
  }
  return gifts;
}

/** @throws ARGUMENT_INVALID, SHAPE_MISMATCH, LABEL_OUT_OF_RANGE and what the readers of files throw */
export async function readGifts(files: readonly string[], w: GiftWords): Promise<mpc.Gift[]> {
  const [first] = files;
  if (w.model !== undefined) {
    if (first !== undefined) expected("ARGUMENT_INVALID", "give", "--model or a file", "both", "--model gives new weights");
    return fromModel(w.model, w);
  }
  if (first === undefined) expected("ARGUMENT_INVALID", "give", "a file, or --model for new weights", "neither");
  if (files.every((f) => f.toLowerCase().endsWith(".png"))) return fromPictures(files, w);
  if (files.length > 1) expected("ARGUMENT_INVALID", "give", "one file, or several PNG pictures", `${files.length} files`);
  if (first.endsWith(".csv")) return fromCsv(first, w);
  if (first.endsWith(".safetensors")) return fromSafetensors(first, w);
  return fromIdx(first, w);
}
