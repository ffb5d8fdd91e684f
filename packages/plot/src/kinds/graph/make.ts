/** @file Model graphs: which layers ran on an example, in which order, with the shapes that came out. Nothing is computed. */
import type { nn, Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import { Figure } from "../../figure.ts";
import { isTensor } from "../../input.ts";
import type { GraphSpec, NodeSpec } from "../../spec.ts";

export interface ModelOptions {
  readonly title?: string;
}

type Expr = Tensor["expr"];
type Forward = (...inputs: unknown[]) => unknown;

export const isModule = (x: unknown): x is nn.Module =>
  typeof x === "function" && "namedModules" in x && "forward" in x && "parameters" in x;

const tensorsIn = (x: unknown): Tensor[] => (isTensor(x) ? [x] : Array.isArray(x) ? x.flatMap(tensorsIn) : []);

/** Layers: modules without modules in them. */
const layersOf = (model: nn.Module): [string, nn.Module][] =>
  model
    .namedModules()
    .filter(([, m]) => m.namedChildren().length === 0)
    .map(([name, m]) => [name === "" ? "model" : name, m]);

const numel = (m: nn.Module): number => m.parameters().reduce((sum, p) => sum + p.numel, 0);

/** Where the values that `from` reads were made: back through ops to results of layers, or to the example (-1). */
function producers(from: readonly Expr[], made: ReadonlyMap<Expr, number>): number[] {
  const found = new Set<number>();
  const seen = new Set<Expr>();
  const queue = [...from];
  for (let e = queue.pop(); e !== undefined; e = queue.pop()) {
    if (seen.has(e)) continue;
    seen.add(e);
    const node = made.get(e);
    if (node !== undefined) found.add(node);
    else queue.push(...e.args);
  }
  return [...found].sort((a, b) => a - b);
}

/** Runs `model` on the example with every layer's `forward` watched; each call is a node. */
function trace(model: nn.Module, example: readonly Tensor[]): NodeSpec[] {
  const nodes: NodeSpec[] = [];
  const made = new Map<Expr, number>(example.map((t) => [t.expr, -1]));
  const watched = layersOf(model);
  const counted = new Set<nn.Module>();
  for (const [name, m] of watched) {
    const forward = m.forward.bind(m) as Forward;
    const watch: Forward = (...inputs) => {
      const reads = producers(
        inputs.flatMap(tensorsIn).map((t) => t.expr),
        made,
      );
      const result = forward(...inputs);
      const outputs = tensorsIn(result);
      const parameters = counted.has(m) ? 0 : numel(m);
      counted.add(m);
      for (const t of outputs) made.set(t.expr, nodes.length);
      nodes.push({ name, module: String(m), shape: outputs[0] === undefined ? null : [...outputs[0].shape], parameters, reads });
      return result;
    };
    Object.defineProperty(m, "forward", { value: watch, configurable: true, writable: true, enumerable: false });
  }
  try {
    (model as unknown as Forward)(...example);
  } finally {
    for (const [, m] of watched) Reflect.deleteProperty(m, "forward");
  }
  return nodes;
}

/**
 * The layers of a model as boxes, with the shapes that an example (only its shape counts) takes on its way.
 * Without an example: the layers in the order in which they were set, without shapes and lines.
 * The weights may be secret: no value is read.
 * @throws ARGUMENT_INVALID for what is no module; whatever the model throws on the example
 */
export function model(module: nn.Module, example?: Tensor | readonly Tensor[], options: ModelOptions = {}): Figure {
  if (!isModule(module)) expected("ARGUMENT_INVALID", "model", "a module", typeof module);
  const inputs = example === undefined ? [] : tensorsIn(example);
  const layers = layersOf(module);
  const nodes =
    inputs.length > 0
      ? trace(module, inputs)
      : layers.map(([name, m], i) => ({
          name,
          module: String(m),
          shape: null,
          parameters: numel(m),
          reads: i === 0 ? [] : [i - 1],
        }));
  const all = numel(module);
  const inLayers = nodes.reduce((sum, x) => sum + x.parameters, 0);
  const spec: GraphSpec = {
    kind: "graph",
    title: options.title ?? "",
    input: inputs[0] === undefined ? null : [...inputs[0].shape],
    nodes,
    notes: all === inLayers ? [] : [`${all - inLayers} weights are not in these layers`],
  };
  return new Figure(spec);
}
