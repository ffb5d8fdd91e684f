/** @file Module hooks: before and after forward, and on the gradients that pass through a module. */
import { expected, kindOf } from "../errors.ts";
import { gradMode } from "../expr.ts";
import { cat } from "../tensor/functions.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { RemovableHandle } from "../transform/hooks.ts";
import type { Module } from "./module.ts";

/** Sees the inputs; an array that it returns replaces them. */
export type ForwardPreHook = (module: Module, inputs: readonly unknown[]) => unknown;
/** Sees inputs and output; what it returns, unless undefined, replaces the output. */
export type ForwardHook = (module: Module, inputs: readonly unknown[], output: unknown) => unknown;
/** One gradient for each tensor; null where none flows. */
export type Gradients = readonly (Tensor | null)[];
/** Sees the gradients of tensor inputs and of outputs; an array that it returns replaces those of the inputs (null keeps one). */
export type BackwardHook = (module: Module, gradInputs: Gradients, gradOutputs: Gradients) => Gradients | undefined;

interface Hooks {
  readonly before: Set<ForwardPreHook>;
  readonly after: Set<ForwardHook>;
  readonly backward: Set<BackwardHook>;
}

const table = new WeakMap<Module, Hooks>();

/** Adds a hook; the same function may be added twice. */
function register<K extends keyof Hooks>(
  module: Module,
  kind: K,
  wrapped: Hooks[K] extends Set<infer F> ? F : never,
): RemovableHandle {
  let hooks = table.get(module);
  if (hooks === undefined) table.set(module, (hooks = { before: new Set(), after: new Set(), backward: new Set() }));
  const set = hooks[kind] as Set<unknown>;
  set.add(wrapped);
  return {
    remove(): void {
      set.delete(wrapped);
    },
  };
}

export const registerForwardPreHook = (module: Module, hook: ForwardPreHook): RemovableHandle =>
  register(module, "before", (m, inputs) => hook(m, inputs));
export const registerForwardHook = (module: Module, hook: ForwardHook): RemovableHandle =>
  register(module, "after", (m, inputs, output) => hook(m, inputs, output));
export const registerBackwardHook = (module: Module, hook: BackwardHook): RemovableHandle =>
  register(module, "backward", (m, gradInputs, gradOutputs) => hook(m, gradInputs, gradOutputs));

/** `forward` with the module's hooks: those that are registered when it begins, as they may come and go while they run. */
export function callModule(module: Module, inputs: readonly unknown[]): unknown {
  if (typeof module.forward !== "function")
    expected("ARGUMENT_INVALID", module.constructor.name, "a method forward(x)", kindOf(module.forward));
  const hooks = table.get(module);
  if (hooks === undefined) return module.forward(...(inputs as never[]));
  let args = inputs;
  for (const hook of [...hooks.before]) {
    const next = hook(module, args);
    if (next === undefined) continue;
    if (!Array.isArray(next))
      expected("ARGUMENT_INVALID", "registerForwardPreHook", "an array of inputs, or undefined", typeof next);
    args = next;
  }
  const watched = hooks.backward.size > 0 && gradMode.enabled;
  let output = watched ? watchedForward(module, args, hooks.backward) : module.forward(...(args as never[]));
  for (const hook of [...hooks.after]) output = hook(module, args, output) ?? output;
  return output;
}

/** Whether a gradient flows to it. */
const flows = (x: unknown): x is Tensor => x instanceof Tensor && x.requiresGrad;

/** `tensors` with a node in front whose gradients arrive all at once: `hook` sees them and says which go on. */
function watchedTensors(tensors: readonly Tensor[], hook: (gradients: readonly Tensor[]) => readonly Tensor[]): Tensor[] {
  const [first] = tensors;
  if (first === undefined) return [];
  if (tensors.length === 1) {
    const copy = first.clone();
    copy.registerHook((gradient) => hook([gradient])[0]);
    return [copy];
  }
  const sizes = tensors.map((t) => t.numel);
  const parts = (flat: Tensor): Tensor[] => flat.split(sizes).map((part, i) => part.reshape(tensors[i]!.shape));
  const joined = cat(tensors.map((t) => t.reshape(-1)));
  joined.registerHook((gradient) => cat(hook(parts(gradient)).map((g) => g.reshape(-1))));
  return parts(joined);
}

/** `list` with the tensors that carry gradients replaced, in order. */
function replaced(list: readonly unknown[], by: readonly Tensor[]): unknown[] {
  let next = 0;
  return list.map((x) => (flows(x) ? by[next++] : x));
}

/** Gradients for all tensors of the list: null for those that carry none. */
function spread(list: readonly unknown[], gradients: readonly Tensor[]): (Tensor | null)[] {
  let next = 0;
  return list.filter((x) => x instanceof Tensor).map((x) => (flows(x) ? gradients[next++]! : null));
}

function watchedForward(module: Module, inputs: readonly unknown[], hooks: Iterable<BackwardHook>): unknown {
  let gradOutputs: Gradients = [];
  const carriers = inputs.filter(flows);
  const run = (gradInputs: Gradients): Gradients => {
    let current = gradInputs;
    for (const hook of [...hooks]) {
      const next = hook(module, current, gradOutputs);
      if (next === undefined) continue;
      if (next.length !== current.length) {
        expected("ARGUMENT_INVALID", "registerFullBackwardHook", `${current.length} gradients of inputs`, `${next.length}`);
      }
      current = current.map((g, i) => (g === null ? null : (next[i] ?? g)));
    }
    return current;
  };
  const entered = watchedTensors(carriers, (gradients) => run(spread(inputs, gradients)).filter((g) => g !== null));
  const output: unknown = module.forward(...(replaced(inputs, entered) as never[]));
  const list: readonly unknown[] = Array.isArray(output) ? output : [output];
  if (!list.some((x) => x instanceof Tensor)) {
    expected("ARGUMENT_INVALID", "registerFullBackwardHook", "a module that returns a tensor or an array of them", typeof output);
  }
  const left = watchedTensors(list.filter(flows), (gradients) => {
    gradOutputs = spread(list, gradients);
    if (carriers.length === 0) run(spread(inputs, []));
    return gradients;
  });
  const results = replaced(list, left);
  return Array.isArray(output) ? results : results[0];
}
