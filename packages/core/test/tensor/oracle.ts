/** @file Plain n-dimensional arrays, written for clarity: what the Tensor methods are compared with. */
import type { Random } from "../../src/random.ts";
import { Tensor } from "../../src/tensor/tensor.ts";

export interface Nd {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}
type Index = readonly number[];

export const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Calls f for each index of `shape` in row-major order. */
export function build(shape: readonly number[], f: (index: Index) => number): Nd {
  const values = Array.from({ length: size(shape) }, (_, flat) => {
    const index = new Array<number>(shape.length);
    for (let d = shape.length - 1, rest = flat; d >= 0; d--) {
      index[d] = rest % shape[d]!;
      rest = Math.floor(rest / shape[d]!);
    }
    return f(index);
  });
  return { shape: [...shape], values };
}

/** The element at an index; negative and too large ones are errors of the test. */
export function at(x: Nd, index: Index): number {
  if (index.length !== x.shape.length) throw new Error(`index of rank ${index.length} into rank ${x.shape.length}`);
  return x.values[index.reduce((flat, i, d) => flat * x.shape[d]! + i, 0)]!;
}

export const map = (x: Nd, f: (v: number) => number): Nd => ({ shape: x.shape, values: x.values.map(f) });

/** f over operands that broadcast. */
export function zip(f: (...vs: number[]) => number, ...xs: Nd[]): Nd {
  const rank = Math.max(...xs.map((x) => x.shape.length));
  const shape = Array.from({ length: rank }, (_, d) =>
    xs.map((x) => x.shape[d - rank + x.shape.length] ?? 1).reduce((a, b) => (a === 1 ? b : a)),
  );
  return build(shape, (index) =>
    f(
      ...xs.map((x) =>
        at(
          x,
          x.shape.map((n, d) => (n === 1 ? 0 : index[d + rank - x.shape.length]!)),
        ),
      ),
    ),
  );
}

/** f over the elements that a reduction folds together, in row-major order. */
export function fold(x: Nd, axes: readonly number[], keepdim: boolean, f: (vs: number[]) => number): Nd {
  const kept = build(
    x.shape.map((n, d) => (axes.includes(d) ? 1 : n)),
    (index) => {
      const inner = build(
        x.shape.map((n, d) => (axes.includes(d) ? n : 1)),
        (i) =>
          at(
            x,
            i.map((v, d) => v + index[d]!),
          ),
      );
      return f([...inner.values]);
    },
  );
  return keepdim ? kept : { shape: kept.shape.filter((_, d) => !axes.includes(d)), values: kept.values };
}

/** f of each line along one axis: a line of the same length. */
export function along(x: Nd, axis: number, f: (line: number[]) => number[]): Nd {
  return build(x.shape, (index) => {
    const line = Array.from({ length: x.shape[axis]! }, (_, i) => at(x, index.with(axis, i)));
    return f(line)[index[axis]!]!;
  });
}

/** Random values and the tensor that holds them (rounded to f32 in both). */
export function draw(random: Random, shape: readonly number[], low = -2, high = 2): { x: Tensor; nd: Nd } {
  const values = [...Float32Array.from(random.uniform(size(shape), low, high))];
  return { x: Tensor.from(values, shape), nd: { shape, values } };
}

/** Random integers in [low, high), as i32. */
export function drawInts(random: Random, shape: readonly number[], low: number, high: number): { x: Tensor; nd: Nd } {
  const values = Array.from({ length: size(shape) }, () => random.integer(low, high));
  return { x: Tensor.from(Int32Array.from(values), shape), nd: { shape, values } };
}

/** A shape of the given rank with sizes 1 to 4. */
export const shapeOf = (random: Random, rank: number): number[] => Array.from({ length: rank }, () => random.integer(1, 5));

/** A random shape that broadcasts with `shape`: some sizes 1, some leading ones gone. */
export const narrower = (random: Random, shape: readonly number[]): number[] =>
  shape.slice(random.integer(0, shape.length + 1)).map((n) => (random.integer(0, 3) === 0 ? 1 : n));
