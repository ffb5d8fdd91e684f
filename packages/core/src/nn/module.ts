/** @file Module: a function of tensors with parameters, as `torch.nn.Module`. Instances are callable: `model(x)` runs `forward`. */
import type { Device } from "../device/device.ts";
import { expected, TacitError } from "../errors.ts";
import { sameShape, showAval } from "../program/aval.ts";
import { DTYPE } from "../program/dtype.ts";
import { showAsText } from "../show.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { RemovableHandle } from "../transform/hooks.ts";
import {
  type BackwardHook,
  callModule,
  type ForwardHook,
  type ForwardPreHook,
  registerBackwardHook,
  registerForwardHook,
  registerForwardPreHook,
} from "./hooks.ts";
import { assign, Buffer, Parameter } from "./parameter.ts";
import { commonPrefix, matchNames, nearest } from "./state.ts";

/** Names to tensors; what `stateDict()` gives. `loadStateDict` also takes a plain object. */
export type StateDict = ReadonlyMap<string, Tensor>;

/** A module from one tensor to one tensor: what `sequential` is made of. */
export type Layer = Module & { forward(input: Tensor): Tensor } & ((input: Tensor) => Tensor);

/**
 * Subclasses set layers, parameters and buffers as properties (or arrays of them) and write `forward`:
 * `class Net extends nn.Module { fc = nn.linear(784, 10); forward(x: Tensor): Tensor { return this.fc(x.flatten(1)); } }`.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the call signature is real, the constructor returns a function
export abstract class Module {
  constructor() {
    const self: Module = Object.setPrototypeOf((...inputs: unknown[]) => callModule(self, inputs), new.target.prototype);
    Reflect.deleteProperty(self, "name"); // a function's own properties: subclasses may want these names
    Reflect.deleteProperty(self, "length");
    self.training = true;
    // biome-ignore lint/correctness/noConstructorReturn: this is what makes instances callable
    return self;
  }

  /** The computation. Called by calling the module. */
  abstract forward(...inputs: never[]): unknown;

  /** Direct children by name: modules in properties, and in arrays in properties (`blocks.0`, `blocks.1`, …). */
  namedChildren(): [string, Module][] {
    return this.members((x) => x instanceof Module);
  }

  /** What of a kind stands in this module's own properties, by name. */
  protected members<T>(is: (x: unknown) => x is T): [string, T][] {
    const out: [string, T][] = [];
    for (const [name, value] of Object.entries(this)) {
      if (is(value)) out.push([name, value]);
      else if (Array.isArray(value)) value.forEach((x: unknown, i) => void (is(x) && out.push([`${name}.${i}`, x])));
    }
    return out;
  }

  children(): Module[] {
    return this.namedChildren().map(([, m]) => m);
  }

  /** This module and all below it, each once, with dotted names; its own name is "". */
  namedModules(): [string, Module][] {
    const out: [string, Module][] = [];
    const seen = new Set<Module>();
    const visit = (name: string, module: Module): void => {
      if (seen.has(module)) return;
      seen.add(module);
      out.push([name, module]);
      for (const [child, m] of module.namedChildren()) visit(name === "" ? child : `${name}.${child}`, m);
    };
    visit("", this);
    return out;
  }

  modules(): Module[] {
    return this.namedModules().map(([, m]) => m);
  }

  private collect<T extends Tensor>(is: (x: unknown) => x is T): [string, T][] {
    const seen = new Set<T>();
    const out: [string, T][] = [];
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, t] of module.members(is)) {
        if (seen.has(t)) continue;
        seen.add(t);
        out.push([prefix === "" ? name : `${prefix}.${name}`, t]);
      }
    }
    return out;
  }

  /** All parameters, each once, with names as in PyTorch: "0.weight", "conv1.bias". */
  namedParameters(): [string, Parameter][] {
    return this.collect((x) => x instanceof Parameter);
  }
  parameters(): Parameter[] {
    return this.namedParameters().map(([, p]) => p);
  }
  namedBuffers(): [string, Buffer][] {
    return this.collect((x) => x instanceof Buffer);
  }
  buffers(): Buffer[] {
    return this.namedBuffers().map(([, b]) => b);
  }

  /** The module at a dotted path, "" for this one. @throws ARGUMENT_INVALID naming the nearest path that there is */
  getSubmodule(path: string): Module {
    const found = path === "" ? this : this.find(path, () => undefined);
    return found instanceof Module ? found : missing("getSubmodule", path, this.namedModules());
  }
  /** The parameter at a dotted path. @throws ARGUMENT_INVALID naming the nearest path that there is */
  getParameter(path: string): Parameter {
    const found = this.find(path, (m, rest) => m.own((x) => x instanceof Parameter, rest));
    return found instanceof Parameter ? found : missing("getParameter", path, this.namedParameters());
  }
  /** The buffer at a dotted path. @throws ARGUMENT_INVALID naming the nearest path that there is */
  getBuffer(path: string): Buffer {
    const found = this.find(path, (m, rest) => m.own((x) => x instanceof Buffer, rest));
    return found instanceof Buffer ? found : missing("getBuffer", path, this.namedBuffers());
  }
  private own<T>(is: (x: unknown) => x is T, name: string): T | undefined {
    return this.members(is).find(([n]) => n === name)?.[1];
  }
  /** Follows a path down: what `here` finds at a module, or the module that the whole path names. */
  private find(path: string, here: (module: Module, rest: string) => unknown): unknown {
    const own = here(this, path);
    if (own !== undefined) return own;
    for (const [name, child] of this.namedChildren()) {
      const found =
        path === name ? child : path.startsWith(`${name}.`) ? child.find(path.slice(name.length + 1), here) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Calls `hook` before each `forward` of this module; an array that it returns replaces the inputs. */
  registerForwardPreHook(hook: ForwardPreHook): RemovableHandle {
    return registerForwardPreHook(this, hook);
  }
  /** Calls `hook` after each `forward` of this module; what it returns, unless undefined, replaces the output. */
  registerForwardHook(hook: ForwardHook): RemovableHandle {
    return registerForwardHook(this, hook);
  }
  /**
   * Calls `hook` with the gradients of this module's tensor inputs (null where none flows) and outputs whenever both are computed; an array
   * that it returns replaces those of the inputs. Lazy: it becomes part of the Program. For modules that return a tensor or an array of them.
   */
  registerFullBackwardHook(hook: BackwardHook): RemovableHandle {
    return registerBackwardHook(this, hook);
  }

  /** Parameters and buffers by name, module by module. The tensors see later updates, as in PyTorch: `clone()` keeps a value. */
  stateDict(): Map<string, Tensor> {
    const own = this.collect((x): x is Parameter | Buffer => x instanceof Parameter || x instanceof Buffer);
    return new Map(own.map(([name, t]) => [name, t.detach()]));
  }

  /**
   * Sets parameters and buffers by name; PyTorch's `running_mean` and `weight_ih_l0` are our `runningMean` and `weightIhL0`: underscores
   * and case do not count. Nothing is changed unless everything fits.
   * @throws STATE_MISMATCH listing every missing or unknown name and every shape or dtype that differs;
   *   `strict: false` lets names be missing or unknown. DEVICE_MISMATCH when the values live on a device that is not the module's.
   */
  loadStateDict(state: StateDict | Readonly<Record<string, Tensor>>, options: { readonly strict?: boolean } = {}): void {
    const own = new Map<string, Parameter | Buffer>([...this.namedParameters(), ...this.namedBuffers()]);
    const entries: [string, Tensor][] = state instanceof Map ? [...state] : Object.entries(state);
    const given = checkState(own, entries, options.strict !== false);
    for (const [name, t] of own) {
      const value = given.get(name);
      if (value !== undefined) checkDevice(name, t, value);
    }
    for (const [name, t] of own) {
      const value = given.get(name);
      if (value !== undefined) t.copy_(value);
    }
  }

  /** Training mode: dropout drops, batch norm uses and records the batch. */
  train(mode = true): this {
    for (const [, m] of this.namedModules()) m.training = mode;
    return this;
  }
  /** Evaluation mode: the opposite of `train()`. */
  eval(): this {
    return this.train(false);
  }

  /** Brings parameters and float buffers to a device: into shares where it keeps secrets. Counters stay with the driver. */
  async to(device: Device): Promise<this> {
    for (const t of [...this.parameters(), ...this.buffers()]) {
      if (DTYPE[t.dtype].float) assign(t, await t.to(device));
      t.grad = null;
    }
    return this;
  }

  /** Calls `fn` on this module and all below it, children first, as PyTorch's `apply`. */
  apply(fn: (module: Module) => void): this {
    for (const [, m] of this.namedModules().reverse()) fn(m);
    return this;
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    for (const p of this.parameters()) p.grad = null;
  }

  requiresGrad_(requires = true): this {
    for (const p of this.parameters()) p.requiresGrad_(requires);
    return this;
  }

  /** Sizes and options, shown by `toString()`. */
  extraRepr(): string {
    return "";
  }

  toString(): string {
    const children = this.namedChildren();
    const head = `${this.constructor.name}(${this.extraRepr()}`;
    if (children.length === 0) return `${head})`;
    return `${head}\n${children.map(([name, m]) => `  (${name}): ${String(m).replaceAll("\n", "\n  ")}`).join("\n")}\n)`;
  }
}

export interface Module {
  (...inputs: Parameters<this["forward"]>): ReturnType<this["forward"]>;
  /** Whether dropout drops and batch norm uses the batch: see `train()` and `eval()`. */
  training: boolean;
}
showAsText(Module.prototype);

/** The given values by the names of the model. @throws STATE_MISMATCH */
function checkState(
  own: ReadonlyMap<string, Parameter | Buffer>,
  entries: readonly (readonly [string, Tensor])[],
  strict: boolean,
): ReadonlyMap<string, Tensor> {
  const { given, faults: twice } = matchNames(own, entries);
  const faults = [...twice];
  for (const [name, t] of own) {
    const value = given.get(name);
    if (value === undefined) {
      if (strict) faults.push(`${name} is missing`);
    } else if (!sameShape(value.shape, t.shape) || value.dtype !== t.dtype)
      faults.push(`${name} is ${showAval(value)}, not ${showAval(t)}`);
  }
  const unknown = strict ? [...given.keys()].filter((name) => !own.has(name)) : [];
  const absent = [...own.keys()].filter((name) => !given.has(name));
  for (const name of unknown) {
    const meant = faults.length < 20 ? nearest(name, absent) : undefined;
    faults.push(`${name} is not in the model${meant === undefined ? "" : ` (is ${meant} meant?)`}`);
  }
  if (faults.length === 0) return given;
  const shown = faults.length > 20 ? [...faults.slice(0, 20), `and ${faults.length - 20} more`] : faults;
  const names = entries.map(([name]) => name);
  const prefix = commonPrefix(own, names);
  const hint =
    prefix === undefined
      ? "build the model with the sizes that it was saved with, or pass { strict: false } for other names"
      : `every name begins with ${JSON.stringify(prefix)}: take it off, or load into the part of the model that has that name`;
  throw new TacitError("STATE_MISMATCH", `loadStateDict: expected the state of this model, got one where ${shown.join("; ")}`, {
    hint,
  });
}

function missing(where: string, path: string, named: readonly (readonly [string, unknown])[]): never {
  const meant = nearest(
    path,
    named.map(([name]) => name),
  );
  return expected(
    "ARGUMENT_INVALID",
    where,
    "the path of something in the model",
    JSON.stringify(path),
    meant && `is ${meant} meant?`,
  );
}

/** Host values may go to a readable device later; values of another device must be brought over by the caller. */
function checkDevice(name: string, t: Tensor, value: Tensor): void {
  if (t.device === value.device || (value.expr.leaf?.host != null && t.device.readable)) return;
  expected(
    "DEVICE_MISMATCH",
    `loadStateDict ${name}`,
    `a value on ${t.device.name}`,
    value.device.name,
    "load the state first, then move the model with to(device)",
  );
}
