/** @file Layers that a private step cannot have: they look at more than one row, or keep what they saw. One list. */
import { kindOf, TacitError } from "@tacit/core/errors";
import { BatchNorm1d, BatchNorm2d, type Module } from "@tacit/core/nn";
import { refuse } from "../check.ts";

interface Leak {
  readonly is: (m: Module) => boolean;
  readonly name: string;
  readonly instead: string;
}

const LEAKS: readonly Leak[] = [
  {
    is: (m) => m instanceof BatchNorm1d,
    name: "batchNorm1d",
    instead: "nn.groupNorm or nn.layerNorm, which normalise each row by itself",
  },
  {
    is: (m) => m instanceof BatchNorm2d,
    name: "batchNorm2d",
    instead: "nn.groupNorm(groups, channels) or nn.instanceNorm2d, which normalise each row by itself",
  },
];

/** `where` asks. @throws TacitError PRIVACY_LAYER naming the layer and what to use; PRIVACY_PARAMETER for what is no model */
export function checkLayers(where: string, model: Module): void {
  if (typeof model?.namedModules !== "function") refuse(where, "a model, a module of nn", kindOf(model));
  for (const [name, module] of model.namedModules()) {
    const leak = LEAKS.find((l) => l.is(module));
    if (leak === undefined) continue;
    const at = name === "" ? "the model" : name;
    throw new TacitError("PRIVACY_LAYER", `${where}: expected layers that see one row each, got ${leak.name} at ${at}`, {
      hint: `use ${leak.instead}`,
    });
  }
}
