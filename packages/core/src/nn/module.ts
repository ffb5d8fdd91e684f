/** @file Module: a function of tensors with parameters, as `torch.nn.Module`. Instances are callable: `model(x)` runs `forward`. */
import type { Device } from "../device/device.ts";
import { expected, TacitError } from "../errors.ts";
import { sameShape, showAval } from "../program/aval.ts";
import { DTYPE } from "../program/dtype.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { assign, Buffer, Parameter } from "./parameter.ts";

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
    const self: Module = Object.setPrototypeOf((...inputs: never[]) => self.forward(...inputs), new.target.prototype);
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

  private members<T>(is: (x: unknown) => x is T): [string, T][] {
    const out: [string, T][] = [];
    for (const [name, value] of Object.entries(this)) {
      if (is(value)) out.push([name, value]);
      else if (Array.isArray(value)) value.forEach((x: unknown, i) => void (is(x) && out.push([`${name}.${i}`, x])));
    }
    return out;
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

  /** Parameters and buffers by name, module by module. The tensors see later updates, as in PyTorch: `clone()` keeps a value. */
  stateDict(): Map<string, Tensor> {
    const own = this.collect((x): x is Parameter | Buffer => x instanceof Parameter || x instanceof Buffer);
    return new Map(own.map(([name, t]) => [name, t.detach()]));
  }

  /**
   * Sets parameters and buffers by name; PyTorch's `running_mean` is our `runningMean`. Nothing is changed unless everything fits.
   * @throws STATE_MISMATCH listing every missing or unknown name and every shape or dtype that differs;
   *   `strict: false` lets names be missing or unknown. DEVICE_MISMATCH when the values live on a device that is not the module's.
   */
  loadStateDict(state: StateDict | Readonly<Record<string, Tensor>>, options: { readonly strict?: boolean } = {}): void {
    const own = new Map<string, Parameter | Buffer>([...this.namedParameters(), ...this.namedBuffers()]);
    const entries: [string, Tensor][] = state instanceof Map ? [...state] : Object.entries(state);
    const given = new Map(entries.map(([name, t]) => [own.has(name) ? name : camelCase(name), t]));
    const faults: string[] = [];
    for (const [name, t] of own) {
      const value = given.get(name);
      if (value === undefined) {
        if (options.strict !== false) faults.push(`${name} is missing`);
      } else if (!sameShape(value.shape, t.shape) || value.dtype !== t.dtype)
        faults.push(`${name} is ${showAval(value)}, not ${showAval(t)}`);
    }
    if (options.strict !== false) for (const name of given.keys()) if (!own.has(name)) faults.push(`${name} is not in the model`);
    if (faults.length > 0) {
      const shown = faults.length > 20 ? [...faults.slice(0, 20), `and ${faults.length - 20} more`] : faults;
      throw new TacitError(
        "STATE_MISMATCH",
        `loadStateDict: expected the state of this model, got one where ${shown.join("; ")}`,
        {
          hint: "build the model with the sizes that it was saved with, or pass { strict: false } for other names",
        },
      );
    }
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
Object.defineProperty(Module.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: Module): string {
    return this.toString();
  },
});

const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());

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

/** Layers one after the other; their names are their positions. */
export class Sequential extends Module {
  readonly layers: readonly Layer[];

  constructor(layers: readonly Layer[]) {
    super();
    this.layers = layers;
  }

  override namedChildren(): [string, Module][] {
    return this.layers.map((layer, i) => [String(i), layer]);
  }

  forward(input: Tensor): Tensor {
    let x = input;
    for (const layer of this.layers) x = layer(x);
    return x;
  }
}

/** `nn.sequential(nn.flatten(), nn.linear(784, 10))`. */
export const sequential = (...layers: readonly Layer[]): Sequential => new Sequential(layers);
