/** @file A Program on shares at one party, as dataflow: a node starts when its arguments are there; independent nodes share rounds. */
import { expected, TacitError } from "@tacit/core/errors";
import { type Aval, DTYPE, type Node, OPS, sizeOf, type TypedArray } from "@tacit/core/program";
import { STEPS_PER_NODE } from "../../protocol.ts";
import { ROOT_BITS } from "../bounds.ts";
import { bitsToArithmetic, type Context, fromPublic, type Shares, type Width } from "../primitives/index.ts";
import { NARROW_BITS } from "../range.ts";
import { bounded, combine, isMixed, NEVER } from "./combine.ts";
import { toRing } from "./fixed-point.ts";
import { HANDLERS } from "./index.ts";
import type { Plan } from "./plan.ts";
import { isKept, KEPT_BITS, SHARE_BITS } from "./size.ts";
import { Held, PublicValue, SecretBits, SecretValue, type Single, type Term, type Value } from "./value.ts";

/** Steps that the executor itself uses (four each, but the first); ids are node * STEPS_PER_NODE + step. */
const STEP = { integers: 244, plain: 246, single: 251 } as const;

/** Sees every secret value of a run when it is made: the tests' shadow of plain values. */
export type Observer = (id: number, value: Value, run: Run) => Promise<void> | void;

export interface RunOptions {
  readonly fractionBits: number;
  /** A dry run: public values have sizes only. */
  readonly dry?: boolean;
  readonly observe?: Observer;
}

/** Fraction bits of a secret of this dtype. */
export function fractionBitsOf(aval: Aval, f: number): number {
  return DTYPE[aval.dtype].float ? f : 0;
}

export class Run {
  readonly ctx: Context;
  readonly plan: Plan;
  readonly f: number;
  readonly #options: RunOptions;
  readonly #values: Promise<Value>[] = [];
  readonly #uses: number[];
  readonly #plain: Map<Value, Promise<Held>> = new Map();
  readonly #integers: Map<SecretBits, Promise<Held>> = new Map();
  readonly #memo: Map<string, { value: Promise<unknown>; users: number }> = new Map();

  constructor(ctx: Context, plan: Plan, options: RunOptions) {
    this.ctx = ctx;
    this.plan = plan;
    this.f = options.fractionBits;
    this.#options = options;
    this.#uses = [...plan.uses];
  }

