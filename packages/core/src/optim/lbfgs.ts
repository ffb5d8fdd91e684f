/** @file L-BFGS (Liu and Nocedal 1989; Nocedal and Wright, algorithm 7.5), in PyTorch's form: a closure gives the loss, as often as needed. */
import { step as runStep } from "../engine/engine.ts";
import { expected, TacitError } from "../errors.ts";
import { takeWaitingBuffers } from "../nn/parameter.ts";
import { gradientsOf } from "../tensor/backward.ts";
import { Tensor } from "../tensor/tensor.ts";
import { OptimizerBase, type OptimizerState } from "./base.ts";
import { checkNames, checkNonNegative, checkOption, type Parameters } from "./groups.ts";
import { absSum, dot, largest, plus, times, type Vector } from "./host-vector.ts";
import { type Point, strongWolfe } from "./line-search.ts";

export interface LbfgsGroup {
  /** 1 unless said. */
  lr: number;
  /** Iterations in one step; 20 unless said. */
  maxIter: number;
  /** Evaluations of the closure in one step; 1.25 · maxIter unless said. */
  maxEval: number;
  /** Stops where no gradient is larger; 1e-7 unless said. */
  toleranceGrad: number;
  /** Stops where loss or parameters change less; 1e-9 unless said. */
  toleranceChange: number;
  /** Pairs of differences remembered; 100 unless said. */
  historySize: number;
}

export interface LbfgsOptions extends Partial<LbfgsGroup> {
  /** "strongWolfe" searches along each direction; without it every step has size lr. */
  readonly lineSearchFn?: "strongWolfe" | null;
}

/** What one iteration leaves for the next. Vectors are never written to again. */
interface Memory {
  direction: Vector;
  /** Gradient before the last move. */
  gradient: Vector;
  t: number;
  loss: number;
  /** Scale of the first guess at the inverse Hessian. */
  scale: number;
  readonly history: Pair[];
}

/** y = difference of gradients, s = difference of parameters, 1/(y·s). */
interface Pair {
  readonly y: Vector;
  readonly s: Vector;
  readonly rho: number;
}

const pairOf = (y: Vector, s: Vector): Pair => ({ y, s, rho: 1 / dot(y, s) });

function check(o: LbfgsGroup): void {
  for (const name of ["maxIter", "maxEval", "historySize"] as const)
    checkOption(name, o[name], Number.isSafeInteger(o[name]) && o[name] >= 1);
  checkNonNegative(o, ["toleranceGrad", "toleranceChange"]);
}

/** −H·g by the two loops over the history. */
function directionOf(gradient: Vector, history: readonly Pair[], scale: number): Vector {
  const alphas: number[] = [];
  let q = times(-1, gradient);
  for (const { y, s, rho } of [...history].reverse()) {
    const alpha = dot(s, q) * rho;
    alphas.unshift(alpha);
    q = plus(q, -alpha, y);
  }
  q = times(scale, q);
  history.forEach(({ y, s, rho }, i) => {
    q = plus(q, alphas[i]! - dot(y, q) * rho, s);
  });
  return q;
}

/**
 * For full batches on a device that can be read: gradients come to the host, where the history is kept, one Program evaluates the
 * closure and another one writes the parameters, whatever the iteration.
 */
export class LBFGS extends OptimizerBase<LbfgsGroup> {
  private readonly searches: boolean;
  private memory: Memory | null = null;
  private iterations = 0;
  private evaluations = 0;
  private saved: Readonly<Record<string, number>> = {};

  constructor(params: Parameters, options: LbfgsOptions = {}) {
    const { lr = 1, maxIter = 20, toleranceGrad = 1e-7, toleranceChange = 1e-9, historySize = 100 } = options;
    const { maxEval = Math.floor((maxIter * 5) / 4), lineSearchFn = null } = options;
    const defaults = { lr, maxIter, maxEval, toleranceGrad, toleranceChange, historySize };
    checkNames("lbfgs", options, [...Object.keys(defaults), "lineSearchFn"]);
    super("lbfgs", params, defaults, check);
    if (lineSearchFn !== null && lineSearchFn !== "strongWolfe")
      expected("ARGUMENT_INVALID", "lbfgs", "lineSearchFn strongWolfe or null", JSON.stringify(lineSearchFn));
    this.searches = lineSearchFn !== null;
  }

