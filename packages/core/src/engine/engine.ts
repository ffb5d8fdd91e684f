/** @file Engine: realizes lazy tensors. Trace to a key, find the executable (or prepare one), run it, turn results into leaves. */

import { activity } from "../debug/activity.ts";
import { readSetting } from "../debug/ladder.ts";
import { lineOf } from "../debug/site.ts";
import type { Binding, Device, Disclosure, Executable, Job, Storage, Update } from "../device/device.ts";
import { expected, locate, TacitError } from "../errors.ts";
import { clock, Expr, emit, Leaf } from "../expr.ts";
import { sameShape, showAval } from "../program/aval.ts";
import type { TypedArray } from "../program/dtype.ts";
import type { Program } from "../program/program.ts";
import { decompose, isComposite } from "../transform/decompose.ts";
import { bindingCode, bindingOf } from "./binding.ts";
import { ExecutableCache } from "./cache.ts";
import { Growth } from "./growth.ts";
import { observing, type Plan, Watch, watched } from "./observe.ts";
import { deviceOf, pick, storageOn } from "./placement.ts";
import { programOfTrace, unsupported } from "./program.ts";
import { dropHistories, sinksReading, trackHistory } from "./sinks.ts";
import { addLeaf, endKey, forgetTrace, keyInput, keyWord, lastTrace, startKey, trace, traced } from "./trace.ts";
import { turn } from "./turn.ts";

readSetting();

/** What the engine keeps for a device. */
interface DeviceState {
  readonly cache: ExecutableCache;
  /** The end of the work that the device still does; null when it is idle. Runs on one device follow one another. */
  tail: Promise<void> | null;
  prepared: number;
  runs: number;
  readonly growth: Growth;
}

const states = new WeakMap<Device, DeviceState>();

function stateOf(device: Device): DeviceState {
  let state = states.get(device);
  if (state !== undefined) return state;
  state = { cache: new ExecutableCache(), tail: null, prepared: 0, runs: 0, growth: new Growth() };
  states.set(device, state);
  return state;
}

/** Counts since start: Programs prepared (cache misses), executables held now, runs. */
export function engineStats(device: Device): { readonly prepared: number; readonly held: number; readonly runs: number } {
  const { prepared, runs, cache } = stateOf(device);
  return { prepared, held: cache.size, runs };
}

/** Runs `work` after everything that the device has to do. */
function enqueue<T>(state: DeviceState, work: () => T | Promise<T>): Promise<T> {
  const done = (state.tail ?? Promise.resolve()).then(work);
  const settled = (): void => {
    if (state.tail === tail) state.tail = null;
  };
  const tail = done.then(settled, settled);
  state.tail = tail;
  return done;
}

/** A leaf whose value `next` replaces. */
interface Replacement {
  readonly target: Expr;
  readonly next: Expr;
}

interface Request {
  readonly outputs: readonly Expr[];
  readonly replacements: readonly Replacement[];
  /** Results forget how they were computed, also where a gradient could still flow. */
  readonly release: boolean;
}

const NOTHING: readonly never[] = [];

/** Computes what is not computed yet. Returns a promise only where the device needs one. */
export function realizeExprs(exprs: readonly Expr[]): void | Promise<void> {
  return dispatch({ outputs: exprs, replacements: NOTHING, release: false }, false);
}

/** `turn`: called by the device's queue, so that waiting for the queue would never end. */
function dispatch(request: Request, turn: boolean): void | Promise<void> {
  const { replacements } = request;
  const outputs = pending(request.outputs);
  const roots = replacements.length === 0 ? outputs : outputs.concat(replacements.map((r) => r.next));
  if (roots.length === 0) return;
  const watch = watched() ? new Watch() : null;
  const { leaves, leafExprs, nodes } = trace(roots);
  const ops = nodes.length;
  for (const { target } of replacements) if (!traced(target.leaf!)) addLeaf(target);
  const device = pick(leaves, leafExprs);
  const state = stateOf(device);
  if (state.tail !== null && !turn) return enqueue(state, () => dispatch(request, true));
  const { storages, bindings } = writeKey(device, roots, replacements);
  const found = state.cache.find(endKey());
  const finish = (results: readonly Storage[]): void => settle(device, outputs, replacements, results, request.release);
  const hold = turn
    ? (work: () => Promise<void>): Promise<void> => work()
    : (work: () => Promise<void>): Promise<void> => enqueue(state, work);
  const start = (executable: Executable): void | Promise<void> => {
    state.runs++;
    const results = execute(executable, storages, roots, watch, outputs);
    return isPromise(results) ? results.then(finish) : finish(results);
  };
  const plan = watch?.meet(device, programOfTrace(roots), nodes, storages, bindings);
  let executable: Executable | Promise<Executable> | undefined = found;
  if (executable === undefined) {
    const key = endKey();
    const words = key.words.slice(0, key.length);
    const noted = watch?.preparing();
    const program = runnable(device, plan?.program ?? programOfTrace(roots), bindings);
    const keep = (made: Executable): Executable => {
      state.cache.add(words, made);
      state.prepared++;
      noted?.(made, program);
      return made;
    };
    const made = prepare(device, program, roots, bindings, replacements);
    executable = isPromise(made) ? made.then(keep) : keep(made);
  }
  forgetTrace();
  if (found === undefined) state.growth.miss(ops, storages.length);
  else state.growth.hit();
  const inspected = plan && inspect(plan, roots);
  if (isPromise(executable) || inspected !== undefined) {
    return hold(async () => {
      // Together: where both fail, neither rejection is left without a handler.
      const [ready] = await Promise.all([executable, inspected]);
      await start(ready);
    });
  }
  const started = start(executable);
  return started === undefined ? undefined : hold(() => started);
}

