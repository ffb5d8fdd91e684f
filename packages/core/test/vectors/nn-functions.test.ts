/** @file Activations, distances and losses of nn against PyTorch's values and gradients, at the corners too. */
import { describe, test } from "vitest";
import * as nn from "../../src/nn/index.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { type Case, checkCase, on, type Packed, PLACES, readVectors } from "./golden.ts";

type Args = Case["args"];
type Fn = (...inputs: readonly unknown[]) => Tensor;

const { functional } = nn;
/** A function by its name, called with whatever the case holds. */
const named = (place: object, name: string): Fn => {
  const fn: unknown = Reflect.get(place, name);
  if (typeof fn !== "function") throw new Error(`${name} has vectors but is no function`);
  return fn as Fn;
};

function packed(value: unknown, dtype: "f64" | "f32"): Tensor {
  const { data, shape, dtype: kind } = value as Packed;
  return Tensor.from([...data], shape, { dtype: kind === "f64" ? dtype : "i32" });
}

/** Inputs, then the sizes that stand by themselves, or else the options. */
const activation = (op: string, inputs: readonly Tensor[], args: Args): Tensor =>
  named(functional, op)(...inputs, ...((args.sizes as number[] | undefined) ?? (Object.keys(args).length > 0 ? [args] : [])));

function loss(op: string, inputs: readonly Tensor[], args: Args, dtype: "f64" | "f32"): Tensor {
  const tensors = Object.entries((args.tensors as Record<string, unknown> | undefined) ?? {});
  const options: Record<string, unknown> = {
    reduction: args.reduction,
    ...(args.options as object | undefined),
    ...Object.fromEntries(tensors.map(([name, t]) => [name, packed(t, dtype)])),
  };
  if (op === "tripletMarginWithDistanceLoss") options.distance = (a: Tensor, b: Tensor): Tensor => a.sub(b).abs().sum(-1);
  const x = op === "nllLoss" ? [inputs[0]!.logSoftmax(1)] : inputs;
  return named(nn, op)(...x, ...(args.target === undefined ? [] : [packed(args.target, dtype)]), options);
}

function ctc(inputs: readonly Tensor[], args: Args): Tensor {
  const logProbs = inputs[0]!.logSoftmax(-1);
  const lengths = [args.inputLengths as number[], args.targetLengths as number[]] as const;
  return nn.ctcLoss(logProbs, packed(args.targets, "f32"), ...lengths, args.options as nn.CtcOptions);
}

/** PyTorch's factor of 1/6 is an f32 in these. */
const LOOSE: Readonly<Record<string, number>> = { hardsigmoid: 1e-8, hardswish: 3e-8 };

describe.each(PLACES)("on the $name", (place) => {
  const check = (file: string, run: (op: string, inputs: readonly Tensor[], args: Args) => Tensor): void => {
    const { cases } = readVectors<{ cases: Case[] }>(file);
    for (const op of new Set(cases.map((c) => c.op))) {
      test(`${op} gives PyTorch's values and gradients`, async () => {
        await on(place, async () => {
          const at = { ...place, tolerance: Math.max(place.tolerance, LOOSE[op] ?? 0) };
          for (const c of cases) if (c.op === op) await checkCase(c, (inputs, args) => run(op, inputs, args), at);
        });
      });
    }
  };
  check("nn-activations.json", activation);
  check("nn-losses.json", (op, inputs, args) => loss(op, inputs, args, place.dtype));
  check("nn-class-losses.json", (op, inputs, args) => loss(op, inputs, args, place.dtype));
  check("nn-ctc.json", (_op, inputs, args) => ctc(inputs, args));
});