  /** Inputs: shares that rest at this party, or arrays. Resolves with the outputs, owned by the caller: Held, or arrays. */
  async execute(inputs: readonly (Shares | TypedArray)[]): Promise<readonly (Held | TypedArray)[]> {
    const { program, uses } = this.plan;
    this.#values.push(...inputs.map((x, i) => Promise.resolve(this.#input(x, i))));
    program.nodes.forEach((node, i) => {
      const id = program.inputs.length + i;
      const value = uses[id] === 0 ? UNUSED : this.#node(node, id);
      value.catch(() => {}); // reported by the outputs, or below
      this.#values.push(value);
    });
    // A result is truncated as soon as it is there, beside what is still under way.
    const results = Promise.all(program.outputs.map((id) => this.#output(id)));
    await Promise.all([results, ...this.#values]);
    return results;
  }

  value(id: number): Promise<Value> {
    return this.#values[id]!;
  }

  /** Work that several nodes share; `id` of its steps must not depend on who asks first. Dropped after `users` have let go. */
  shared<T>(key: string, users: number, make: () => Promise<T>): Promise<T> {
    let found = this.#memo.get(key);
    if (!found) this.#memo.set(key, (found = { value: make(), users }));
    return found.value as Promise<T>;
  }
  /** Says that a user is done; true for the last one, who frees. */
  doneWith(key: string): boolean {
    const found = this.#memo.get(key)!;
    return --found.users === 0;
  }

  #input(x: Shares | TypedArray, i: number): Value {
    const aval = this.plan.program.inputs[i]!;
    if ("a" in x) {
      const scale = fractionBitsOf(aval, this.f);
      const bits = this.plan.sizes[i]!.before;
      return new SecretValue(this.ctx, aval.shape, [{ source: new Held(undefined, x), scale, factor: 1, key: "", bits }]);
    }
    return new PublicValue(x);
  }

  async #node(node: Node, id: number): Promise<Value> {
    if (this.plan.knowledge[id] !== "secret") return this.#public(node, id);
    const handler = HANDLERS.get(node.op);
    if (!handler) expected("DEVICE_UNSUPPORTED", "replicated3", "an op that it can run", node.op);
    let value = await handler(new NodeRun(this, node, id));
    value = await this.#settle(value, id);
    if (this.#options.observe) await this.#options.observe(id, value, this);
    for (const a of node.args) await this.#release(a);
    return value;
  }

  async #public(node: Node, id: number): Promise<Value> {
    const fixed = this.plan.fixed.get(id);
    if (fixed) return new PublicValue(fixed);
    const { program } = this.plan;
    const args = await Promise.all(node.args.map((a) => this.#values[a]!));
    if (this.#options.dry) return new PublicValue(DTYPE[node.aval.dtype].make(sizeOf(node.aval.shape)));
    const values = args.map((a) => (a as PublicValue).values);
    const avals = node.args.map((a) => program.aval(a));
    return new PublicValue(OPS.get(node.op)!.reference(values, avals, node.attrs, node.aval));
  }

  /**
   * A value with several readers becomes one sharing, here and not by whoever reads first, for the parties' timings differ. A
   * returned one becomes plain fixed point.
   */
  async #settle(value: Value, id: number): Promise<Value> {
    if (!(value instanceof SecretValue) || this.plan.uses[id]! < 2) return value;
    const only = value.terms[0]!;
    const scale = this.plan.fine.has(id) ? ROOT_BITS : fractionBitsOf(this.plan.program.aval(id), this.f);
    if (value.terms.length === 1 && only.source instanceof Held && only.scale === scale) {
      const plain = only.key === "" && only.factor === 1;
      if (plain || !this.plan.returned[id]) return value;
    }
    const step = this.stepOf(id, STEP.single);
    // Several readers: one of them may be a square. Only what is as small as a share keeps its factor aside.
    const keep = this.plan.returned[id] ? NEVER : SHARE_BITS;
    const {
      held,
      factor,
      key,
      fixed,
      by,
      bits = this.plan.sizes[id]!.after,
    } = await combine(this.ctx, step, value.take(), scale, keep);
    const settled = new SecretValue(this.ctx, value.shape, [{ source: held, scale, factor, key, fixed, by, bits }], value.kept);
    for (const { source } of value.terms) if (source instanceof Held) source.release();
    return settled;
  }

  /** The id of a step of the node that makes value `id`. */
  stepOf(id: number, step: number): number {
    return (id - this.plan.program.inputs.length) * STEPS_PER_NODE + step;
  }

  async #release(id: number): Promise<void> {
    const value = await this.#values[id]!;
    this.#uses[id]!--;
    if (this.#uses[id] !== 0 || value instanceof PublicValue) return;
    const made = [this.#plain.get(value), value instanceof SecretBits ? this.#integers.get(value) : undefined];
    for (const held of await Promise.all(made)) held?.release();
    value.release();
  }

  /** As one sharing, a common factor aside. Owned by the caller. */
  async single(id: number, keep: number = KEPT_BITS): Promise<{ readonly held: Held; readonly single: Single }> {
    const value = await this.#values[id]!;
    const only = value instanceof SecretValue && value.terms.length === 1 ? value.terms[0]! : undefined;
    if (only?.source instanceof Held && only.key !== "" && !isKept(only.bits, keep)) return this.applied(id);
    const scale = fractionBitsOf(this.plan.program.aval(id), this.f);
    const terms = await this.terms(id);
    const made = await combine(this.ctx, this.stepOf(id, STEP.single), terms, scale, keep);
    const { held, factor, key, fixed, by, bits = this.plan.sizes[id]!.after } = made;
    return { held, single: { shares: held.shares, factor, key, fixed, by, bits } };
  }

  /** As one sharing for a product with a secret: a factor that a truncation is due to meet is applied by it, or it would count twice in a square. */
  async operand(id: number): Promise<{ readonly held: Held; readonly single: Single }> {
    const value = await this.#values[id]!;
    const only = value instanceof SecretValue && value.terms.length === 1 ? value.terms[0]! : undefined;
    if (!only || only.key === "" || only.source instanceof Held) return this.single(id);
    return this.applied(id);
  }

  /** With its factor applied, once for all readers. */
  private async applied(id: number): Promise<{ readonly held: Held; readonly single: Single }> {
    const held = await this.plain(id);
    return { held, single: { shares: held.shares, factor: 1, key: "", bits: this.plan.sizes[id]!.after } };
  }

  /** As plain fixed point (integers for other dtypes). Owned by the caller; computed once. */
  async plain(id: number): Promise<Held> {
    const scale = fractionBitsOf(this.plan.program.aval(id), this.f);
    const value = await this.#values[id]!;
    if (value instanceof PublicValue) return new Held(this.ctx, fromPublic(this.ctx, toRing(value.values, scale)));
    let found = this.#plain.get(value);
    if (!found) {
      const terms = this.terms(id);
      found = terms.then((t) => combine(this.ctx, this.stepOf(id, STEP.plain), t, scale, NEVER)).then((c) => c.held);
      this.#plain.set(value, found);
    }
    return (await found).retain();
  }

  /** The terms of a value, owned by the caller. Split bits become integers, once, in one round. */
  async terms(id: number): Promise<readonly Term[]> {
    const value = await this.#values[id]!;
    if (value instanceof SecretValue) return value.take();
    const scale = fractionBitsOf(this.plan.program.aval(id), this.f);
    if (value instanceof PublicValue) {
      const held = new Held(this.ctx, fromPublic(this.ctx, toRing(value.values, scale)));
      return [{ source: held, scale, factor: 1, key: "", bits: SHARE_BITS }];
    }
    let integers = this.#integers.get(value);
    if (!integers) {
      integers = bitsToArithmetic(this.ctx, this.stepOf(id, STEP.integers), value.bits).then((x) => new Held(this.ctx, x));
      this.#integers.set(value, integers);
    }
    return [{ source: (await integers).retain(), scale: 0, factor: 1, key: "", bits: 0 }];
  }

  async #output(id: number): Promise<Held | TypedArray> {
    const value = await this.#values[id]!;
    if (value instanceof PublicValue) return value.values;
    const held = await this.plain(id);
    await this.#release(id);
    return held;
  }
}

const UNUSED: Promise<Value> = Promise.resolve(new PublicValue(new Uint8Array(0)));

/** What a handler sees of its node. */
export class NodeRun {
  readonly run: Run;
  readonly ctx: Context;
  readonly node: Node;
  readonly id: number;
  readonly f: number;

  constructor(run: Run, node: Node, id: number) {
    this.run = run;
    this.ctx = run.ctx;
    this.node = node;
    this.id = id;
    this.f = run.f;
  }

  get attrs(): readonly number[] {
    return this.node.attrs;
  }
  get aval(): Aval {
    return this.node.aval;
  }
  /** Aval of argument i. */
  arg(i: number): Aval {
    return this.run.plan.program.aval(this.node.args[i]!);
  }
  isPublic(i: number): boolean {
    return this.run.plan.knowledge[this.node.args[i]!] !== "secret";
  }
  isUniform(i: number): boolean {
    return this.isPublic(i) && this.run.plan.uniform[this.node.args[i]!]!;
  }
  /** The values of an argument that follows from the Program alone. */
  fixed(i: number): TypedArray | undefined {
    return this.run.plan.fixed.get(this.node.args[i]!);
  }
  /** Bits on which arguments are compared: the session's range is about fixed point, and a constant of the Program may be beyond it. */
  get width(): Width {
    const narrow = this.ctx.width === 32 && DTYPE[this.arg(0).dtype].float;
    const large = (values: TypedArray | undefined): boolean => values !== undefined && !this.isSmall(values);
    return narrow && !this.node.args.some((_, i) => large(this.fixed(i))) ? 32 : 64;
  }
  /** Whether public values are within what 32 bits compare. */
  isSmall(values: TypedArray): boolean {
    return values.every((v: number | bigint) => Math.abs(Number(v)) < 2 ** (NARROW_BITS - this.f));
  }
  /** @throws TacitError MPC_RANGE where a public input is beyond the range that its comparison takes for granted: everyone knows it */
  async checkPublic(): Promise<void> {
    if (this.width === 64) return;
    for (const i of this.node.args.keys()) {
      if (this.isPublic(i) && !this.isSmall(await this.publicValues(i))) {
        throw new TacitError(
          "MPC_RANGE",
          `mpc: expected public values below 2^${NARROW_BITS - this.f} in a comparison, got others`,
          {
            hint: "the session agreed on a range of values: make it larger, or leave it out",
          },
        );
      }
    }
  }
  /** The id of an interactive step of this node, 0 .. 243. */
  step(step: number): number {
    return this.run.stepOf(this.id, step);
  }
  value(i: number): Promise<Value> {
    return this.run.value(this.node.args[i]!);
  }

  async publicValues(i: number): Promise<TypedArray> {
    return ((await this.value(i)) as PublicValue).values;
  }
  /** A public argument of equal elements. */
  async scalar(i: number): Promise<number> {
    return Number((await this.publicValues(i))[0] ?? 0);
  }

  /** Argument i as plain fixed point, for the time of `use`. */
  async plain<T>(i: number, use: (x: Shares) => Promise<T> | T): Promise<T> {
    const held = await this.run.plain(this.node.args[i]!);
    const result = await use(held.shares);
    held.release();
    return result;
  }

  /** Arguments as one sharing each (truncated at once, together), for the time of `use`. */
  async singles<T>(indices: readonly number[], use: (...xs: readonly Single[]) => Promise<T> | T): Promise<T> {
    const all = await Promise.all(indices.map((i) => this.run.single(this.node.args[i]!)));
    const result = await use(...all.map((x) => x.single));
    for (const { held } of all) held.release();
    return result;
  }
  /**
   * Argument i as one sharing that is only moved, selected or added up: its factor waits, whatever the size. A mean that was rounded and
   * then broadcast to N places would be wrong N times in the same direction: a sum over them is off by N units.
   */
  async moved<T>(i: number, use: (x: Single) => Promise<T> | T): Promise<T> {
    const { held, single } = await this.run.single(this.node.args[i]!, Number.POSITIVE_INFINITY);
    const result = await use(single);
    held.release();
    return result;
  }

  /** The same for arguments that are multiplied with each other. */
  async operands<T>(use: (x: Single, y: Single) => Promise<T> | T): Promise<T> {
    const [x, y] = await Promise.all([0, 1].map((i) => this.run.operand(this.node.args[i]!)));
    const result = await use(x!.single, y!.single);
    x!.held.release();
    y!.held.release();
    return result;
  }

  /** The terms of an argument, owned by the caller. */
  terms(i: number): Promise<readonly Term[]> {
    return this.run.terms(this.node.args[i]!);
  }

  /** Terms (step `from + 2 k` for the k-th) that leave a factor room. */
  async bounded(terms: readonly Term[], from = 0): Promise<readonly Term[]> {
    if (!isMixed(terms, this.f)) return terms;
    return Promise.all(terms.map((t, k) => bounded(this.ctx, this.step(from + 2 * k), t, this.f)));
  }

  /** What the result is taken to be below where its factor waits, log2. */
  get bits(): number {
    return this.run.plan.sizes[this.id]!.before;
  }
  /** The result: fresh shares with this many fraction bits and this factor. */
  result(shares: Shares, scale: number, like: Partial<Pick<Term, "factor" | "key" | "bits" | "fixed" | "by">> = {}): SecretValue {
    const { factor = 1, key = "", fixed = 0, by = 1 } = like;
    const bits = Math.max(this.bits, like.bits ?? 0);
    return this.of([{ source: new Held(this.ctx, shares), scale, factor, key, fixed, by, bits }]);
  }
  of(terms: readonly Term[], kept: SecretValue["kept"] = {}): SecretValue {
    return new SecretValue(this.ctx, this.aval.shape, terms, kept);
  }
}

export type Handler = (n: NodeRun) => Promise<Value> | Value;
