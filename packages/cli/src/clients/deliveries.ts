/** @file What a recipient gets: as text, JSON, or safetensors files. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import { saveSafetensors } from "@tacit/core/io";
import { showAval } from "@tacit/core/program";
import type { mpc } from "@tacit/mpc";
import { named, quoted } from "../output/foreign.ts";

/** Rows and columns that are printed as text; more goes to files or JSON. */
const [MOST_ROWS, MOST_COLUMNS] = [50, 64];

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

/** A file's name for a delivery: its number, then its reason as far as a name can hold it. */
const fileOf = (d: mpc.Delivery): string => `${d.run}-${d.why.replaceAll(/[^A-Za-z0-9.-]+/g, "-").slice(0, 64)}.safetensors`;

/** One file for each, whole or not at all. @throws FILE_WRITE */
export async function writeDeliveries(directory: string, deliveries: readonly mpc.Delivery[]): Promise<string[]> {
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
    await saveSafetensors(path, { value: Tensor.adopt(d.values, [...d.aval.shape], d.aval.dtype) }, metadata);
    paths.push(path);
  }
  return paths;
}