/** Lets whoever wants to look into a run before it happens. Data that an op refuses is refused there already: with the user's line, too. */
function inspect(plan: Plan, roots: readonly Expr[]): Promise<void> | undefined {
  const looked = observing.inspect?.(plan);
  return looked?.catch((error: unknown) => {
    if (error instanceof TacitError && error.code !== "ANOMALY_FOUND") nameLine(error, roots);
    throw error;
  });
}

/** One run. What it refuses is said with the user's line of the op that refused. */
function execute(
  executable: Executable,
  storages: readonly Storage[],
  roots: readonly Expr[],
  watch: Watch | null,
  outputs: readonly Expr[],
): readonly Storage[] | Promise<readonly Storage[]> {
  const blame = (error: unknown): never => {
    nameLine(error, roots);
    throw error;
  };
  try {
    const results = watch === null ? executable.run(storages) : watch.run(executable, outputs);
    return isPromise(results) ? results.catch(blame) : results;
  } catch (error) {
    return blame(error);
  }
}

/** Gives an error that names an op (`gather: expected ...`) the lines where the ops of this name behind `roots` were made. */
function nameLine(error: unknown, roots: readonly Expr[]): void {
  if (!(error instanceof TacitError)) return;
  const op = /^\w+(?=:)/.exec(error.message)?.[0];
  const lines = trace(roots, false).nodes.flatMap((e) => (e.op?.name === op ? (lineOf(e.site) ?? []) : []));
  forgetTrace();
  if (lines.length > 0) locate(error, [...new Set(lines)].join(" or "));
}

const isPromise = <T>(x: T | Promise<T>): x is Promise<T> => x instanceof Promise;

/** The distinct Exprs without value. */
function pending(exprs: readonly Expr[]): Expr[] {
  const out: Expr[] = [];
  for (const e of exprs) if (e.leaf === null && !(out.length < 16 ? out.includes(e) : false)) out.push(e);
  return out.length < 16 ? out : [...new Set(out)];
}

/** What an executable is prepared for and run with. */
interface Inputs {
  readonly storages: readonly Storage[];
  readonly bindings: readonly Binding[];
}

/** Completes the key of the last trace; returns its inputs on the device. */
function writeKey(device: Device, roots: readonly Expr[], replacements: readonly Replacement[]): Inputs {
  startKey(roots);
  const { leaves, leafExprs } = lastTrace();
  for (const { target } of replacements) target.leaf!.donating = !target.leaf!.shared;
  const storages = new Array<Storage>(leaves.length);
  const bindings = new Array<Binding>(leaves.length);
  try {
    for (let i = 0; i < leaves.length; i++) {
      const leaf = leaves[i]!;
      const e = leafExprs[i]!;
      const storage = storageOn(leaf, device, e);
      const binding = bindingOf(device, storage, leaf.donating);
      storages[i] = storage;
      bindings[i] = binding;
      keyInput(e, bindingCode(binding));
    }
  } finally {
    for (const { target } of replacements) target.leaf!.donating = false;
  }
  keyWord(replacements.length);
  for (const { target } of replacements) keyWord(target.leaf!.shared ? -1 - target.leaf!.id : target.leaf!.id);
  return { storages, bindings };
}

/** A cache miss: the last trace as a Program that the device can run, prepared by it. */
function prepare(
  device: Device,
  program: Program,
  roots: readonly Expr[],
  bindings: readonly Binding[],
  replacements: readonly Replacement[],
): Executable | Promise<Executable> {
  const first = roots.length - replacements.length;
  // A storage that another leaf shares must survive: its replacement is an output like any other.
  const updates = replacements.flatMap(({ target }, i): Update[] =>
    target.leaf!.shared ? [] : [{ output: first + i, input: target.leaf!.id }],
  );
  const job: Job = { program, bindings, updates };
  return device.prepare(job);
}

/** The Program as the device can run it: composites that it lacks are written out. @throws DEVICE_UNSUPPORTED, of all gaps that are left */
function runnable(device: Device, program: Program, bindings: readonly Binding[]): Program {
  let found = program;
  for (;;) {
    const gaps = device.check(found, bindings);
    if (gaps.length === 0) return found;
    const composites = gaps.map((g) => g.op).filter(isComposite);
    if (composites.length === 0) unsupported(device, gaps, found === program ? lastTrace().nodes : []);
    found = decompose(found, new Set(composites));
  }
}

