/** @file Reference attention and its gradient, in f64, one matrix of scores at a time. */
import { type Aval, sizeOf } from "../../program/aval.ts";
import type { Reference } from "../row.ts";
import { allocate, broadcastStrides, type NumberArray, numbers, offsets } from "../walk.ts";
import { type AttentionSettings, type AttentionSizes, attentionSettings, sizesOf } from "./infer.ts";

/** The matrices of one batch entry. */
interface Head {
  readonly q: NumberArray;
  readonly k: NumberArray;
  readonly v: NumberArray;
  /** What is added to score i, j. */
  bias(i: number, j: number): number;
}

/** a[m,k] times b[k,n], each stored as said by its strides of rows and columns. */
function product(
  [a, ra, ca]: readonly [NumberArray, number, number],
  [b, rb, cb]: readonly [NumberArray, number, number],
  [m, n, k]: readonly [number, number, number],
): Float64Array {
  const y = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let t = 0; t < k; t++) sum += a[i * ra + t * ca]! * b[t * rb + j * cb]!;
      y[i * n + j] = sum;
    }
  }
  return y;
}

/** Softmax of the scores, row by row. */
function weights(head: Head, { l, s, e }: AttentionSizes, { causal, scale }: AttentionSettings): Float64Array {
  const p = product([head.q, e, 1], [head.k, 1, e], [l, s, e]);
  for (let i = 0; i < l; i++) {
    const row = p.subarray(i * s, (i + 1) * s);
    for (let j = 0; j < s; j++) row[j] = causal && j > i ? Number.NEGATIVE_INFINITY : row[j]! * scale + head.bias(i, j);
    const high = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    for (let j = 0; j < s; j++) row[j] = Math.exp(row[j]! - high);
    const total = row.reduce((a, b) => a + b, 0);
    for (let j = 0; j < s; j++) row[j] = row[j]! / total;
  }
  return p;
}

function* heads(args: readonly NumberArray[], avals: readonly Aval[], sizes: AttentionSizes): Generator<Head> {
  const { batch, l, s, e, d } = sizes;
  const [q, k, v, mask] = args as [NumberArray, NumberArray, NumberArray, NumberArray?];
  const aval = avals[3];
  const at = aval === undefined ? undefined : offsets([...batch, l, s], broadcastStrides(aval.shape, [...batch, l, s]));
  const shut = aval?.dtype === "bool";
  for (let h = 0; h < sizeOf(batch); h++) {
    yield {
      q: q.subarray(h * l * e, (h + 1) * l * e),
      k: k.subarray(h * s * e, (h + 1) * s * e),
      v: v.subarray(h * s * d, (h + 1) * s * d),
      bias(i, j) {
        if (at === undefined) return 0;
        const m = mask![at[(h * l + i) * s + j]!]!;
        return shut ? (m === 0 ? Number.NEGATIVE_INFINITY : 0) : m;
      },
    };
  }
}

export const attentionReference: Reference = (args, avals, attrs, out) => {
  const sizes = sizesOf(avals[0]!, avals[1]!, avals[2]!);
  const { l, s, d } = sizes;
  const y = numbers(allocate(out));
  let at = 0;
  for (const head of heads(args.map(numbers), avals, sizes)) {
    y.set(product([weights(head, sizes, attentionSettings(attrs)), s, 1], [head.v, d, 1], [l, d, s]), at);
    at += l * d;
  }
  return y;
};

export const attentionGradReference: Reference = ([grad, ...args], [, ...avals], attrs, out) => {
  const sizes = sizesOf(avals[0]!, avals[1]!, avals[2]!);
  const { l, s, e, d } = sizes;
  const settings = attentionSettings(attrs);
  const y = numbers(allocate(out));
  const width = out.shape.at(-1)!;
  let row = 0;
  const put = (m: Float64Array, rows: number, columns: number, factor: number): void => {
    for (let i = 0; i < rows; i++, row++) {
      y.set(
        m.subarray(i * columns, (i + 1) * columns).map((x) => x * factor),
        row * width,
      );
    }
  };
  let from = 0;
  for (const head of heads(args.map(numbers), avals, sizes)) {
    const g = numbers(grad).subarray(from, from + l * d);
    from += l * d;
    const p = weights(head, sizes, settings);
    const ds = product([g, d, 1], [head.v, 1, d], [l, s, d]);
    for (let i = 0; i < l; i++) {
      let along = 0;
      for (let j = 0; j < s; j++) along += p[i * s + j]! * ds[i * s + j]!;
      for (let j = 0; j < s; j++) ds[i * s + j] = p[i * s + j]! * (ds[i * s + j]! - along);
    }
    put(product([ds, s, 1], [head.k, e, 1], [l, e, s]), l, e, settings.scale);
    put(product([ds, 1, s], [head.q, e, 1], [s, e, l]), s, e, settings.scale);
    put(product([p, 1, s], [g, d, 1], [s, d, l]), s, d, 1);
  }
  return y;
};
