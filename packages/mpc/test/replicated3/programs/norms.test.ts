/** @file Normalisation on shares over inputs of very different size, and a long recurrence: how far from the clear result. */
import { Random, randn, type Tensor } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import { afterAll, beforeAll, expect, test } from "vitest";
import { measure, together } from "../support/measure.ts";
import { bySgd } from "../support/probe.ts";
import { Parties } from "./parties.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.start();
});
afterAll(() => parties.close());

const trained = async (module: nn.Module, f: (x: Tensor) => Tensor, x: Tensor): Promise<number> => {
  const jobs = await bySgd({ f, module, inputs: [x] });
  const all = [];
  for (const job of jobs) all.push(await measure(job, parties));
  const { why, error, asEstimated } = together(all);
  expect([why, asEstimated]).toEqual(["", true]);
  return error;
};

/** Fixed point has 16 fraction bits: of a variance of 1e-4 that is 7 units, and of eps 1e-5 less than one. Roots read them with 24. */
test.each([
  [0.01, 2 ** -9],
  [0.1, 2 ** -11],
  [1, 2 ** -13],
  [16, 2 ** -10],
])("layer and batch norm of inputs with a deviation of %f stay within %f", async (deviation, bound) => {
  const layer = nn.layerNorm(16);
  const batch = nn.batchNorm1d(4);
  const x = randn([4, 16], new Random(5)).mul(deviation);
  expect(await trained(layer, (y) => layer.forward(y), x)).toBeLessThan(bound);
  expect(await trained(batch, (y) => batch.forward(y.reshape(16, 4)), x)).toBeLessThan(bound);
});

test("an LSTM and a GRU over 12 steps: errors do not add up", async () => {
  const x = randn([12, 1, 2], new Random(7));
  const lstm = nn.lstm(2, 2, { random: new Random(4) });
  expect(await trained(lstm, (y) => lstm.forward(y)[0], x)).toBeLessThan(2 ** -13);
  const gru = nn.gru(2, 2, { random: new Random(4) });
  expect(await trained(gru, (y) => gru.forward(y)[0], x)).toBeLessThan(2 ** -13);
}, 30_000);
