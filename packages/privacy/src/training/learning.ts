/** @file Which parameters learn in a private training, in the clear or on shares, and what their optimizer gets to see. */
import type { Tensor } from "@tacit/core";
import { kindOf } from "@tacit/core/errors";
import type { Module, Parameter } from "@tacit/core/nn";
import type { Optimizer } from "@tacit/core/optim";
import { refuse } from "../check.ts";

/** Parameters that learn, by name. */
export type Learning = readonly (readonly [string, Parameter])[];

export interface Learner {
  readonly model: Module;
  readonly optimizer: Optimizer;
  /**
   * What the optimizer remembers at the start (momentum and the like moves the weights at the next step). `fresh` (default): nothing, as it
   * has taken no step. `public`: what does not depend on the rows, or came out of private steps that are accounted for.
   */
  readonly optimizerState?: "fresh" | "public";
}

const heldBy = (optimizer: Optimizer): Tensor[] => optimizer.paramGroups.flatMap((g) => g.params);
const learningIn = (model: Module): Learning => model.namedParameters().filter(([, p]) => p.requiresGrad);
const same = <T>(a: readonly T[], b: readonly T[]): boolean => a.length === b.length && a.every((x, i) => x === b[i]);

/**
 * The parameters that learn in a run, and the optimizer that moves them: by the gradients that `move` is given, and by no others, whatever
 * `backward()` left in the meantime. Which ones they are is fixed when the run begins.
 */
export class Learners {
  readonly learning: Learning;
  readonly #model: Module;
  readonly #optimizer: Optimizer;
  readonly #held: readonly Tensor[];

  /**
   * `where` asks. @throws TacitError PRIVACY_PARAMETER where a parameter that learns is not the optimizer's, where that has others than
   * the model's, or remembers something that is not said to be public
   */
  constructor(where: string, { model, optimizer, optimizerState = "fresh" }: Learner) {
    this.#model = model;
    this.#optimizer = optimizer;
    if (!Array.isArray(optimizer?.paramGroups))
      refuse(where, "an optimizer of optim", kindOf(optimizer), "optim.sgd(model, { lr: 0.1 })");
    this.#held = heldBy(optimizer);
    this.learning = learningIn(model);
    checkHeld(where, model, this.learning, this.#held);
    if (optimizerState !== "fresh" && optimizerState !== "public") refuse(where, 'optimizerState "fresh" or "public"', "another");
    if (optimizerState === "fresh") checkFresh(where, optimizer);
  }

  /** Nothing joined or left since the run began. @throws TacitError PRIVACY_PARAMETER */
  check(where: string): void {
    const hint =
      'a run moves what it was made for: freeze, unfreeze and add groups before, and begin another run for the next phase (with optimizerState: "public" if this optimizer goes on)';
    if (!same(heldBy(this.#optimizer), this.#held))
      refuse(where, "the optimizer's parameters as they were when the run began", "others", hint);
    const now = learningIn(this.#model);
    const [before, after] = [this.learning, now].map((l) => new Set<Tensor>(l.map(([, p]) => p)));
    const changed = [...now.filter(([, p]) => !before!.has(p)), ...this.learning.filter(([, p]) => !after!.has(p))];
    if (changed.length === 0) return;
    const names = changed.map(([name]) => name).join(", ");
    refuse(where, "the parameters that learn as they were when the run began", `a change at ${names}`, hint);
  }

  /** One step of the optimizer by these gradients, one for each that learns. All others that it would find are forgotten first. */
  async move(gradients: readonly Tensor[]): Promise<void> {
    this.#optimizer.zeroGrad();
    this.learning.forEach(([, p], i) => {
      p.grad = gradients[i]!;
    });
    try {
      await this.#optimizer.step();
    } finally {
      this.#optimizer.zeroGrad();
    }
  }
}

function checkHeld(where: string, model: Module, learning: Learning, held: readonly Tensor[]): void {
  const own = new Set<Tensor>(model.parameters());
  const missing = learning.filter(([, p]) => !held.includes(p)).map(([name]) => name);
  if (learning.length === 0) refuse(where, "a model with parameters that learn", "one without");
  if (missing.length > 0) {
    refuse(
      where,
      "an optimizer of all parameters that learn",
      `one without ${missing.join(", ")}`,
      "freeze the others with requiresGrad_(false)",
    );
  }
  if (held.some((p) => !own.has(p))) refuse(where, "an optimizer of this model's parameters", "one of others besides");
}

function checkFresh(where: string, optimizer: Optimizer): void {
  const { steps, tensors } = optimizer.stateDict();
  if (steps === 0 && tensors.size === 0) return;
  refuse(
    where,
    "an optimizer that has taken no step",
    `one that remembers ${steps}`,
    'make a new one; or say optimizerState: "public" if what it remembers does not depend on the rows, or came out of private steps; a saved state is loaded afterwards',
  );
}
