/** @file OptimizerBase: parameter groups and the saved state; what all optimizers share, LBFGS too. */
import { expected } from "../errors.ts";
import type { StateDict } from "../nn/module.ts";
import { sameShape, showAval } from "../program/aval.ts";
import { fullLike, zerosLike } from "../tensor/creation.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  checkDistinct,
  checkOption,
  type Grouped,
  type GroupOptions,
  type GroupSpec,
  type Member,
  membersOf,
  optionsOf,
  type Parameters,
  type ParamGroup,
  specsOf,
} from "./groups.ts";

type Json = number | boolean | readonly number[];
/** Options of one group in a saved state, and how many parameters it has. */
export type SavedGroup = Readonly<Record<string, Json>>;

/** The scalars of an optimizer's state; JSON. Its tensors stand in `tensors`. */
export interface OptimizerState {
  readonly kind: string;
  /** Of the first group. */
  readonly lr: number;
  /** Steps done. */
  readonly steps: number;
  /** Of parameters that had no gradient in some steps: in how many. */
  readonly missed?: Readonly<Record<string, number>>;
  /** Options by group. States written before there were groups lack it. */
  readonly groups?: readonly SavedGroup[];
  /** Host numbers of the optimizer, where it has some. */
  readonly numbers?: Readonly<Record<string, number>>;
  /** "momentum.fc.weight" and the like. */
  readonly tensors: StateDict;
}

/** How an optimizer calls what `oneCycle` and `cyclicLR` cycle against the rate. */
export type Cycled = "momentum" | "betas" | null;

/** What every optimizer has: groups, learning rates, state. */
export abstract class OptimizerBase<O extends GroupOptions = GroupOptions> {
  /** Name in saved states. */
  readonly kind: string;
  /** The groups; set their `lr` and other options freely between steps, or let a scheduler. */
  readonly paramGroups: ParamGroup<O>[] = [];
  /** Steps done. */
  protected steps = 0;
  protected members: readonly Member<O>[] = [];
  /** State tensors by slot and parameter name: `momentum.fc.weight`. */
  protected readonly slots: Map<string, Tensor> = new Map();
  /** Steps in which a parameter had no gradient, by name: as in PyTorch, they do not count for it. */
  protected readonly missed: Map<string, number> = new Map();
  private readonly defaults: O;
  /** As a method: an optimizer of more options is one of fewer. */
  private readonly rules: { check(options: O): void };

  constructor(kind: string, params: Grouped<O>, defaults: O, check: (options: O) => void) {
    this.kind = kind;
    this.defaults = defaults;
    this.rules = { check };
    for (const spec of specsOf(params)) this.addParamGroup(spec);
    if (this.members.length === 0) expected("ARGUMENT_INVALID", "optimizer", "at least one parameter", "none");
  }

  /**
   * Adds a group: `opt.addParamGroup({ params: model.head, lr: 1e-3 })`. Options left out are the optimizer's.
   * @throws ARGUMENT_INVALID for options that do not exist or do not fit, and for a parameter that the optimizer has already
   */
  addParamGroup(spec: GroupSpec<O>): void {
    const options = optionsOf(spec, this.defaults, this.kind);
    this.checkGroup(options);
    const params: Parameters = spec.params;
    const group = { ...options, params: [] } as ParamGroup<O>;
    const added = membersOf(group, params, this.paramGroups.length);
    const members = [...this.members, ...added];
    checkDistinct(members);
    (group.params as Tensor[]).push(...added.map((m) => m.tensor));
    this.members = members;
    this.paramGroups.push(group);
    // Steps before a parameter came are not its own.
    if (this.steps > 0) for (const { name } of added) this.missed.set(name, this.steps);
  }

  private checkGroup(options: O): void {
    checkOption("lr", options.lr, options.lr >= 0);
    this.rules.check(options);
  }

  /** Learning rate of the first group. Setting it sets that of all groups. */
  get lr(): number {
    return this.paramGroups[0]!.lr;
  }
  set lr(value: number) {
    for (const group of this.paramGroups) group.lr = value;
  }

  /** What schedules may cycle against the learning rate: "momentum", the first of the "betas", or nothing. */
  get cycled(): Cycled {
    return null;
  }

  /** Forgets the gradients. */
  zeroGrad(): void {
    for (const { tensor } of this.members) tensor.grad = null;
  }

