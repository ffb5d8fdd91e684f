/** @file Attention and layer norm on shares: written out as products and softmax, and a training step equals the plain one. */
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

/** Classifies sequences [N, L, 4] by their first token behind an encoder layer. */
class Classifier extends nn.Module {
  readonly layer: nn.TransformerEncoderLayer;
  readonly head: nn.Linear;
  readonly isCausal: boolean;
  constructor(isCausal: boolean, random: Random) {
    super();
    this.isCausal = isCausal;
    this.layer = nn.transformerEncoderLayer(4, 2, { dimFeedforward: 5, dropout: 0, batchFirst: true, random });
    this.head = nn.linear(4, 2, { random });
  }
  forward(x: Tensor): Tensor {
    return this.head(this.layer(x, { isCausal: this.isCausal }).select(1, 1));
  }
}

test.each([false, true])(
  "an encoder layer, causal %s: loss and every parameter's new value equal the plain step's",
  async (causal) => {
    const random = new Random(7);
    const model = new Classifier(causal, random);
    const runs = await trainingRuns({ model, x: [2, 3, 4], classes: 2, random, optimizer: (m) => sgd(m, { lr: 0.1 }), steps: 1 });
    for (const run of runs) {
      const bindings = run.job.bindings.map((b) => (b.kind === "public" ? PUBLIC : SECRET));
      const gaps = replicated3.check(run.job.program, bindings, OPTIONS).map((g) => g.op);
      expect([...new Set(gaps)].sort()).toEqual(["attention", "attentionGrad", "layerNorm", "layerNormGrad"]);
      const program = decompose(run.job.program, new Set(gaps));
      const left = replicated3.check(program, bindings, OPTIONS);
      expect(left).toEqual([]);
      const values = await onShares(parties, { program, bindings, inputs: run.inputs });
      for (const [i, want] of run.outputs.entries()) expect(distance(values[i]!, want), `output ${i}`).toBeLessThan(2 ** -9);
    }
  },
);
