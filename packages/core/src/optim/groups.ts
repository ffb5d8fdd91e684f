/** @file Parameter groups: which parameters an optimizer moves, and with which options each group of them. */
import { checkOptions, expected } from "../errors.ts";
import type { Module } from "../nn/module.ts";
import { Parameter } from "../nn/parameter.ts";
import { showAval } from "../program/aval.ts";
import { Tensor } from "../tensor/tensor.ts";

/** A module, or parameters; tensors with `requiresGrad` do as well. Parameters that are frozen wait until they no longer are. */
export type Parameters = Module | Iterable<Tensor>;

/** What every group has. Values are numbers, flags and lists of numbers: JSON. */
export interface GroupOptions {
  /** Learning rate. */
  lr: number;
}

/** One group as the caller writes it: `{ params: model.body, lr: 1e-4 }`; what is left out is as in the optimizer's options. */
export type GroupSpec<O> = { readonly params: Parameters } & { readonly [K in keyof O]?: O[K] | undefined };

/** Parameters, or groups of them. */
export type Grouped<O> = Parameters | Iterable<GroupSpec<O>>;

/** A group as `opt.paramGroups` shows it. Its options may be set between steps; only those that a schedule changes are inputs. */
export type ParamGroup<O> = O & {
  readonly params: readonly Tensor[];
  /** The rate that schedules count from; set by the first of them. */
  initialLr?: number;
};

/** A parameter, its name in saved states, and its group. */
export interface Member<O> {
  readonly name: string;
  readonly tensor: Tensor;
  readonly group: ParamGroup<O>;
  /** Position of the group. */
  readonly index: number;
}

const isModule = (x: unknown): x is Module => typeof x === "function" && "namedParameters" in x;

function isSpec<O>(x: unknown): x is GroupSpec<O> {
  return typeof x === "object" && x !== null && !(x instanceof Tensor) && "params" in x;
}

const only = <O>(params: Parameters): GroupSpec<O> => ({ params }) as { readonly params: Parameters } & GroupSpec<O>;

/** The groups that the caller means: a module or a list of tensors is one. */
export function specsOf<O>(params: Grouped<O>): GroupSpec<O>[] {
  if (isModule(params)) return [only<O>(params)];
  const list: readonly unknown[] = [...params];
  if (list.length > 0 && list.every((x) => isSpec<O>(x))) return list as GroupSpec<O>[];
  return [only<O>(list as readonly Tensor[])];
}

/** Parameters by name: a module's own names, or positions. @throws ARGUMENT_INVALID for what is no parameter */
function namesOf(where: string, params: Parameters): [string, Tensor][] {
  if (isModule(params)) return params.namedParameters();
  const hint = "write model, model.parameters(), or groups: [{ params: model }]";
  return [...params].map((tensor, i) => {
    if (!(tensor instanceof Tensor)) {
      expected("ARGUMENT_INVALID", `${where} ${i}`, "a parameter", isModule(tensor) ? "a module" : typeof tensor, hint);
    }
    // A frozen parameter may be thawed later; of another tensor, this is a mistake.
    if (!tensor.requiresGrad && !(tensor instanceof Parameter)) {
      expected("ARGUMENT_INVALID", `${where} ${i}`, "a tensor with requiresGrad", showAval(tensor));
    }
    return [String(i), tensor];
  });
}

/** The members of group number `index`. Names of the first group stand alone; later ones begin with "group1/". */
export function membersOf<O>(group: ParamGroup<O>, params: Parameters, index: number): Member<O>[] {
  const where = index === 0 ? "optimizer" : `optimizer group ${index}`;
  const named = namesOf(where, params);
  if (named.length === 0) expected("ARGUMENT_INVALID", where, "at least one parameter", "none");
  const prefix = index === 0 ? "" : `group${index}/`;
  return named.map(([name, tensor]) => ({ name: prefix + name, tensor, group, index }));
}

/** Throws ARGUMENT_INVALID when two members are one parameter. */
export function checkDistinct<O>(members: readonly Member<O>[]): void {
  const seen = new Map<Tensor, string>();
  for (const { tensor, name } of members) {
    const former = seen.get(tensor);
    if (former !== undefined) {
      expected("ARGUMENT_INVALID", "optimizer", "each parameter once", `one as ${former} and as ${name}`);
    }
    seen.set(tensor, name);
  }
}

/** `learningRate` would leave the rate at its default. @throws ARGUMENT_INVALID for options that are not `known` */
export function checkNames(kind: string, options: object, known: readonly string[]): void {
  checkOptions("ARGUMENT_INVALID", kind, options, known, { object: `write optim.${kind}(model, { lr: 1e-3 })` });
}

/** The options of a group: its own where it has them, else the defaults. @throws ARGUMENT_INVALID for options that do not exist */
export function optionsOf<O extends GroupOptions>(spec: object, defaults: O, kind: string): O {
  const own = Object.entries(spec).filter(([key, value]) => key !== "params" && value !== undefined);
  for (const [key] of own) {
    if (!(key in defaults)) {
      expected("ARGUMENT_INVALID", kind, `options among ${Object.keys(defaults).join(", ")} in a group`, JSON.stringify(key));
    }
  }
  return { ...defaults, ...Object.fromEntries(own) };
}

/** Throws ARGUMENT_INVALID unless `good`. */
export function checkOption(name: string, value: number, good: boolean): void {
  if (!good || !Number.isFinite(value)) expected("ARGUMENT_INVALID", "optimizer", `a valid ${name}`, `${value}`);
}

/** Checks what most optimizers have: each option is at least 0. */
export function checkNonNegative<O extends object>(options: O, names: readonly (keyof O & string)[]): void {
  for (const name of names) {
    const value = Number(options[name]);
    checkOption(name, value, value >= 0);
  }
}

/** Running means forget by factors in [0, 1). */
export function checkBetas(betas: readonly number[]): void {
  if (betas.length !== 2) expected("ARGUMENT_INVALID", "optimizer", "two betas", `${betas.length}`);
  for (const b of betas) checkOption("beta", b, b >= 0 && b < 1);
}
