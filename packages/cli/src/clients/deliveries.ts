/** @file What a recipient gets: as text, JSON, or safetensors files. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import { saveSafetensors } from "@tacit/core/io";
import { showAval } from "@tacit/core/program";
import { Random } from "@tacit/core/random";
import type { mpc } from "@tacit/mpc";
import { MODELS, type ModelName } from "../models.ts";
import { named, quoted } from "../output/foreign.ts";
import { saveModel } from "../private/main-job.ts";
import { FINAL_MODEL } from "../private/training.ts";

/** Rows and columns that are printed as text; more goes to files or JSON. */
const [MOST_ROWS, MOST_COLUMNS] = [50, 64];
/** As tacit predict takes them. */
const MOST_CLASSES = 1000;

const lastOf = (shape: readonly number[]): number => shape.at(-1) ?? 1;

/** Whether a person can read it as text. */
const isSmall = ({ aval, values }: mpc.Delivery): boolean => {
  const columns = Math.max(1, lastOf(aval.shape));
  return columns <= MOST_COLUMNS && values.length / columns <= MOST_ROWS;
};

/** @throws ARGUMENT_INVALID before anything is printed and forgotten by the parties */
export function checkSmall(deliveries: readonly mpc.Delivery[]): void {
  const large = deliveries.find((d) => !isSmall(d));
  if (large === undefined) return;
  const most = `${MOST_ROWS} rows of ${MOST_COLUMNS} values`;
  const hint = "nothing was taken from the parties: give --out DIR or --json";
  expected("ARGUMENT_INVALID", "receive", `at most ${most} to print`, showAval(large.aval), hint);
}

const number = (v: number | bigint): string => (typeof v === "bigint" || Number.isInteger(v) ? String(v) : v.toPrecision(5));

function showRow(row: readonly (number | bigint)[]): string {
  if (row.length < 2) return `  ${row.map(number).join(" ")}`;
  const best = row.keys().reduce((at, i) => (row[i]! > row[at]! ? i : at), 0);
  return `  ${row.map(number).join(" ")}  largest: ${best}`;
}

/** What came, without its values: number, reason, shape, and what it is of. */
export function showCame(d: mpc.Delivery): string {
  const from = d.program === "" ? `input ${named(d.handle)}` : `output ${d.output} of program ${named(d.program.slice(0, 12))}`;
  return `delivery ${d.run}: ${quoted(d.why)}, ${showAval(d.aval)} (${from})`;
}

/** A delivery in words, row by row. */
export function showDelivery(d: mpc.Delivery): string {
  const columns = Math.max(1, lastOf(d.aval.shape));
  const values = Array.from(d.values as ArrayLike<number | bigint>);
  const rows = Array.from({ length: values.length / columns }, (_, i) => values.slice(i * columns, (i + 1) * columns));
  return [showCame(d), ...rows.map(showRow)].join("\n");
}

/** For JSON: i64 as text, since JSON's numbers end at 2^53. */
export const deliveryJson = (d: mpc.Delivery): object => ({
  run: d.run,
  why: d.why,
  shape: d.aval.shape,
  dtype: d.aval.dtype,
  program: d.program,
  output: d.output,
  handle: d.handle,
  values: Array.from(d.values as ArrayLike<number | bigint>, (v) => (typeof v === "bigint" ? String(v) : v)),
});

/** What the reason of a weight of a disclosed model begins with. */
const WEIGHT = `${FINAL_MODEL}: `;

/** A weight of a disclosed model, by its name there. */
interface Weight {
  readonly name: string;
  readonly delivery: mpc.Delivery;
}

/** A trained model among the deliveries, with all its weights. */
interface Came {
  readonly plan: { readonly model: ModelName; readonly classes: number };
  readonly weights: readonly Weight[];
}

/** What begins the names of one driver's values (driver/runner.ts). */
const driverOf = ({ handle }: mpc.Delivery): string => handle.slice(0, handle.lastIndexOf("."));

/**
 * Weights that one driver delivered without a run between: a training discloses its model like that (private/training.ts), and another
 * training takes runs before it discloses its own. What was collected before, or is withheld, leaves a gap in the runs.
 */
