/** @file Log densities, entropies, moments and divergences against torch.distributions, with their gradients. */
import { describe, expect, test } from "vitest";
import * as d from "../../src/distributions/index.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { type Case, checkCase, on, type Packed, PLACES, readVectors } from "./golden.ts";

type Make = (a: Tensor, b: Tensor) => d.Distribution;
const MAKE: Readonly<Record<string, Make>> = {
  normal: (a, b) => d.normal(a, b),
  logNormal: (a, b) => d.logNormal(a, b),
  uniform: (a, b) => d.uniform(a, b),
  laplace: (a, b) => d.laplace(a, b),
  cauchy: (a, b) => d.cauchy(a, b),
  exponential: (a) => d.exponential(a),
  gamma: (a, b) => d.gamma(a, b),
  beta: (a, b) => d.beta(a, b),
  dirichlet: (a) => d.dirichlet(a),
  poisson: (a) => d.poisson(a),
  geometric: (a) => d.geometric(a),
  bernoulli: (probs) => d.bernoulli({ probs }),
  bernoulliLogits: (logits) => d.bernoulli({ logits }),
  categorical: (probs) => d.categorical({ probs }),
  categoricalLogits: (logits) => d.categorical({ logits }),
  multinomial: (logits) => d.multinomial(5, { logits }),
};

function run(op: string, inputs: readonly Tensor[], args: Case["args"]): Tensor {
  const make = MAKE[args.family as string]!;
  const n = args.count as number;
  const p = make(inputs[0]!, inputs[1]!);
  if (op === "kl") return d.klDivergence(p, make(inputs[n]!, inputs[n + 1]!));
  if (op === "entropy") return p.entropy();
  if (op !== "logProb") return p[op as "mean" | "variance"].mul(1);
  const packed = args.value as Packed | null;
  return p.logProb(packed === null ? inputs[n]! : Tensor.from([...packed.data], packed.shape, { dtype: inputs[0]!.dtype }));
}

const { cases } = readVectors<{ cases: Case[] }>("distributions.json");
/** PyTorch 1.13 has the derivative of digamma, which gradients of entropies contain, to 9 digits only. */
const places = PLACES.map((p) => ({ ...p, tolerance: Math.max(p.tolerance, 1e-9) }));
describe.each(places)("on the $name", (place) => {
  test.each([...new Set(cases.map((c) => c.args.family as string))])("%s has PyTorch's numbers", async (family) => {
    const own = cases.filter((c) => c.args.family === family);
    expect(own.length).toBeGreaterThan(1);
    await on(place, async () => {
      for (const c of own) await checkCase(c, (inputs, args) => run(c.op, inputs, args), place);
    });
  });
});