  /** A state tensor of a parameter; `initial` everywhere at first, public then. */
  protected slot(kind: string, name: string, parameter: Tensor, initial = 0): Tensor {
    const key = `${kind}.${name}`;
    let t = this.slots.get(key);
    if (t === undefined) {
      t = initial === 0 ? zerosLike(parameter) : fullLike(parameter, initial);
      this.slots.set(key, t);
    }
    return t;
  }

  /** Everything that decides the next steps, but for the parameters. Tensors see later updates. */
  stateDict(): OptimizerState {
    const missed = this.missed.size > 0 ? { missed: Object.fromEntries(this.missed) } : {};
    const groups = this.paramGroups.map((g) => ({ ...(g as object), params: g.params.length }) as SavedGroup);
    return { kind: this.kind, lr: this.lr, steps: this.steps, ...missed, groups, tensors: new Map(this.slots) };
  }

  /**
   * Takes up a saved state, options of the groups included.
   * @throws STATE_MISMATCH when it belongs to another optimizer, other parameters or other groups
   */
  loadStateDict(state: OptimizerState): void {
    if (state.kind !== this.kind) expected("STATE_MISMATCH", "optimizer", `the state of ${this.kind}`, state.kind);
    checkOption("lr", state.lr, state.lr >= 0);
    checkOption("steps", state.steps, Number.isSafeInteger(state.steps) && state.steps >= 0);
    const missed = Object.entries(state.missed ?? {});
    for (const [name, n] of missed) checkOption(`count for ${name}`, n, Number.isSafeInteger(n) && n >= 0 && n <= state.steps);
    const options = this.savedOptions(state);
    this.checkTensors(state.tensors);
    options.forEach((o, i) => void Object.assign(this.paramGroups[i]!, o));
    this.slots.clear();
    for (const [key, t] of state.tensors) {
      this.slots.set(key, zerosLike(t).copy_(t)); // a value of its own: the other optimizer may go on
    }
    this.steps = state.steps;
    this.missed.clear();
    for (const [name, n] of missed) this.missed.set(name, n);
  }

  /** The options that the state sets, by group. */
  private savedOptions(state: OptimizerState): object[] {
    const wanted = this.paramGroups.length;
    // A state from before there were groups says the learning rate alone.
    const saved = state.groups ?? (wanted === 1 ? [{ lr: state.lr }] : []);
    if (!Array.isArray(saved) || saved.length !== wanted) {
      expected("STATE_MISMATCH", "optimizer", `a state of ${wanted} parameter groups`, `one of ${state.groups?.length ?? 1}`);
    }
    return saved.map((group: SavedGroup, i) => this.optionsFrom(group, i));
  }

  private optionsFrom(saved: SavedGroup, i: number): object {
    const where = `optimizer group ${i}`;
    const { params, initialLr, ...options } = saved;
    const own = this.paramGroups[i]!;
    if (params !== undefined && params !== own.params.length) {
      expected("STATE_MISMATCH", where, `the state of ${own.params.length} parameters`, `that of ${String(params)}`);
    }
    for (const [key, value] of Object.entries(options)) {
      const mine: unknown = (this.defaults as Record<string, unknown>)[key];
      const fits =
        typeof mine === typeof value && (!Array.isArray(mine) || (Array.isArray(value) && value.length === mine.length));
      if (!fits || (Array.isArray(value) && value.some((v) => typeof v !== "number")))
        expected("STATE_MISMATCH", where, `options of ${this.kind}`, `another ${JSON.stringify(key)}`);
    }
    this.checkGroup({ ...this.defaults, ...options });
    if (initialLr === undefined) return options;
    checkOption("initialLr", Number(initialLr), Number(initialLr) >= 0);
    return { ...options, initialLr };
  }

  /** What a state tensor of this name must look like; null when it belongs to nothing here. */
  protected expectedOf(key: string): Tensor | null {
    const owner = this.members.find((p) => key.endsWith(`.${p.name}`) && !key.slice(0, -p.name.length - 1).includes("."));
    return owner?.tensor ?? null;
  }

  private checkTensors(tensors: StateDict): void {
    const faults: string[] = [];
    for (const [key, t] of tensors) {
      const owner = this.expectedOf(key);
      if (owner === null) faults.push(`${key} belongs to no parameter`);
      else if (!sameShape(owner.shape, t.shape) || owner.dtype !== t.dtype)
        faults.push(`${key} is ${showAval(t)}, not ${showAval(owner)}`);
    }
    if (faults.length > 0)
      expected("STATE_MISMATCH", "optimizer", "the state of these parameters", faults.slice(0, 20).join("; "));
  }
}