function streaksOf(deliveries: readonly mpc.Delivery[]): Weight[][] {
  const all: Weight[][] = [];
  for (const delivery of deliveries.toSorted((a, b) => a.run - b.run)) {
    if (!delivery.why.startsWith(WEIGHT)) continue;
    const name = delivery.why.slice(WEIGHT.length);
    const last = all.at(-1)?.at(-1)?.delivery;
    const follows = last !== undefined && delivery.run === last.run + 1 && driverOf(delivery) === driverOf(last);
    if (follows) all.at(-1)!.push({ name, delivery });
    else all.push([{ name, delivery }]);
  }
  return all;
}

/** Names and shapes of a model's weights, in the order in which they are disclosed. */
const shapesOf = (model: ModelName, classes: number): (readonly [string, readonly number[]])[] =>
  [...MODELS[model].build(classes, { random: new Random(0) }).stateDict()].map(([name, t]) => [name, t.shape] as const);

/** The models whose weights all came, one after the other and in the model's order: so they are of one disclosure. */
function modelsOf(deliveries: readonly mpc.Delivery[]): Came[] {
  const streaks = streaksOf(deliveries);
  if (streaks.length === 0) return [];
  const kinds = (Object.keys(MODELS) as ModelName[]).map((model) => ({ model, names: shapesOf(model, 1).map(([name]) => name) }));
  const found: Came[] = [];
  for (const streak of streaks) {
    for (let at = 0; at < streak.length; ) {
      const came = kinds.map(({ model, names }) => modelAt(streak, at, model, names)).find((c) => c !== null) ?? null;
      if (came !== null) found.push(came);
      at += came?.weights.length ?? 1;
    }
  }
  return found;
}

/** The whole model that begins there; null: another, or a part of one. */
function modelAt(streak: readonly Weight[], at: number, model: ModelName, names: readonly string[]): Came | null {
  const weights = streak.slice(at, at + names.length);
  if (weights.length < names.length || weights.some((w, i) => w.name !== names[i])) return null;
  const classes = weights.at(-1)!.delivery.aval.shape[0] ?? 0;
  if (!(classes >= 1 && classes <= MOST_CLASSES)) return null;
  const came = weights.map((w) => [w.name, w.delivery.aval.shape]);
  return JSON.stringify(came) === JSON.stringify(shapesOf(model, classes)) ? { plan: { model, classes }, weights } : null;
}

const tensorOf = (d: mpc.Delivery): Tensor => Tensor.adopt(d.values, [...d.aval.shape], d.aval.dtype);

/** Writes each whole model that came as tacit train would: tacit predict reads it, tacit give gives it again. */
async function writeModels(directory: string, deliveries: readonly mpc.Delivery[]): Promise<string[]> {
  const paths: string[] = [];
  for (const { plan, weights } of modelsOf(deliveries)) {
    const path = join(directory, `${weights[0]!.delivery.run}-model.safetensors`);
    const state = new Map(weights.map(({ name, delivery }) => [name, tensorOf(delivery)] as const));
    await saveModel(path, { name: "given", names: null, plan }, state);
    paths.push(path);
  }
  return paths;
}

/** A file's name for a delivery: its number, then its reason as far as a name can hold it. */
const fileOf = (d: mpc.Delivery): string => `${d.run}-${d.why.replaceAll(/[^A-Za-z0-9.-]+/g, "-").slice(0, 64)}.safetensors`;

export interface Written {
  /** One for each delivery. */
  readonly paths: readonly string[];
  /** Of whole models among them. */
  readonly models: readonly string[];
}

/** One file for each, whole or not at all; a model whose weights have all come is written as one besides. @throws FILE_WRITE */
export async function writeDeliveries(directory: string, deliveries: readonly mpc.Delivery[]): Promise<Written> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const paths: string[] = [];
  for (const d of deliveries) {
    const path = join(directory, fileOf(d));
    const metadata = {
      "tacit.why": d.why,
      "tacit.program": d.program,
      "tacit.output": String(d.output),
      "tacit.run": String(d.run),
    };
    await saveSafetensors(path, { value: tensorOf(d) }, metadata);
    paths.push(path);
  }
  return { paths, models: await writeModels(directory, deliveries) };
}
