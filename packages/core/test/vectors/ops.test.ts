/** @file Every op and functional of Tensor against PyTorch's values and gradients. */
import { describe, expect, test } from "vitest";
import * as nn from "../../src/nn/index.ts";
import type { Pair } from "../../src/tensor/axes.ts";
import { cat, stack } from "../../src/tensor/functions.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { type Case, checkCase, on, type Packed, PLACES, readVectors } from "./golden.ts";

type Args = Readonly<Record<string, unknown>>;
type Run = (x: Tensor, y: Tensor, z: Tensor, args: Args, all: readonly Tensor[]) => Tensor;

const num = (args: Args, name: string): number => Number(args[name]);
const list = (args: Args, name: string): number[] => args[name] as number[];
const pair = (args: Args, name: string): Pair => args[name] as [number, number];
const keep = (args: Args): { keepdim: boolean } => ({ keepdim: args.keepdim === true });
const index = (args: Args, name = "index"): Tensor => {
  const p = args[name] as Packed;
  return Tensor.from([...p.data], p.shape, { dtype: "i32" });
};
const limit = (v: unknown): number | undefined => (v === null ? undefined : Number(v));

/** Methods without arguments, called by the name of the case. */
const PLAIN = [
  "neg",
  "abs",
  "exp",
  "log",
  "sqrt",
  "rsqrt",
  "reciprocal",
  "sin",
  "cos",
  "tanh",
  "sigmoid",
  "erf",
  "floor",
  "ceil",
  "round",
  "sign",
  "relu",
  "square",
  "silu",
  "softplus",
  "logSigmoid",
  "leakyRelu",
] as const;
const BINARY = [
  "add",
  "sub",
  "mul",
  "div",
  "maximum",
  "minimum",
  "pow",
  "fmod",
  "remainder",
  "eq",
  "ne",
  "lt",
  "le",
  "gt",
  "ge",
  "matmul",
] as const;
const REDUCTIONS = ["sum", "mean", "amax", "amin", "prod", "var", "std", "logsumexp"] as const;

const RUN: Record<string, Run> = {
  gelu: (x, _y, _z, a) => x.gelu({ approximate: a.approximate === "tanh" ? "tanh" : "none" }),
  where: (x, y) => x.where(x.gt(y), y.mul(2)),
  powScalar: (x, _y, _z, a) => x.pow(num(a, "exponent")),
  clamp: (x, _y, _z, a) => x.clamp(limit(a.min), limit(a.max)),
  norm: (x, _y, _z, a) => x.norm(2, num(a, "dim"), keep(a)),
  argmax: (x, _y, _z, a) => x.argmax(num(a, "dim"), keep(a)),
  argmin: (x, _y, _z, a) => x.argmin(num(a, "dim"), keep(a)),
  cumsum: (x, _y, _z, a) => x.cumsum(num(a, "dim")),
  softmax: (x, _y, _z, a) => x.softmax(num(a, "dim")),
  logSoftmax: (x, _y, _z, a) => x.logSoftmax(num(a, "dim")),
  sort: (x, _y, _z, a) => x.sort(num(a, "dim"), { descending: a.descending === true }).values,
  argsort: (x, _y, _z, a) => x.argsort(num(a, "dim"), { descending: a.descending === true }),
  linear: (x, y, z) => x.linear(y, z),
  reshape: (x, _y, _z, a) => x.reshape(...list(a, "shape")),
  permute: (x, _y, _z, a) => x.permute(...list(a, "dims")),
  expand: (x, _y, _z, a) => x.expand(...list(a, "shape")),
  flip: (x, _y, _z, a) => x.flip(...list(a, "dims")),
  narrow: (x, _y, _z, a) => x.narrow(num(a, "dim"), num(a, "start"), num(a, "length")),
  cat: (_x, _y, _z, a, all) => cat(all, num(a, "dim")),
  stack: (_x, _y, _z, a, all) => stack(all, num(a, "dim")),
  pad: (x, _y, _z, a) => x.pad(list(a, "padding")),
  tril: (x, _y, _z, a) => x.tril(num(a, "diagonal")),
  triu: (x, _y, _z, a) => x.triu(num(a, "diagonal")),
  gather: (x, _y, _z, a) => x.gather(num(a, "dim"), index(a)),
  scatterAdd: (x, y, _z, a) => x.scatterAdd(num(a, "dim"), index(a), y),
  indexSelect: (x, _y, _z, a) => x.indexSelect(num(a, "dim"), index(a)),
  indexAdd: (x, y, _z, a) => x.indexAdd(num(a, "dim"), index(a), y),
  conv2d: (x, y, z, a) =>
    x.conv2d(y, z, {
      stride: pair(a, "stride"),
      padding: pair(a, "padding"),
      dilation: pair(a, "dilation"),
      groups: num(a, "groups"),
    }),
  maxPool2d: (x, _y, _z, a) => x.maxPool2d(pair(a, "kernel"), { stride: pair(a, "stride"), padding: pair(a, "padding") }),
  avgPool2d: (x, _y, _z, a) =>
    x.avgPool2d(pair(a, "kernel"), {
      stride: pair(a, "stride"),
      padding: pair(a, "padding"),
      countIncludePad: a.countIncludePad === true,
    }),
};
for (const name of PLAIN) RUN[name] = (x) => x[name]();
for (const name of BINARY) RUN[name] = (x, y) => x[name](y);
for (const name of REDUCTIONS) RUN[name] = (x, _y, _z, a) => x[name](a.dim as number | number[], keep(a));

/** Losses: the target is an argument, or the second input. */
function loss(name: string, inputs: readonly Tensor[], args: Args): Tensor {
  const [x, y] = [inputs[0]!, inputs[1]!];
  const options = { reduction: args.reduction as "mean" | "sum" | "none" };
  if (name === "mseLoss") return nn.mseLoss(x, y, options);
  if (name === "l1Loss") return nn.l1Loss(x, y, options);
  if (name === "bceWithLogits") return nn.bceWithLogits(x, y, options);
  const packed = args.target as Packed;
  const target = Tensor.from([...packed.data], packed.shape, { dtype: packed.dtype === "i32" ? "i32" : x.dtype });
  if (name === "nllLoss") return nn.nllLoss(x.logSoftmax(1), target, options);
  return nn.crossEntropy(x, target, { ...options, labelSmoothing: Number(args.labelSmoothing ?? 0) });
}

describe.each(PLACES)("on the $name", (place) => {
  for (const file of ["ops.json", "conv2d.json", "pool.json"]) {
    const { cases } = readVectors<{ cases: Case[] }>(file);
    for (const op of new Set(cases.map((c) => c.op))) {
      test(`${op} gives PyTorch's values and gradients`, async () => {
        const run = RUN[op];
        if (run === undefined) return expect.fail(`${op} has vectors but no row in the table of this test`);
        await on(place, async () => {
          for (const c of cases) {
            if (c.op === op) await checkCase(c, (inputs, args) => run(inputs[0]!, inputs[1]!, inputs[2]!, args, inputs), place);
          }
        });
      });
    }
  }
  const { cases } = readVectors<{ cases: Case[] }>("losses.json");
  for (const op of new Set(cases.map((c) => c.op))) {
    test(`the loss ${op} gives PyTorch's values and gradients`, async () => {
      await on(place, async () => {
        for (const c of cases) if (c.op === op) await checkCase(c, (inputs, args) => loss(op, inputs, args), place);
      });
    });
  }
});
