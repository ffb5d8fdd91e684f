/** @file Layers of nn against PyTorch: outputs, all gradients, buffers after training, evaluation; state given by PyTorch's names. */
import { describe, expect, test } from "vitest";
import * as nn from "../../src/nn/index.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { expectClose, on, type Packed, PLACES, type Place, readVectors, unpack } from "./golden.ts";

interface Pass {
  readonly inputs: readonly Packed[];
  readonly output: Packed;
  readonly upstream: readonly number[];
  readonly grads: readonly (readonly number[] | null)[];
  readonly parameterGrads: Readonly<Record<string, readonly number[]>>;
}
interface LayerCase {
  readonly layer: string;
  readonly args: readonly unknown[];
  readonly extra?: readonly unknown[];
  /** A function of nn.utils that is put around the layer, and its options. */
  readonly wrap?: readonly ["weightNorm" | "spectralNorm", object];
  readonly state: Readonly<Record<string, Packed>>;
  readonly batches: readonly Pass[];
  readonly buffers: Readonly<Record<string, readonly number[]>>;
  readonly evaluation?: Pass;
}

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());

/** Layers that keep parameters take the dtype of the place among their options, which stand last. */
function build(c: LayerCase, dtype: Place["dtype"]): nn.Module & ((...inputs: readonly unknown[]) => Tensor) {
  const make: unknown = Reflect.get(nn, c.layer);
  if (typeof make !== "function") throw new Error(`nn has no ${c.layer}`);
  const args = [...c.args];
  const last = args.at(-1);
  const options = typeof last === "object" && last !== null && !Array.isArray(last) ? (args.pop() as object) : {};
  const owns = Object.keys(c.state).length > 0 || Object.keys(c.buffers).length > 0;
  if (owns || Object.keys(options).length > 0) args.push(owns ? { ...options, dtype } : options);
  return make(...args);
}

async function check(c: LayerCase, place: Place): Promise<void> {
  const layer = build(c, place.dtype);
  if (c.wrap) nn.utils[c.wrap[0]](layer, c.wrap[1]);
  const state = Object.fromEntries(Object.entries(c.state).map(([name, p]) => [name, unpack(p, place)]));
  layer.loadStateDict(state, { strict: false });
  const pass = async (p: Pass, what: string): Promise<void> => {
    layer.zeroGrad();
    const inputs = p.inputs.map((i) => unpack(i, place));
    for (const x of inputs) if (x.isFloatingPoint) x.requiresGrad_();
    const y = layer(...inputs, ...(c.extra ?? []));
    expect([...y.shape], what).toEqual([...p.output.shape]);
    if (y.requiresGrad) y.backward(Tensor.from([...p.upstream], y.shape, { dtype: place.dtype }));
    expectClose(await y.data(), p.output.data, place.tolerance, what);
    for (const [i, wanted] of p.grads.entries()) {
      if (wanted !== null) expectClose(await inputs[i]!.grad!.data(), wanted, 5 * place.tolerance, `${what}, gradient ${i}`);
    }
    for (const [name, wanted] of Object.entries(p.parameterGrads)) {
      expectClose(
        await layer.getParameter(camel(name)).grad!.data(),
        wanted,
        5 * place.tolerance,
        `${what}, gradient of ${name}`,
      );
    }
  };
  const what = `${c.layer} ${JSON.stringify(c.args)}`;
  for (const [i, batch] of c.batches.entries()) await pass(batch, `${what}, batch ${i}`);
  for (const [name, wanted] of Object.entries(c.buffers)) {
    expectClose(await layer.getBuffer(camel(name)).data(), wanted, place.tolerance, `${what}, ${name}`);
  }
  if (c.evaluation === undefined) return;
  layer.eval();
  await pass(c.evaluation, `${what}, evaluation`);
}

describe.each(PLACES)("on the $name", (place) => {
  for (const file of ["nn-layers.json", "nn-norms.json", "nn-embeddings.json"]) {
    const { cases } = readVectors<{ cases: LayerCase[] }>(file);
    for (const name of new Set(cases.map((c) => c.layer))) {
      test(`${name} gives PyTorch's outputs and gradients`, async () => {
        await on(place, async () => {
          for (const c of cases) if (c.layer === name) await check(c, place);
        });
      });
    }
  }
});
