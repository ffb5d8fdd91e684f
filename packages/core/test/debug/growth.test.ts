/** @file A state that is fed back without being computed is told once; loops that do not grow are not told of. */
import { beforeEach, expect, test } from "vitest";
import { nn, noGrad, Random, randn, realize, type Tensor, zeros } from "../../src/index.ts";

let warnings: nn.Warning[] = [];
beforeEach(() => {
  warnings = [];
  nn.onWarning((w) => warnings.push(w));
});
const codes = (): string[] => warnings.map((w) => w.code);

const random = new Random(0);
const cell = nn.lstmCell(3, 4, { random });
const head = nn.linear(4, 3, { random });
const step = (x: Tensor, state: readonly [Tensor, Tensor]): [Tensor, Tensor] => noGrad(() => cell(x, [state[0], state[1]]));

test("a recurrent state that keeps its history is told once, with the cure and the user's line", async () => {
  let state: [Tensor, Tensor] = [zeros([1, 4]), zeros([1, 4])];
  for (let i = 0; i < 20; i++) {
    state = step(randn([1, 3], random), state);
    await noGrad(() => head(state[0])).data();
  }
  expect(warnings).toMatchObject([
    {
      code: "GRAPH_GROWS",
      hint: expect.stringContaining("realize(...state)") as string,
      at: expect.stringMatching(/growth\.test\.ts:\d+:\d+$/) as string,
    },
  ]);
});

test("one that is computed, batches that get longer, and models of growing depth are not", async () => {
  let state: [Tensor, Tensor] = [zeros([1, 4]), zeros([1, 4])];
  for (let i = 0; i < 20; i++) {
    state = step(randn([1, 3], random), state);
    await realize(...state);
    await noGrad(() => head(state[0])).data();
  }
  for (let n = 1; n < 20; n++) await noGrad(() => head(randn([n, 4], random)).relu()).data();
  for (let depth = 1; depth < 20; depth++) {
    const layers = Array.from({ length: depth }, () => nn.linear(4, 4, { random }));
    const model = nn.sequential(...layers);
    for (let batch = 0; batch < 2; batch++) await noGrad(() => model(randn([2, 4], random))).data();
  }
  expect(codes()).toEqual([]);
});

test("requiresGrad can be set as PyTorch's requires_grad", () => {
  const p = nn.linear(2, 2).weight;
  p.requiresGrad = false;
  expect(p.requiresGrad).toBe(false);
  p.requiresGrad = true;
  expect(() => {
    p.mul(2).requiresGrad = false;
  }).toThrow("expected a leaf");
});
