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

/** The reason of a weight of a disclosed model (private/given.ts). */
const WEIGHT = /^final model: (.+)$/;

/** A trained model among the deliveries: its weights by their names. */
interface Came {
  readonly run: number;
  readonly weights: Map<string, mpc.Delivery>;
}

/** The sets of weights that came, in the order of their runs: a name that comes again begins another set. */
function modelsOf(deliveries: readonly mpc.Delivery[]): Came[] {
  const all: Came[] = [];
  for (const d of deliveries) {
    const name = WEIGHT.exec(d.why)?.[1];
    if (name === undefined) continue;
    const last = all.at(-1);
    if (last === undefined || last.weights.has(name)) all.push({ run: d.run, weights: new Map([[name, d]]) });
    else last.weights.set(name, d);
  }
  return all;
}

/** Which model of ours has these weights, all of them and no other; null: none, or some are missing. */
function kindOf(weights: Came["weights"]): { readonly model: ModelName; readonly classes: number } | null {
  const classes = [...weights.values()].at(-1)?.aval.shape[0] ?? 0;
  if (!(classes >= 1 && classes <= MOST_CLASSES)) return null;
  const shapes = (names: Iterable<readonly [string, readonly number[]]>): string => JSON.stringify([...names].sort());
  const came = shapes([...weights].map(([name, d]) => [name, d.aval.shape] as const));
  for (const model of Object.keys(MODELS) as ModelName[]) {
    const state = MODELS[model].build(classes, { random: new Random(0) }).stateDict();
    if (shapes([...state].map(([name, t]) => [name, t.shape] as const)) === came) return { model, classes };
  }
  return null;
}

const tensorOf = (d: mpc.Delivery): Tensor => Tensor.adopt(d.values, [...d.aval.shape], d.aval.dtype);

/** Writes each whole model that came as tacit train would: tacit predict reads it, tacit give gives it again. */
async function writeModels(directory: string, deliveries: readonly mpc.Delivery[]): Promise<string[]> {
  const paths: string[] = [];
  for (const { run, weights } of modelsOf(deliveries)) {
    const kind = kindOf(weights);
    if (kind === null) continue;
    const path = join(directory, `${run}-model.safetensors`);
    const state = new Map([...weights].map(([name, d]) => [name, tensorOf(d)] as const));
    await saveModel(path, { name: "given", names: null, plan: kind }, state);
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
