/** @file Containers: layers one after the other, and lists and maps of modules and parameters. */
import { expected, kindOf } from "../errors.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Layer, Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** A factory stands where the layer that it makes was meant. */
function wrongLayer(index: number, made: Module): never {
  const hint = "call what makes the layer: nn.relu(), not nn.relu";
  return expected("ARGUMENT_INVALID", `sequential: layer ${index}`, "to return a tensor", made.constructor.name, hint);
}

/** Layers one after the other; their names are their positions. */
export class Sequential extends Module {
  readonly layers: readonly Layer[];

  constructor(layers: readonly Layer[]) {
    super();
    for (const layer of layers) {
      if (typeof layer === "function") continue;
      const hint = Array.isArray(layer) ? "write nn.sequential(...layers)" : undefined;
      expected("ARGUMENT_INVALID", "sequential", "layers or functions", kindOf(layer), hint);
    }
    this.layers = layers;
  }

  override namedChildren(): [string, Module][] {
    return this.layers.map((layer, i) => [String(i), layer]);
  }

  forward(input: Tensor): Tensor {
    let x = input;
    for (const layer of this.layers) {
      const next: unknown = layer(x);
      if (next instanceof Module) wrongLayer(this.layers.indexOf(layer), next);
      x = next as Tensor;
    }
    return x;
  }
}

/** `nn.sequential(nn.flatten(), nn.linear(784, 10))`. */
export const sequential = (...layers: readonly Layer[]): Sequential => new Sequential(layers);

const notCalled = (what: string): never =>
  expected(
    "ARGUMENT_INVALID",
    what,
    "its modules to be called one by one",
    "a call of the container",
    "nn.sequential runs layers in order",
  );

/** Modules by position, for a `forward` that says how they are used. */
export class ModuleList<M extends Module = Module> extends Module {
  private readonly items: M[];

  constructor(modules: Iterable<M> = []) {
    super();
    this.items = [...modules];
  }

  override get length(): number {
    return this.items.length;
  }
  /** The module at a position; negative ones count from the end. @throws INDEX_INVALID */
  at(index: number): M {
    return this.items.at(index) ?? expected("INDEX_INVALID", "moduleList", `an index below ${this.length}`, `${index}`);
  }
  append(module: M): this {
    this.items.push(module);
    return this;
  }
  [Symbol.iterator](): IterableIterator<M> {
    return this.items[Symbol.iterator]();
  }

  override namedChildren(): [string, Module][] {
    return this.items.map((m, i) => [String(i), m]);
  }

  forward(): never {
    return notCalled("moduleList");
  }
}

/** Modules by name, for a `forward` that chooses. */
export class ModuleDict<M extends Module = Module> extends Module {
  private readonly items: Map<string, M>;

  constructor(modules: Readonly<Record<string, M>> = {}) {
    super();
    this.items = new Map();
    for (const [name, m] of Object.entries(modules)) this.set(name, m);
  }

  get size(): number {
    return this.items.size;
  }
  /** @throws ARGUMENT_INVALID for an unknown name */
  get(name: string): M {
    return (
      this.items.get(name) ??
      expected("ARGUMENT_INVALID", "moduleDict", `one of ${[...this.items.keys()].join(", ")}`, JSON.stringify(name))
    );
  }
  has(name: string): boolean {
    return this.items.has(name);
  }
  /** Adds or replaces a module. Throws ARGUMENT_INVALID for an empty name, or one with a dot: dots part the names of state dicts. */
  set(name: string, module: M): this {
    if (name === "" || name.includes("."))
      expected("ARGUMENT_INVALID", "moduleDict", "a name without dots", JSON.stringify(name));
    this.items.set(name, module);
    return this;
  }
  keys(): IterableIterator<string> {
    return this.items.keys();
  }
  [Symbol.iterator](): IterableIterator<[string, M]> {
    return this.items[Symbol.iterator]();
  }

  override namedChildren(): [string, Module][] {
    return [...this.items];
  }

  forward(): never {
    return notCalled("moduleDict");
  }
}

/** Parameters by position; other tensors become parameters. */
export class ParameterList extends Module {
  private readonly items: Parameter[];

  constructor(tensors: Iterable<Tensor> = []) {
    super();
    this.items = [];
    for (const t of tensors) this.append(t);
  }

  override get length(): number {
    return this.items.length;
  }
  /** The parameter at a position; negative ones count from the end. @throws INDEX_INVALID */
  at(index: number): Parameter {
    return this.items.at(index) ?? expected("INDEX_INVALID", "parameterList", `an index below ${this.length}`, `${index}`);
  }
  append(tensor: Tensor): this {
    this.items.push(tensor instanceof Parameter ? tensor : new Parameter(tensor));
    return this;
  }
  [Symbol.iterator](): IterableIterator<Parameter> {
    return this.items[Symbol.iterator]();
  }

  protected override members<T>(is: (x: unknown) => x is T): [string, T][] {
    return this.items.flatMap((p, i): [string, T][] => (is(p) ? [[String(i), p]] : []));
  }

  forward(): never {
    return notCalled("parameterList");
  }
}

/** `nn.moduleList([a, b])`. */
export const moduleList = <M extends Module>(modules: Iterable<M> = []): ModuleList<M> => new ModuleList(modules);
/** `nn.moduleDict({ a, b })`. @throws ARGUMENT_INVALID for empty or dotted names */
export const moduleDict = <M extends Module>(modules: Readonly<Record<string, M>> = {}): ModuleDict<M> => new ModuleDict(modules);
/** `nn.parameterList([zeros([2, 3])])`. */
export const parameterList = (tensors: Iterable<Tensor> = []): ParameterList => new ParameterList(tensors);
