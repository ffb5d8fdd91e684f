/**
 * @file einsum: sums of products in index notation. Pairs are contracted one after the other, smallest result first; each pair is a
 * permute, a reshape and one batched matmul.
 */
import { expected } from "../errors.ts";
import type { Expr } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { showShape, sizeOf } from "../program/aval.ts";
import { diagonalOf } from "./arrange.ts";
import { commonDType } from "./operand.ts";
import { Tensor } from "./tensor.ts";

/** A value whose dimensions have distinct labels. */
interface Labelled {
  readonly x: Expr;
  readonly labels: readonly string[];
}

const bad = (want: string, got: string, hint?: string): never => expected("ARGUMENT_INVALID", "einsum", want, got, hint);
const LETTER = /^[a-zA-Z]$/;

/** The letters of one operand; `"..."` becomes labels of its own, numbered from the last dimension. */
function labelsOf(text: string, rank: number | null, ellipsis: number): string[] {
  const parts = text.split("...");
  if (parts.length > 2) bad('at most one "..." in an operand', JSON.stringify(text));
  const letters = parts.map((p) => [...p]);
  for (const l of letters.flat()) if (!LETTER.test(l)) bad("letters, commas, -> and ...", JSON.stringify(l));
  const [before, after] = [letters[0]!, letters[1] ?? []];
  const spare = rank === null ? ellipsis : rank - before.length - after.length;
  if (parts.length === 1 && spare !== 0 && rank !== null)
    bad(`${before.length} dimensions for ${JSON.stringify(text)}`, `${rank}`);
  if (spare < 0) bad(`at least ${before.length + after.length} dimensions for ${JSON.stringify(text)}`, `${rank}`);
  if (parts.length === 1) return before;
  return [...before, ...Array.from({ length: spare }, (_, i) => `.${spare - 1 - i}`), ...after];
}

/** Labels of every operand and of the result. */
function parse(equation: string, shapes: readonly (readonly number[])[]): { inputs: string[][]; output: string[] } {
  const sides = equation.replaceAll(" ", "").split("->");
  if (sides.length > 2) bad("at most one ->", JSON.stringify(equation));
  const texts = sides[0]!.split(",");
  if (texts.length !== shapes.length) bad(`${texts.length} operands for ${JSON.stringify(equation)}`, `${shapes.length}`);
  const inputs = texts.map((t, i) => labelsOf(t, shapes[i]!.length, 0));
  const dots = Math.max(0, ...inputs.map((labels) => labels.filter((l) => l.startsWith(".")).length));
  const counts = new Map<string, number>();
  for (const l of inputs.flat()) counts.set(l, (counts.get(l) ?? 0) + 1);
  if (sides.length === 1) {
    // Without an arrow: the dimensions of the ellipsis, then the letters that occur once, in order.
    const once = [...counts].filter(([l, n]) => n === 1 && LETTER.test(l)).map(([l]) => l);
    return { inputs, output: [...labelsOf("...", null, dots), ...once.sort()] };
  }
  const output = labelsOf(sides[1]!, null, dots);
  if (new Set(output).size !== output.length) bad("every letter once in the result", JSON.stringify(sides[1]));
  const unknown = output.find((l) => LETTER.test(l) && !counts.has(l));
  if (unknown !== undefined) bad("letters of the operands in the result", JSON.stringify(unknown));
  return { inputs, output };
}

/** Letters that stand twice on one operand become its diagonal. */
function distinct(x: Expr, labels: readonly string[]): Labelled {
  for (const [i, l] of labels.entries()) {
    const j = labels.indexOf(l, i + 1);
    if (j < 0) continue;
    if (x.shape[i] !== x.shape[j]) bad(`equal sizes for ${l}`, `${x.shape[i]} and ${x.shape[j]}`);
    return distinct(diagonalOf("einsum", x, 0, i, j), [...labels.filter((_, d) => d !== i && d !== j), l]);
  }
  return { x, labels };
}

