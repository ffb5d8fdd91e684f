/** @file rnn, lstm and gru on WebAssembly against their unrolled reference: directions, lengths, widths; 1 and 2 threads give the same bits. */
import { afterAll, describe, expect, it } from "vitest";
import { makePlan } from "../../src/device/cpu/index.ts";
import { emit } from "../../src/expr.ts";
import * as nn from "../../src/nn/index.ts";
import { GRU, LSTM, RNN } from "../../src/ops/recurrent/cells.ts";
import { Runs } from "../../src/ops/recurrent/runs.ts";
import { zeros } from "../../src/tensor/creation.ts";
import { backward, trace } from "../../src/transform/index.ts";
import { device, expectClose, generator, input, randomInputs, run, THREADS } from "./harness.ts";

const wasm = device();
const two = device("wasm", { threads: THREADS });
const plain = device("wasm", { relaxed: false });
const kernelsInTypeScript = device("plain");
afterAll(async () => {
  await Promise.all([wasm.stop(), two.stop(), plain.stop(), kernelsInTypeScript.stop()]);
});

const LENGTHS = {
  "one step": [3, 1],
  "one sequence": [1, 5],
  "equal lengths": [6, 4],
  "falling lengths": [5, 2, 3, 1, 2, 3],
} as const;

describe.each([RNN, LSTM, GRU])("$name", (cell) => {
  it.each(Object.entries(LENGTHS))("forward and back agree with the reference: %s", async (_, runs) => {
    for (const h of [1, 4, 5, 9]) {
      for (const options of cell === RNN ? [[0], [1]] : [[]]) {
        for (const reverse of [0, 1]) {
          const { rows, sequences } = Runs.of(runs, 0);
          const extra = cell.extra === null ? [] : [input(cell.extra === "state" ? [sequences, h] : [h])];
          const args = [input([rows, cell.gates * h]), input([cell.gates * h, h]), input([sequences, h]), ...extra];
          const out = emit(cell.name, args, [reverse, ...options, ...runs]);
          const seed = input(out.shape);
          const { program } = trace([out, ...backward(out, seed, args).map((g) => g!)], [...args, seed]);
          const given = randomInputs(generator(h), program);
          const one = await run(wasm, program, given);
          expectClose(one, program, given, 2e-5);
          expect(await run(two, program, given)).toStrictEqual(one);
          expectClose(await run(plain, program, given), program, given, 2e-5);
          expectClose(await run(kernelsInTypeScript, program, given), program, given, 2e-5);
        }
      }
    }
  });
});

it("a longer sequence is no longer Program, and every layer is two plan steps and the products of its weights", () => {
  const programOf = (steps: number): ReturnType<typeof trace>["program"] => {
    const net = nn.lstm(3, 4, { numLayers: 2 });
    const y = net(zeros([steps, 2, 3]))[0].sum();
    return trace([
      y.expr,
      ...backward(
        y.expr,
        undefined,
        net.parameters().map((p) => p.expr),
      ).map((g) => g!),
    ]).program;
  };
  const [short, long] = [programOf(3), programOf(256)];
  expect(long.nodes.length).toBe(short.nodes.length);
  const plan = makePlan(
    long,
    long.inputs.map(() => false),
    [],
  );
  const labels = plan.steps.map((s) => s.label);
  expect(labels.filter((l) => l.startsWith("lstm"))).toEqual([
    "lstm 256x2x4",
    "lstm 256x2x4",
    "lstmGrad 256x2x4",
    "lstmGrad 256x2x4",
  ]);
  expect(labels.filter((l) => l.startsWith("gemm"))).toHaveLength(2 + 1 + 4);
});
