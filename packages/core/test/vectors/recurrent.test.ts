/** @file RNN, LSTM, GRU and their cells against PyTorch: outputs, last states, every gradient. */
import { describe, expect, test } from "vitest";
import { pytorchName } from "../../src/io/index.ts";
import * as nn from "../../src/nn/index.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { expectClose, on, type Packed, PLACES, type Place, readVectors, unpack } from "./golden.ts";

interface RecurrentCase {
  readonly kind: "rnn" | "lstm" | "gru" | "rnnCell" | "lstmCell" | "gruCell";
  readonly hidden: number;
  readonly options: Readonly<Record<string, number | boolean | string>>;
  readonly lengths: readonly number[] | null;
  readonly parameters: Readonly<Record<string, Packed>>;
  readonly x: Packed;
  readonly states: readonly Packed[];
  readonly outputs: readonly Packed[];
  readonly upstream: readonly Packed[];
  readonly grads: Readonly<Record<string, Packed>> & { readonly states: readonly Packed[] };
}

const { cases } = readVectors<{ cases: RecurrentCase[] }>("recurrent.json");
const title = (c: RecurrentCase): string =>
  `${c.kind} of [${c.x.shape}] ${JSON.stringify(c.options)}${c.lengths ? ` lengths ${c.lengths}` : ""}${c.states.length ? " with states" : ""}`;

const MAKE: Readonly<Record<RecurrentCase["kind"], (inputs: number, hidden: number, options: never) => nn.Module>> = {
  rnn: nn.rnn,
  lstm: nn.lstm,
  gru: nn.gru,
  rnnCell: nn.rnnCell,
  lstmCell: nn.lstmCell,
  gruCell: nn.gruCell,
};

function make(c: RecurrentCase, place: Place): nn.Module {
  const options = { ...c.options, dtype: place.dtype } as never;
  return MAKE[c.kind](c.x.shape.at(-1)!, c.hidden, options);
}

type Outputs = Tensor | readonly [Tensor, Tensor | readonly [Tensor, Tensor]];
const flat = (y: Outputs): Tensor[] => (y instanceof Tensor ? [y] : y.flatMap((t) => flat(t)));

/** Output and last states, as one list. */
function outputsOf(c: RecurrentCase, model: nn.Module, x: Tensor, states: readonly Tensor[]): Tensor[] {
  const state = states.length === 0 ? undefined : c.kind.startsWith("lstm") ? states : states[0];
  const call = model as unknown as (x: Tensor | nn.PackedSequence, state: unknown) => Outputs;
  if (c.lengths === null) return flat(call(x, state));
  const enforceSorted = c.lengths.every((n, i, all) => i === 0 || n <= all[i - 1]!);
  const batchFirst = c.options.batchFirst === true;
  const packed = nn.packPaddedSequence(x, c.lengths, { batchFirst, enforceSorted });
  const [y, last] = call(packed, state) as unknown as [nn.PackedSequence, Outputs];
  return [nn.padPackedSequence(y, { batchFirst })[0], ...flat(last)];
}

describe.each(PLACES)("on the $name", (place) => {
  test.each(cases.map((c) => [title(c), c] as const))("as PyTorch: %s", async (_, c) => {
    await on(place, async () => {
      const model = make(c, place);
      model.loadStateDict(Object.fromEntries(Object.entries(c.parameters).map(([name, p]) => [name, unpack(p, place)])));
      const x = unpack(c.x, place).requiresGrad_();
      const states = c.states.map((s) => unpack(s, place).requiresGrad_());
      const outputs = outputsOf(c, model, x, states);
      expect(outputs.map((y) => [...y.shape])).toEqual(c.outputs.map((y) => y.shape));
      const terms = outputs.map((y, i) => y.mul(unpack(c.upstream[i]!, place)).sum());
      terms.reduce((a, b) => a.add(b)).backward();
      for (const [i, y] of outputs.entries()) expectClose(await y.data(), c.outputs[i]!.data, place.tolerance, `output ${i}`);
      const grads: [string, Tensor, Packed][] = [
        ["x", x, c.grads.x!],
        ...states.map((s, i): [string, Tensor, Packed] => [`state ${i}`, s, c.grads.states[i]!]),
      ];
      const own = new Map(model.namedParameters());
      for (const name of Object.keys(c.parameters)) {
        grads.push([name, own.get(name.replace(/_([a-z])/g, (_, l: string) => l.toUpperCase()))!, c.grads[name]!]);
      }
      for (const [name, t, want] of grads) expectClose(await t.grad!.data(), want.data, place.tolerance, `gradient by ${name}`);
    });
  });
});

test("parameters have PyTorch's names, order and shapes", () => {
  for (const c of cases) {
    const model = MAKE[c.kind](c.x.shape.at(-1)!, c.hidden, c.options as never);
    const own = [...model.stateDict()].map(([name, t]) => [pytorchName(name), [...t.shape]]);
    expect(own).toEqual(Object.entries(c.parameters).map(([name, p]) => [name, p.shape]));
  }
});
