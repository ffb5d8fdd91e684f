/** @file Reference softmax and cross-entropy, in f64 with the largest logit subtracted. */
import { type Aval, sizeOf } from "../../program/aval.ts";
import type { Reference } from "../row.ts";
import { allocate, type NumberArray, numbers, split } from "../walk.ts";

/** Calls `f` with every line along the axis: its first element, its stride. Writes what f returns back to the line. */
function eachLine(x: NumberArray, aval: Aval, axis: number, f: (line: Float64Array) => Float64Array): Float64Array {
  const { outer, n, inner } = split(aval.shape, axis);
  const y = new Float64Array(sizeOf(aval.shape));
  const line = new Float64Array(n);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const base = o * n * inner + i;
      for (let k = 0; k < n; k++) line[k] = x[base + k * inner]!;
      const result = f(line);
      for (let k = 0; k < n; k++) y[base + k * inner] = result[k]!;
    }
  }
  return y;
}

function largest(line: Float64Array): number {
  let m = Number.NEGATIVE_INFINITY;
  for (const v of line) m = Math.max(m, v);
  return m;
}

function softmaxLine(line: Float64Array): Float64Array {
  const m = largest(line);
  const e = line.map((v) => Math.exp(v - m));
  const total = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / total);
}

function logSoftmaxLine(line: Float64Array): Float64Array {
  const m = largest(line);
  const log = Math.log(line.reduce((a, v) => a + Math.exp(v - m), 0));
  return line.map((v) => v - m - log);
}

function rounded(values: Float64Array, out: Aval): NumberArray {
  const y = numbers(allocate(out));
  y.set(values);
  return y;
}

export const softmaxReference: Reference = ([x], [aval], [axis], out) =>
  rounded(eachLine(numbers(x), aval!, axis!, softmaxLine), out);

export const logSoftmaxReference: Reference = ([x], [aval], [axis], out) =>
  rounded(eachLine(numbers(x), aval!, axis!, logSoftmaxLine), out);

export const crossEntropyReference: Reference = ([logits, target], [aval], _attrs, out) => {
  const [n, c] = aval!.shape as [number, number];
  const logs = eachLine(numbers(logits), aval!, 1, logSoftmaxLine);
  const t = numbers(target);
  const losses = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    // A class of target 0 adds nothing, also where its log-probability is -Infinity.
    for (let k = i * c; k < (i + 1) * c; k++) if (t[k] !== 0) sum += t[k]! * logs[k]!;
    losses[i] = -sum;
  }
  return rounded(losses, out);
};

export const crossEntropyGradReference: Reference = ([logits, target, g], [aval], _attrs, out) => {
  const [n, c] = aval!.shape as [number, number];
  const y = eachLine(numbers(logits), aval!, 1, softmaxLine);
  const [t, scale] = [numbers(target), numbers(g)];
  for (let i = 0; i < n; i++) {
    let total = 0;
    for (let k = i * c; k < (i + 1) * c; k++) total += t[k]!;
    for (let k = i * c; k < (i + 1) * c; k++) y[k] = (y[k]! * total - t[k]!) * scale[i]!;
  }
  return rounded(y, out);
};