/** Size of every label: all operands agree, or have 1 there. */
function sizesOf(operands: readonly Labelled[]): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const { x, labels } of operands) {
    labels.forEach((l, d) => {
      const [n, known] = [x.shape[d]!, sizes.get(l) ?? 1];
      if (n !== known && n !== 1 && known !== 1) bad(`equal sizes for ${l.startsWith(".") ? '"..."' : l}`, `${known} and ${n}`);
      if (n !== 1 || !sizes.has(l)) sizes.set(l, n);
    });
  }
  return sizes;
}

/** Without the dimensions of size 1 that other operands have larger: they only repeat. */
function squeezed({ x, labels }: Labelled, sizes: ReadonlyMap<string, number>): Labelled {
  const kept = labels.filter((l, d) => x.shape[d] === sizes.get(l));
  return {
    x: op.reshape(
      x,
      kept.map((l) => sizes.get(l)!),
    ),
    labels: kept,
  };
}

function summed({ x, labels }: Labelled, keep: ReadonlySet<string>): Labelled {
  const axes = labels.flatMap((l, d) => (keep.has(l) ? [] : [d]));
  return axes.length === 0 ? { x, labels } : { x: op.sum(x, axes), labels: labels.filter((l) => keep.has(l)) };
}

const arranged = ({ x, labels }: Labelled, order: readonly string[]): Expr =>
  op.permute(
    x,
    order.map((l) => labels.indexOf(l)),
  );

/** Labels of the product of two operands: those that the result or another operand still needs. */
const joined = (a: Labelled, b: Labelled, keep: ReadonlySet<string>): string[] =>
  [...new Set([...a.labels, ...b.labels])].filter((l) => keep.has(l));

/** Sum over the labels that nobody needs: [batch, rows, inner] times [batch, inner, columns]. */
function contract(first: Labelled, second: Labelled, keep: ReadonlySet<string>): Labelled {
  const a = summed(first, new Set([...keep, ...second.labels]));
  const b = summed(second, new Set([...keep, ...first.labels]));
  const both = a.labels.filter((l) => b.labels.includes(l));
  const [batch, inner] = [both.filter((l) => keep.has(l)), both.filter((l) => !keep.has(l))];
  const [rows, columns] = [a, b].map((v) => v.labels.filter((l) => !both.includes(l))) as [string[], string[]];
  const x = arranged(a, [...batch, ...rows, ...inner]);
  const y = arranged(b, [...batch, ...inner, ...columns]);
  const labels = [...batch, ...rows, ...columns];
  const size = (v: Expr, from: number, count: number): number[] => v.shape.slice(from, from + count);
  const [b0, r0, c0] = [
    size(x, 0, batch.length),
    size(x, batch.length, rows.length),
    size(y, batch.length + inner.length, columns.length),
  ];
  if (inner.length === 0) {
    // Nothing is summed: an outer product, elementwise along the batch.
    const wide = op.reshape(x, [...b0, ...r0, ...c0.map(() => 1)]);
    return { x: op.mul(wide, op.reshape(y, [...b0, ...r0.map(() => 1), ...c0])), labels };
  }
  const k = sizeOf(size(x, batch.length + rows.length, inner.length));
  const lead = batch.length === 0 ? [] : [sizeOf(b0)];
  const product = op.matmul(op.reshape(x, [...lead, sizeOf(r0), k]), op.reshape(y, [...lead, k, sizeOf(c0)]));
  return { x: op.reshape(product, [...b0, ...r0, ...c0]), labels };
}

/** The pair whose product is smallest; of equals the first. */
function cheapest(
  list: readonly Labelled[],
  needed: (i: number, j: number) => Set<string>,
  sizes: ReadonlyMap<string, number>,
): [number, number] {
  let best: [number, number] = [0, 1];
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < list.length; i++) {
    for (let j = i + 1; j < list.length; j++) {
      const cost = sizeOf(joined(list[i]!, list[j]!, needed(i, j)).map((l) => sizes.get(l)!));
      if (cost < least) [best, least] = [[i, j], cost];
    }
  }
  return best;
}

