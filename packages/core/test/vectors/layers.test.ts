/** @file Batch norm, initialisers and state dicts against PyTorch. */
import { describe, expect, test } from "vitest";
import * as nn from "../../src/nn/index.ts";
import { Random } from "../../src/random.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { expectClose, on, type Packed, PLACES, readVectors, unpack } from "./golden.ts";

interface Pass {
  readonly x: Packed;
  readonly y: Packed;
  readonly upstream: readonly number[];
  readonly grads: readonly (readonly number[])[];
}
interface BatchNormCase {
  readonly channels: number;
  readonly momentum: number | null;
  readonly eps: number;
  readonly affine: boolean;
  readonly weight?: Packed;
  readonly bias?: Packed;
  readonly batches: readonly (Pass & { readonly runningMean: readonly number[]; readonly runningVar: readonly number[] })[];
  readonly eval: Pass;
}

describe.each(PLACES)("on the $name", (place) => {
  test("batch norm gives PyTorch's outputs, gradients and running statistics, in training and evaluation", async () => {
    const { cases } = readVectors<{ cases: BatchNormCase[] }>("batchnorm.json");
    await on(place, async () => {
      for (const c of cases) {
        const { momentum, eps, affine } = c;
        const layer = nn.batchNorm2d(c.channels, { momentum, eps, affine, dtype: place.dtype });
        if (c.weight && c.bias) {
          layer.loadStateDict({ weight: unpack(c.weight, place), bias: unpack(c.bias, place) }, { strict: false });
        }
        const pass = async (p: Pass, what: string): Promise<void> => {
          layer.zeroGrad();
          const x = unpack(p.x, place).requiresGrad_();
          const y = layer(x);
          y.backward(Tensor.from([...p.upstream], y.shape, { dtype: place.dtype }));
          expectClose(await y.data(), p.y.data, place.tolerance, what);
          const grads = [x.grad, layer.weight?.grad, layer.bias?.grad];
          for (const [i, wanted] of p.grads.entries())
            expectClose(await grads[i]!.data(), wanted, 5 * place.tolerance, `${what}, gradient ${i}`);
        };
        for (const [i, batch] of c.batches.entries()) {
          await pass(batch, `batch ${i}`);
          expectClose(await layer.runningMean!.data(), batch.runningMean, place.tolerance, `running mean ${i}`);
          expectClose(await layer.runningVar!.data(), batch.runningVar, place.tolerance, `running variance ${i}`);
        }
        expect(await layer.numBatchesTracked!.item()).toBe(3);
        layer.eval();
        await pass(c.eval, "evaluation");
      }
    });
  });
});

interface InitCase {
  readonly init: string;
  readonly part?: "weight" | "bias";
  readonly shape: readonly number[];
  readonly args: {
    readonly gain?: number;
    readonly mode?: "fanIn" | "fanOut";
    readonly nonlinearity?: nn.init.Nonlinearity;
    readonly a?: number;
  };
  readonly uniform: boolean;
  readonly std: number;
  readonly largest: number | null;
}

const INIT: Record<string, (t: Tensor, args: InitCase["args"], random: Random) => Tensor> = {
  xavierUniform_: (t, args, random) => nn.init.xavierUniform_(t, { ...args, random }),
  xavierNormal_: (t, args, random) => nn.init.xavierNormal_(t, { ...args, random }),
  kaimingUniform_: (t, args, random) => nn.init.kaimingUniform_(t, { ...args, random }),
  kaimingNormal_: (t, args, random) => nn.init.kaimingNormal_(t, { ...args, random }),
};

/** A layer as its factory initialises it. */
function byDefault(c: InitCase, random: Random): Tensor {
  const [out, inputs, ...kernel] = c.shape as [number, number, number, number];
  const layer =
    kernel.length > 0 ? nn.conv2d(inputs, out, [kernel[0]!, kernel[1]!], { random }) : nn.linear(inputs, out, { random });
  return c.part === "bias" ? layer.bias! : layer.weight;
}

test("initialisers have PyTorch's deviations and bounds", async () => {
  const { cases } = readVectors<{ cases: InitCase[] }>("init.json");
  for (const [i, c] of cases.entries()) {
    const random = new Random(i);
    const init = INIT[c.init];
    const t =
      init === undefined
        ? byDefault(c, random)
        : init(Tensor.from(new Float32Array(c.shape.reduce((a, b) => a * b, 1)), c.shape), c.args, random);
    const values = await t.data();
    let square = 0;
    let largest = 0;
    for (const v of values) {
      square += Number(v) ** 2;
      largest = Math.max(largest, Math.abs(Number(v)));
    }
    // The deviation of n values is known to about 1/√(2n): six of those, and 0.5 % for PyTorch's own draw.
    const what = `${c.init} ${c.part ?? ""} ${JSON.stringify(c.args)} [${c.shape}]`;
    const slack = 0.005 + 6 / Math.sqrt(2 * values.length);
    expect(Math.abs(Math.sqrt(square / values.length) / c.std - 1), what).toBeLessThan(slack);
    if (c.largest === null) continue;
    expect(largest, what).toBeLessThanOrEqual(c.largest * 1.001);
    expect(largest, what).toBeGreaterThan(c.largest * (1 - 40 / values.length));
  }
});

test("state dicts have PyTorch's names, order and shapes", () => {
  const { cases } = readVectors<{ cases: { name: string; shape: number[]; float: boolean }[] }>("state.json");
  const net = nn.sequential(
    nn.conv2d(1, 4, [3, 2]),
    nn.batchNorm2d(4),
    nn.relu(),
    nn.flatten(),
    nn.sequential(nn.linear(8, 5, { bias: false }), nn.dropout(0.5), nn.linear(5, 2)),
  );
  const snake = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
  const own = [...net.stateDict()].map(([name, t]) => ({ name: snake(name), shape: [...t.shape], float: t.isFloatingPoint }));
  expect(own).toEqual(cases);
});