/** Results become leaves; replaced leaves take their new values, all at once. */
function settle(
  device: Device,
  outputs: readonly Expr[],
  replacements: readonly Replacement[],
  results: readonly Storage[],
  release: boolean,
): void {
  for (let i = 0; i < outputs.length; i++) {
    const e = outputs[i]!;
    e.leaf = new Leaf(device, results[i]!, null, false);
    if (!release && e.requiresGrad && e.args.some((a) => a.requiresGrad)) trackHistory(e);
    else e.forget();
  }
  if (replacements.length === 0) return;
  const version = ++clock.now;
  for (let i = 0; i < replacements.length; i++) {
    const leaf = replacements[i]!.target.leaf!;
    leaf.device = device;
    leaf.storage = results[outputs.length + i]!;
    leaf.host = null;
    leaf.shared = false;
    leaf.version = version;
  }
}

/** A tensor handle, as far as a step is concerned. */
interface Handle {
  readonly expr: Expr;
}

/** After a step, `tensor` (a parameter, a state of the optimizer, a running mean) has the value of `next`. */
export interface TensorUpdate {
  readonly tensor: Handle;
  readonly next: Handle | Expr;
}

/**
 * One Program: computes `losses` (and every live lazy tensor that no op reads and that reads something updated), then replaces each
 * updated tensor by its next value; every `next` sees the old values. Afterwards the losses have no graph.
 * @throws UPDATE_CONFLICT when a tensor is updated twice; SHAPE_MISMATCH when a next value has another shape or dtype;
 * TENSOR_STALE when something was built before an earlier step
 */
export async function step(losses: readonly Handle[], updates: readonly TensorUpdate[]): Promise<void> {
  const targets = updates.map((u) => u.tensor.expr);
  const lazy = targets.filter((e) => e.leaf === null);
  if (lazy.length > 0) await realizeExprs(lazy);
  const leaves = new Set<Leaf>();
  const results = new Set<Expr>();
  for (const { expr } of losses) {
    results.add(expr);
    expr.used = true;
  }
  const replacements = updates.map((u, i) => replacement(u, i, leaves, results));
  const changed = [...leaves];
  const outputs = losses.map((t) => t.expr).concat(sinksReading(changed));
  await dispatch({ outputs, replacements, release: true }, false);
  for (const { expr } of losses) expr.forget();
  dropHistories(changed);
  await turn();
}

function replacement({ tensor, next }: TensorUpdate, i: number, seen: Set<Leaf>, results: Set<Expr>): Replacement {
  const target = tensor.expr;
  const value = next instanceof Expr ? next : next.expr;
  if (!sameShape(target.shape, value.shape) || target.dtype !== value.dtype) {
    expected("SHAPE_MISMATCH", `step: update ${i}`, showAval(target), showAval(value));
  }
  const leaf = target.leaf!;
  if (seen.has(leaf))
    expected("UPDATE_CONFLICT", `step: update ${i}`, "each tensor updated once", `a second update of ${showAval(target)}`);
  seen.add(leaf);
  // A value that is an input or another result gets a node of its own: no two leaves may come to share a storage.
  const own = value.leaf !== null || results.has(value);
  results.add(value);
  // Its place is in the updated tensor: it is no sink.
  value.used = true;
  return { target, next: own ? emit("reshape", [value], value.shape) : value };
}

/** The value of a leaf, in an array of the caller's own. */
export async function read(e: Expr): Promise<TypedArray> {
  activity.reads++;
  activity.onRead?.();
  if (e.leaf!.host === null) await idle(e.leaf!.device);
  const leaf = e.leaf!;
  const values = leaf.host !== null ? leaf.host.slice() : (await leaf.device.read(leaf.storage!, e)).slice();
  await turn(); // last: the value is that before it
  return values;
}

async function idle(device: Device): Promise<void> {
  const state = stateOf(device);
  while (state.tail !== null) await state.tail;
}

/** Discloses a realized secret. @throws DEVICE_SECRET where the device has no way out */
export async function reveal(e: Expr, options: Disclosure): Promise<TypedArray> {
  const { device, storage } = e.leaf!;
  if (device.reveal === undefined || storage === null) {
    return device.readable ? read(e) : expected("DEVICE_SECRET", "reveal", "a device that discloses values", device.name);
  }
  return device.reveal(storage, e, options);
}

/** The value on another device, computed first where need be. */
export async function send(e: Expr, device: Device): Promise<Expr> {
  const from = deviceOf(e);
  if (!from.readable && from !== device) {
    expected(
      "DEVICE_SECRET",
      "to",
      "a value that can be read where it is",
      `${showAval(e)} on ${from.name}`,
      "disclose it with reveal({ to, why })",
    );
  }
  await realizeExprs([e]);
  if (from === device && e.leaf!.host === null) return e;
  if (device.supports?.(e.dtype) === false) expected("DTYPE_UNSUPPORTED", "to", `a dtype of device ${device.name}`, e.dtype);
  const values = await read(e);
  const storage = device.share === undefined ? device.put(values, e) : await device.share(values, e);
  return Expr.leaf({ shape: e.shape, dtype: e.dtype }, device, storage);
}
