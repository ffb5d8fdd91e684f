/** @file Which parameters learn in a private training, in the clear or on shares. */
import type { Tensor } from "@tacit/core";
import type { Module, Parameter } from "@tacit/core/nn";
import type { Optimizer } from "@tacit/core/optim";
import { refuse } from "../check.ts";

/** Parameters that learn, by name. */
export type Learning = readonly (readonly [string, Parameter])[];

/** The model's parameters that learn; each must be the optimizer's, and the other way round. `where` asks. @throws TacitError PRIVACY_PARAMETER */
export function learningOf(where: string, model: Module, optimizer: Optimizer): Learning {
  const named = model.namedParameters();
  const held = new Set(optimizer.paramGroups.flatMap((g) => g.params));
  const own = new Set<Tensor>(named.map(([, p]) => p));
  const learning = named.filter(([, p]) => p.requiresGrad);
  const missing = learning.filter(([, p]) => !held.has(p)).map(([name]) => name);
  if (learning.length === 0) refuse(where, "a model with parameters that learn", "one without");
  if (missing.length > 0) {
    refuse(
      where,
      "an optimizer of all parameters that learn",
      `one without ${missing.join(", ")}`,
      "freeze the others with requiresGrad_(false)",
    );
  }
  if ([...held].some((p) => !own.has(p))) refuse(where, "an optimizer of this model's parameters", "one of others besides");
  return learning;
}