  override addParamGroup(spec: { readonly params: Parameters }): void {
    if (this.members.length > 0) expected("ARGUMENT_INVALID", "lbfgs", "one group of parameters", "another");
    super.addParamGroup(spec);
  }

  /**
   * Up to `maxIter` iterations on the loss that `closure` builds: `await opt.step(() => nn.mseLoss(model(x), y))`. The closure is called
   * again at each point, and neither `backward()` nor `zeroGrad()` is needed. Returns the loss before the first iteration.
   * @throws DEVICE_SECRET where the loss cannot be read, LOSS_NOT_FINITE, AUTOGRAD_NO_GRAPH
   */
  async step(closure: () => Tensor | Promise<Tensor>): Promise<number> {
    if (typeof closure !== "function")
      expected("ARGUMENT_INVALID", "lbfgs step", "a function that gives the loss", typeof closure, "opt.step(() => loss)");
    const device = this.members[0]!.tensor.device;
    if (!device.readable)
      expected("DEVICE_SECRET", "lbfgs step", "a device that can be read", device.name, "use sgd or adam on secret values");
    const options = this.paramGroups[0]!;
    if (this.memory === null && this.slots.size > 0) this.memory = await this.restored();
    let left = options.maxEval;
    const evaluate = async (): Promise<{ loss: number; gradient: Vector }> => {
      left--;
      return this.evaluate(closure);
    };
    let x = await this.parameters();
    // Initial values are no residents of the device yet: the first evaluation would need a plan of its own.
    if (this.evaluations === 0) await this.write(x);
    let { loss, gradient } = await evaluate();
    const first = loss;
    if (largest(gradient) <= options.toleranceGrad) return first;
    for (let n = 1; n <= options.maxIter; n++) {
      this.iterations++;
      const memory = this.advance(gradient, loss);
      const slope = dot(gradient, memory.direction);
      if (slope > -options.toleranceChange) break;
      const move = async (t: number): Promise<Point> => {
        await this.write(plus(x, t, memory.direction));
        const got = await evaluate();
        return { t, f: got.loss, gradient: got.gradient, slope: dot(got.gradient, memory.direction) };
      };
      if (this.searches) {
        const start: Point = { t: 0, f: loss, gradient, slope };
        const found = await strongWolfe({ start, at: move, norm: largest(memory.direction) }, memory.t);
        memory.t = found.t;
        ({ f: loss, gradient } = found);
        x = plus(x, memory.t, memory.direction);
        await this.write(x);
      } else {
        x = plus(x, memory.t, memory.direction);
        await this.write(x);
        if (n < options.maxIter) ({ loss, gradient } = await evaluate());
      }
      if (left <= 0 || largest(gradient) <= options.toleranceGrad) break;
      const { toleranceChange } = options;
      if (largest(memory.direction) * memory.t <= toleranceChange || Math.abs(loss - memory.loss) < toleranceChange) break;
    }
    this.steps++;
    return first;
  }

  /** The next direction and the size to try first. */
  private advance(gradient: Vector, loss: number): Memory {
    const { lr, historySize } = this.paramGroups[0]!;
    const old = this.memory;
    if (old === null) {
      const direction = times(-1, gradient);
      const t = Math.min(1, 1 / absSum(gradient)) * lr;
      this.memory = { direction, gradient, t, loss, scale: 1, history: [] };
      return this.memory;
    }
    const y = plus(gradient, -1, old.gradient);
    const s = times(old.t, old.direction);
    const ys = dot(y, s);
    const history = [...old.history];
    let { scale } = old;
    if (ys > 1e-10) {
      if (history.length === historySize) history.shift();
      history.push(pairOf(y, s));
      scale = ys / dot(y, y);
    }
    this.memory = { direction: directionOf(gradient, history, scale), gradient, t: lr, loss, scale, history };
    return this.memory;
  }