/**
 * Sums of products in index notation, as `torch.einsum`: `einsum("bij,bjk->bik", a, b)`. Letters that stand twice on one operand take
 * its diagonal, letters that the result lacks are summed, `...` are dimensions that broadcast; without `->` the result has the
 * ellipsis and the letters that occur once, in alphabetical order. Dtypes are promoted.
 * @throws ARGUMENT_INVALID when the equation does not fit the operands
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  if (operands.length === 0) bad("at least one operand", "none");
  const { inputs, output } = parse(
    equation,
    operands.map((t) => t.shape),
  );
  const dtype = operands.reduce(
    (d, t) => (d === t.dtype ? d : commonDType("einsum", op.cast(operands[0]!.expr, d), t.expr)),
    operands[0]!.dtype,
  );
  const all = operands.map((t, i) => distinct(op.cast(t.expr, dtype), inputs[i]!));
  const sizes = sizesOf(all);
  let list = all.map((v) => squeezed(v, sizes));
  const needed = (i: number, j: number): Set<string> =>
    new Set([...output, ...list.flatMap((v, k) => (k === i || k === j ? [] : v.labels))]);
  while (list.length > 1) {
    const [i, j] = cheapest(list, needed, sizes);
    const product = contract(list[i]!, list[j]!, needed(i, j));
    list = [...list.filter((_, k) => k !== i && k !== j), product];
  }
  return new Tensor(arranged(summed(list[0]!, new Set(output)), output));
}

/** The sum of products over the last `dims` dimensions of a and the first of b, or over two lists of dimensions. */
export function tensordot(a: Tensor, b: Tensor, dims: number | readonly [readonly number[], readonly number[]] = 2): Tensor {
  const wrap = (list: readonly number[], rank: number): number[] => list.map((d) => (d < 0 ? d + rank : d));
  const first = (n: number, from: number): number[] => Array.from({ length: n }, (_, i) => from + i);
  const [da, db] =
    typeof dims === "number" ? [first(dims, a.ndim - dims), first(dims, 0)] : [wrap(dims[0], a.ndim), wrap(dims[1], b.ndim)];
  const fits = da.length === db.length && da.every((d, i) => a.shape[d] !== undefined && a.shape[d] === b.shape[db[i]!]);
  if (!fits)
    expected(
      "SHAPE_MISMATCH",
      "tensordot",
      "equal sizes to sum over",
      `${showShape(a.shape)} at ${showShape(da)} and ${showShape(b.shape)} at ${showShape(db)}`,
    );
  const letter = (i: number): string => String.fromCharCode(i < 26 ? 97 + i : 39 + i);
  if (a.ndim + b.ndim > 52) expected("SHAPE_MISMATCH", "tensordot", "at most 52 dimensions", `${a.ndim + b.ndim}`);
  const left = a.shape.map((_, d) => letter(d));
  const right = b.shape.map((_, d) => (db.includes(d) ? left[da[db.indexOf(d)]!]! : letter(a.ndim + d)));
  const kept = [...left.filter((_, d) => !da.includes(d)), ...right.filter((_, d) => !db.includes(d))];
  return einsum(`${left.join("")},${right.join("")}->${kept.join("")}`, a, b);
}

/** Coordinate tensors of a grid: one for each vector, all of one shape. `"xy"` exchanges the first two dimensions. */
export function meshgrid(vectors: readonly Tensor[], options: { readonly indexing?: "ij" | "xy" } = {}): Tensor[] {
  const xy = options.indexing === "xy" && vectors.length > 1;
  for (const v of vectors) if (v.ndim > 1) expected("SHAPE_MISMATCH", "meshgrid", "vectors", showShape(v.shape));
  const shape = vectors.map((v) => v.numel);
  return vectors.map((v, i) => {
    const grid = v.reshape(shape.map((n, d) => (d === i ? n : 1))).expand(shape);
    return xy ? grid.transpose(0, 1) : grid;
  });
}
