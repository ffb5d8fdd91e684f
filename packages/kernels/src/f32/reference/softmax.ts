/** @file References of the softmax family. */
import type { MemoryViews } from "../instruction.ts";
import type { SoftmaxCrossEntropyGradParams, SoftmaxCrossEntropyParams, SoftmaxParams } from "../softmax.ts";

/** Log-softmax of one row, in f64. */
function logSoftmax(row: Float32Array): number[] {
  const high = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const total = row.reduce((s, v) => s + Math.exp(v - high), 0);
  return Array.from(row, (v) => v - high - Math.log(total));
}

export function softmaxReference(p: SoftmaxParams, { f32 }: MemoryViews): number {
  for (let i = 0; i < p.n; i++) {
    const log = logSoftmax(f32.slice(p.x / 4 + i * p.c, p.x / 4 + (i + 1) * p.c));
    f32.set(p.log ? log : log.map(Math.exp), p.y / 4 + i * p.c);
  }
  return 0;
}

export function softmaxCrossEntropyReference(p: SoftmaxCrossEntropyParams, { f32 }: MemoryViews): number {
  for (let i = 0; i < p.n; i++) {
    const log = logSoftmax(f32.slice(p.logits / 4 + i * p.c, p.logits / 4 + (i + 1) * p.c));
    let loss = 0;
    for (let j = 0; j < p.c; j++) {
      const target = f32[p.target / 4 + i * p.c + j]!;
      if (target !== 0) loss -= target * log[j]!;
    }
    f32[p.losses / 4 + i] = loss;
  }
  return 0;
}

export function softmaxCrossEntropyGradReference(p: SoftmaxCrossEntropyGradParams, { f32 }: MemoryViews): number {
  for (let i = 0; i < p.n; i++) {
    const log = logSoftmax(f32.slice(p.logits / 4 + i * p.c, p.logits / 4 + (i + 1) * p.c));
    const target = f32.slice(p.target / 4 + i * p.c, p.target / 4 + (i + 1) * p.c);
    const total = target.reduce((a, b) => a + b, 0);
    const g = f32[p.g / 4 + i * (p.gStride ?? 1)]!;
    f32.set(
      log.map((v, j) => (Math.exp(v) * total - target[j]!) * g),
      p.grad / 4 + i * p.c,
    );
  }
  return 0;
}