  /** Loss and gradient at the present parameters: one Program. */
  private async evaluate(closure: () => Tensor | Promise<Tensor>): Promise<{ loss: number; gradient: Vector }> {
    this.evaluations++;
    const loss = await closure();
    const free = this.members.map((m) => m.tensor);
    const grads = gradientsOf(
      loss.expr,
      undefined,
      free.map((t) => t.expr),
      {},
    ).map((g, i) => (g === null || !free[i]!.requiresGrad ? null : new Tensor(g)));
    await runStep([loss, ...grads.filter((g) => g !== null), ...takeWaitingBuffers(free[0]!.device)], []);
    const gradient = this.vector();
    let at = 0;
    for (const [i, g] of grads.entries()) {
      if (g !== null) gradient.set((await g.data()) as Vector, at);
      at += free[i]!.numel;
    }
    const value = await loss.item();
    if (Number.isFinite(value)) return { loss: value, gradient };
    throw new TacitError("LOSS_NOT_FINITE", `lbfgs step ${this.steps + 1}: expected a finite loss, got ${value}`, {
      hint: "lower the learning rate, or pass { lineSearchFn: 'strongWolfe' }",
    });
  }

  private vector(): Vector {
    const length = this.members.reduce((n, m) => n + m.tensor.numel, 0);
    return this.members.some((m) => m.tensor.dtype === "f64") ? new Float64Array(length) : new Float32Array(length);
  }

  /** The parameters' values, one after the other. */
  private async parameters(): Promise<Vector> {
    const out = this.vector();
    let at = 0;
    for (const { tensor } of this.members) {
      out.set((await tensor.detach().data()) as Vector, at);
      at += tensor.numel;
    }
    return out;
  }

  /** Sets the parameters in place: one Program. */
  private async write(x: Vector): Promise<void> {
    let at = 0;
    const updates = this.members.map(({ tensor }) => {
      const values = x.slice(at, (at += tensor.numel));
      const like = tensor.dtype === "f64" ? Float64Array.from(values) : Float32Array.from(values);
      return { tensor, next: Tensor.adopt(like, tensor.shape, tensor.dtype, { device: tensor.device }) };
    });
    await runStep([], updates);
  }

  override stateDict(): OptimizerState {
    if (this.memory !== null) this.keep(this.memory);
    const { iterations, evaluations } = this;
    const numbers = this.memory === null ? this.saved : { t: this.memory.t, loss: this.memory.loss, scale: this.memory.scale };
    return { ...super.stateDict(), numbers: { ...numbers, iterations, evaluations } };
  }

  private keep(memory: Memory): void {
    const { device } = this.members[0]!.tensor;
    const tensor = (v: Vector): Tensor => Tensor.from(v, [v.length], { device });
    this.slots.clear();
    this.slots.set("direction", tensor(memory.direction));
    this.slots.set("gradient", tensor(memory.gradient));
    memory.history.forEach(({ y, s }, i) => {
      this.slots.set(`history.${i}.y`, tensor(y));
      this.slots.set(`history.${i}.s`, tensor(s));
    });
  }

  override loadStateDict(state: OptimizerState): void {
    const numbers = state.numbers ?? {};
    const names = ["iterations", "evaluations", ...(state.tensors.size > 0 ? ["t", "loss", "scale"] : [])];
    for (const name of names) {
      if (!Number.isFinite(numbers[name])) expected("STATE_MISMATCH", "lbfgs", `a number ${name}`, "none");
    }
    super.loadStateDict(state);
    this.memory = null;
    this.saved = numbers;
    this.iterations = numbers.iterations!;
    this.evaluations = numbers.evaluations!;
  }

  protected override expectedOf(key: string): Tensor | null {
    if (!/^(direction|gradient|history\.\d+\.[ys])$/.test(key)) return null;
    const like = this.vector();
    const { device } = this.members[0]!.tensor;
    return Tensor.adopt(like, [like.length], like instanceof Float64Array ? "f64" : "f32", { device });
  }

  /** The memory of a loaded state. */
  private async restored(): Promise<Memory> {
    const read = async (key: string): Promise<Vector> => {
      const t = this.slots.get(key) ?? expected("STATE_MISMATCH", "lbfgs", `a tensor ${key}`, "none");
      return (await t.data()) as Vector;
    };
    const history: Pair[] = [];
    for (let i = 0; this.slots.has(`history.${i}.y`); i++)
      history.push(pairOf(await read(`history.${i}.y`), await read(`history.${i}.s`)));
    const { t = 0, loss = 0, scale = 1 } = this.saved;
    return { direction: await read("direction"), gradient: await read("gradient"), t, loss, scale, history };
  }
}

/** L-BFGS over a module or parameters. */
export const lbfgs = (params: Parameters, options: LbfgsOptions = {}): LBFGS => new LBFGS(params, options);
