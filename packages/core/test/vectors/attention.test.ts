/** @file Layer norm, attention and the transformer against PyTorch: values, gradients, weights, names of the state. */
import { describe, expect, test } from "vitest";
import * as nn from "../../src/nn/index.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { expectClose, on, type Packed, PLACES, type Place, readVectors } from "./golden.ts";

/** As in golden.ts; infinities stand as text. */
type Numbers = Omit<Packed, "data"> & { readonly data: readonly (number | string)[] };

interface AttentionCase {
  readonly kind: string;
  readonly args: Readonly<Record<string, never>>;
  readonly mode: "train" | "eval";
  readonly inputs: readonly Numbers[];
  readonly masks: Readonly<Record<string, Numbers>>;
  readonly output: Numbers;
  readonly upstream: readonly number[];
  readonly grads: readonly (readonly number[])[];
  readonly weights?: Numbers;
  readonly state?: Readonly<Record<string, Numbers>>;
  readonly stateGrads?: Readonly<Record<string, readonly number[]>>;
}

const unpack = (p: Numbers, place: Place): Tensor =>
  Tensor.from(
    p.data.map((x) => (x === "-inf" ? Number.NEGATIVE_INFINITY : Number(x))),
    p.shape,
    {
      dtype: p.dtype === "f64" ? place.dtype : p.dtype,
    },
  );

interface Made {
  readonly module: nn.Module | null;
  run(inputs: readonly Tensor[], masks: Readonly<Record<string, Tensor>>): readonly [Tensor, Tensor | null];
}

const plain = (module: nn.Module | null, fn: (x: readonly Tensor[], masks: Record<string, Tensor>) => Tensor): Made => ({
  module,
  run: (x, masks) => [fn(x, masks), null],
});

type Options = nn.TransformerLayerOptions & { readonly dModel: number; readonly nhead: number; readonly numLayers: number };

const MAKE: Readonly<Record<string, (args: AttentionCase["args"], dtype: "f32" | "f64") => Made>> = {
  layerNorm(args, dtype) {
    const layer = nn.layerNorm(args.shape!, { ...args, dtype });
    return plain(layer, ([x]) => layer(x!));
  },
  scaledDotProductAttention: (args) =>
    plain(null, ([q, k, v], masks) => nn.scaledDotProductAttention(q!, k!, v!, { ...args, ...masks })),
  multiheadAttention(args, dtype) {
    const layer = nn.multiheadAttention(args.embedDim!, args.numHeads!, { ...args, dtype });
    return { module: layer, run: ([q, k, v], masks) => layer(q!, k, v, { ...args, ...masks }) };
  },
  transformerEncoderLayer(args, dtype) {
    const layer = nn.transformerEncoderLayer(args.dModel!, args.nhead!, { ...args, dropout: 0, dtype });
    return plain(layer, ([x], masks) => layer(x!, masks));
  },
  transformerDecoderLayer(args, dtype) {
    const layer = nn.transformerDecoderLayer(args.dModel!, args.nhead!, { ...args, dropout: 0, dtype });
    return plain(layer, ([x, memory], masks) => layer(x!, memory!, masks));
  },
  transformerEncoder(args, dtype) {
    const { dModel, nhead, numLayers, ...options } = args as unknown as Options;
    const one = nn.transformerEncoderLayer(dModel, nhead, { ...options, dropout: 0, dtype });
    const layers = nn.transformerEncoder(one, numLayers, nn.layerNorm(dModel, { dtype }));
    return plain(layers, ([x], masks) => layers(x!, masks));
  },
  transformer(args, dtype) {
    const model = nn.transformer({ ...args, dropout: 0, dtype });
    return plain(model, ([src, tgt], masks) => model(src!, tgt!, masks));
  },
};

const snake = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

async function check(c: AttentionCase, place: Place, at: number): Promise<void> {
  const what = `case ${at}: ${c.kind} ${JSON.stringify(c.args)} ${c.mode} ${Object.keys(c.masks)}`;
  const { module, run } = MAKE[c.kind]!(c.args, place.dtype);
  if (module !== null && c.state !== undefined) {
    const own = [...module.stateDict()].map(([name, t]) => [snake(name), [...t.shape]]);
    expect(own, what).toEqual(Object.entries(c.state).map(([name, p]) => [name, p.shape]));
    module.loadStateDict(Object.fromEntries(Object.entries(c.state).map(([name, p]) => [name, unpack(p, place)])));
    module.train(c.mode === "train");
  }
  const inputs = c.inputs.map((p) => unpack(p, place).requiresGrad_());
  const masks = Object.fromEntries(Object.entries(c.masks).map(([name, p]) => [name, unpack(p, place)]));
  const [y, weights] = run(inputs, masks);
  expect([...y.shape], what).toEqual(c.output.shape);
  y.backward(Tensor.from([...c.upstream], y.shape, { dtype: place.dtype }));
  expectClose(await y.data(), c.output.data.map(Number), place.tolerance, what);
  if (c.weights !== undefined) {
    expect(weights?.shape, what).toEqual(c.weights.shape);
    expectClose(await weights!.data(), c.weights.data.map(Number), place.tolerance, `${what}: weights`);
  }
  // Layer norms behind one another divide by small deviations: gradients lose a digit more than values.
  for (const [i, wanted] of c.grads.entries())
    expectClose(await inputs[i]!.grad!.data(), wanted, 10 * place.tolerance, `${what}: gradient ${i}`);
  for (const [name, p] of module?.namedParameters() ?? [])
    expectClose(await p.grad!.data(), c.stateGrads![snake(name)]!, 10 * place.tolerance, `${what}: gradient of ${name}`);
}

describe.each(PLACES)("on the $name", (place) => {
  test.each(["attention.json", "transformer.json"])("PyTorch's values, gradients and names: %s", async (file) => {
    const { cases } = readVectors<{ cases: AttentionCase[] }>(file);
    await on(place, async () => {
      for (const [i, c] of cases.entries()) await check(c, place, i);
    });
  });
});
