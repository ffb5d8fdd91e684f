/** @file Images and signals of other sizes: the nearest element, or a blend of the nearest two along each dimension. */
import { expected } from "../../errors.ts";
import { showShape } from "../../program/aval.ts";
import { toArray } from "../../tensor/data.ts";
import { Tensor } from "../../tensor/tensor.ts";

export interface InterpolateOptions {
  /** Of the last dimensions, one for all or each; either this or `scaleFactor`. */
  readonly size?: number | readonly number[];
  /** The result has floor(size · factor) elements. */
  readonly scaleFactor?: number | readonly number[];
  /** "nearest" unless said; "linear" for [N,C,L], "bilinear" for [N,C,H,W]. */
  readonly mode?: "nearest" | "linear" | "bilinear";
  /** Whether the corners of both stand in one place, not those of their elements; false unless said. Not for "nearest". */
  readonly alignCorners?: boolean;
}

const RANK: Readonly<Record<string, number>> = { linear: 3, bilinear: 4 };

/** One number for each of `n` dimensions. */
function each(value: number | readonly number[], n: number, good: (v: number) => boolean, what: string): readonly number[] {
  const list = typeof value === "number" ? new Array<number>(n).fill(value) : value;
  if (list.length !== n || !list.every(good)) expected("ARGUMENT_INVALID", "interpolate", `${n} ${what}`, `[${list}]`);
  return list;
}

/** Sizes of the result, and how far an element of it is on the input. */
function targets(sizes: readonly number[], options: InterpolateOptions): { outs: readonly number[]; steps: readonly number[] } {
  const { size, scaleFactor } = options;
  if ((size === undefined) === (scaleFactor === undefined)) {
    expected("ARGUMENT_INVALID", "interpolate", "either size or scaleFactor", size === undefined ? "neither" : "both");
  }
  if (size !== undefined) {
    const outs = each(size, sizes.length, (s) => Number.isInteger(s) && s > 0, "sizes of at least 1");
    return { outs, steps: outs.map((o, i) => sizes[i]! / o) };
  }
  const factors = each(scaleFactor!, sizes.length, (f) => f > 0 && Number.isFinite(f), "factors above 0");
  const outs = factors.map((f, i) => Math.floor(sizes[i]! * f));
  if (outs.includes(0)) expected("SHAPE_MISMATCH", "interpolate", "a result of at least 1 element", showShape(outs));
  return { outs, steps: factors.map((f) => 1 / f) };
}

/** Host numbers as an input of the Program. */
const indices = (list: readonly number[]): Tensor => Tensor.from(Int32Array.from(list), [list.length], { public: true });

function nearest(x: Tensor, axis: number, out: number, step: number): Tensor {
  const n = x.shape[axis]!;
  if (out === n && step === 1) return x;
  const times = out / n;
  if (Number.isInteger(times) && step === 1 / times) {
    // Whole multiples need no index: each element stands `times` times.
    const wide = x.unsqueeze(axis + 1);
    return wide
      .expand(wide.shape.map((d, i) => (i === axis + 1 ? times : d)))
      .reshape(x.shape.map((d, i) => (i === axis ? out : d)));
  }
  const scale = Math.fround(step); // PyTorch counts in f32 here
  return x.indexSelect(
    axis,
    indices(Array.from({ length: out }, (_, i) => Math.min(n - 1, Math.floor(Math.fround(Math.fround(i) * scale))))),
  );
}

function blended(x: Tensor, axis: number, out: number, step: number, align: boolean): Tensor {
  const n = x.shape[axis]!;
  const scale = align ? (out > 1 ? (n - 1) / (out - 1) : 0) : step;
  const places = Array.from({ length: out }, (_, i) => (align ? scale * i : Math.max(0, scale * (i + 0.5) - 0.5)));
  const lower = places.map((p) => Math.min(n - 1, Math.floor(p)));
  const upper = lower.map((l) => Math.min(n - 1, l + 1));
  const shape = x.shape.map((_, i) => (i === axis ? out : 1));
  const share = (of: (p: number, i: number) => number): Tensor =>
    Tensor.adopt(toArray(places.map(of), x.dtype), shape, x.dtype, { public: true });
  const up = share((p, i) => p - lower[i]!);
  const down = share((p, i) => 1 - (p - lower[i]!));
  return x
    .indexSelect(axis, indices(lower))
    .mul(down)
    .add(x.indexSelect(axis, indices(upper)).mul(up));
}

/**
 * [N, C, L] or [N, C, H, W] in another size, as `torch.nn.functional.interpolate`.
 * @throws SHAPE_MISMATCH, ARGUMENT_INVALID
 */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  const { mode = "nearest", alignCorners } = options;
  if (!["nearest", "linear", "bilinear"].includes(mode)) {
    expected("ARGUMENT_INVALID", "interpolate", "a mode nearest, linear or bilinear", JSON.stringify(mode));
  }
  if (mode === "nearest" && alignCorners !== undefined) {
    expected("ARGUMENT_INVALID", "interpolate", "alignCorners with linear or bilinear", "it with nearest");
  }
  const rank = RANK[mode];
  if (rank === undefined ? x.ndim !== 3 && x.ndim !== 4 : x.ndim !== rank) {
    const want = rank === undefined ? "[N,C,L] or [N,C,H,W]" : rank === 3 ? "[N,C,L]" : "[N,C,H,W]";
    expected("SHAPE_MISMATCH", "interpolate", `${want} for mode ${mode}`, showShape(x.shape));
  }
  const sizes = x.shape.slice(2);
  if (sizes.includes(0)) expected("SHAPE_MISMATCH", "interpolate", "an image that is not empty", showShape(x.shape));
  const { outs, steps } = targets(sizes, options);
  return outs.reduce((y, out, i) => {
    const [axis, step] = [i + 2, steps[i]!];
    return mode === "nearest" ? nearest(y, axis, out, step) : blended(y, axis, out, step, alignCorners === true);
  }, x);
}
