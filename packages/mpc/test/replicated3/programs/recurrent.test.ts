/** @file Recurrent layers on shares: their ops are written out step by step, and a training step equals the plain one. */
import { Random, type Tensor } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import { sgd } from "@tacit/core/optim";
import { decompose } from "@tacit/core/program";
import { afterAll, beforeAll, expect, test } from "vitest";
import { replicated3 } from "../../../src/protocols/replicated3/index.ts";
import { trainingRuns } from "./models.ts";
import { onShares } from "./ops.ts";
import { distance, OPTIONS, Parties, PUBLIC, SECRET } from "./parties.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.start();
});
afterAll(() => parties.close());

/** Classifies sequences [N, T, features] by the last state. */
class Classifier extends nn.Module {
  readonly layer: nn.LSTM | nn.GRU;
  readonly head: nn.Linear;
  constructor(kind: "lstm" | "gru", random: Random) {
    super();
    this.layer = (kind === "lstm" ? nn.lstm : nn.gru)(3, 4, { batchFirst: true, random });
    this.head = nn.linear(4, 2, { random });
  }
  forward(x: Tensor): Tensor {
    return this.head((this.layer as nn.GRU)(x)[0].select(1, -1));
  }
}

test.each(["lstm", "gru"] as const)("%s: loss and every parameter's new value equal the plain step's", async (kind) => {
  const random = new Random(7);
  const model = new Classifier(kind, random);
  const runs = await trainingRuns({ model, x: [3, 3, 3], classes: 2, random, optimizer: (m) => sgd(m, { lr: 0.2 }), steps: 2 });
  for (const run of runs) {
    const bindings = run.job.bindings.map((b) => (b.kind === "public" ? PUBLIC : SECRET));
    const gaps = replicated3.check(run.job.program, bindings, OPTIONS).map((g) => g.op);
    expect(gaps.sort()).toEqual([kind, `${kind}Grad`]);
    const program = decompose(run.job.program, new Set(gaps));
    const values = await onShares(parties, { program, bindings, inputs: run.inputs });
    for (const [i, want] of run.outputs.entries()) expect(distance(values[i]!, want), `output ${i}`).toBeLessThan(2 ** -11);
  }
});
