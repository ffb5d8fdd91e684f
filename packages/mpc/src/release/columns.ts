/**
 * @file The rows behind the columns of a release. The bound of clippedSum is on each slice of what is clipped: it is a bound on what one row can do only
 * if slice i depends on row i alone. Columns may be lazy, so that the Program of the release computes them too: what it does with the rows is looked at
 * before anything runs, as parties do under a grant that demands noise (`rows`).
 *
 * Rows are the secret values behind the columns with as many rows as the columns have, or as many as a selection reads that the columns went through.
 * Assumed, and not checked: what was computed before (`await x.realize()`) are rows, each one person's; other secret values behind the columns, of other
 * sizes, hold no data of these persons.
 */
import type { Storage } from "@tacit/core/device";
import { TacitError } from "@tacit/core/errors";
import { decompose, type Expr, isComposite, type Program, trace } from "@tacit/core/program";
import { publicSource } from "../party/store.ts";
import type { ReleaseDevice } from "./mechanism.ts";
import { analyseRows, RULES } from "./rows/index.ts";

/** Ops whose result may have other rows than their first argument. */
const SELECTIONS: ReadonlySet<string> = new Set(["indexSelect", "slice", "gather", "pad", "cat"]);

/** How many rows values behind the columns may have: as many as the columns, and as many as selections read. */
function countsOf(program: Program, rows: number): Set<number> {
  const counts = new Set([rows]);
  for (const { op, args, aval } of program.nodes.toReversed()) {
    if (!SELECTIONS.has(op) || !counts.has(aval.shape[0] ?? 0)) continue;
    for (const a of op === "cat" ? args : args.slice(0, 1)) counts.add(program.aval(a).shape[0] ?? 0);
  }
  return counts;
}

const isHere = (device: ReleaseDevice, { leaf }: Expr): boolean => leaf?.device === device && leaf.storage !== null;

const isPublic = (device: ReleaseDevice, e: Expr): boolean =>
  e.leaf?.open === true || (isHere(device, e) && device.binding(e.leaf!.storage!).kind === "public");

function isDistinct(device: ReleaseDevice, e: Expr): boolean {
  if (!isPublic(device, e)) return false;
  const { host, storage } = e.leaf!;
  const source = host !== null ? publicSource(host) : isHere(device, e) ? device.sourceOf(storage!) : null;
  return source?.kind === "public" && source.distinct;
}

/** With composites written out where they have no rule of their own, as they are for a protocol that lacks them. */
function written(program: Program): Program {
  const ops = new Set(program.nodes.flatMap(({ op }) => (isComposite(op) && !RULES.has(op) ? [op] : [])));
  return ops.size === 0 ? program : written(decompose(program, ops));
}

/**
 * The values that hold the rows of `columns`, of which `sum` is the noisy sum of clipped ones.
 * @throws TacitError PRIVACY_MIXED where `sum` depends on them in another way
 */
export function rowsBehind(where: string, device: ReleaseDevice, sum: Expr, columns: readonly Expr[]): Set<Storage> {
  const behind = trace(columns);
  const counts = countsOf(behind.program, columns[0]!.shape[0]!);
  const rows = new Set(behind.leaves.filter((e) => counts.has(e.shape[0] ?? 0) && !isPublic(device, e)).map((e) => e.leaf));
  const { program, leaves } = trace([sum]);
  const positions = leaves.flatMap((e, i) => (e.leaf !== null && rows.has(e.leaf) ? [i] : []));
  const analysis = analyseRows(written(program), positions, (i) => isDistinct(device, leaves[i]!));
  if (analysis.outputs[0] !== "clean") {
    const message = `${where}: expected rows that depend on one person each, got columns that may mix them: ${analysis.reasons[0]}`;
    const before = "await column.realize() first: what was computed before is taken as rows, each one person's";
    throw new TacitError("PRIVACY_MIXED", message, {
      hint: `${before}; rows are selected by public numbers that are all different`,
    });
  }
  return new Set([...rows].flatMap((leaf) => leaf?.storage ?? []));
}
