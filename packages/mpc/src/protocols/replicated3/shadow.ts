/**
 * @file Shadow of plain values, for tests of three parties in one process: after every node the parties' shares are put together and
 * compared with the op table's plain result. It needs the memory of all parties at once, so no session can switch it on:
 * there is no message, option or handshake by which a party would take part.
 */
import { TacitError } from "@tacit/core/errors";
import { type Aval, DTYPE, OPS, type Program, sizeOf, type TypedArray } from "@tacit/core/program";
import type { Plan } from "./lower/plan.ts";
import type { Observer, Run } from "./lower/run.ts";
import { Held, SecretValue, type Term } from "./lower/value.ts";
import { COMPARED, NARROW_BITS } from "./range.ts";

/** A difference beyond these is no rounding: something left its range. */
const ABSOLUTE = 2 ** -8;
const RELATIVE = 2 ** -8;

/** Component x_me of terms made of shares alone; undefined where a raw product is among them. */
function component(terms: readonly Term[], run: Run): readonly BigInt64Array[] | undefined {
  const out: BigInt64Array[] = [];
  for (const { source } of terms) {
    if (!(source instanceof Held)) return undefined;
    out.push(new BigInt64Array(run.ctx.memory.bytes(source.shares.a, 8 * source.shares.n).slice().buffer));
  }
  return out;
}

interface Arrived {
  readonly terms: readonly Term[];
  readonly parts: (readonly BigInt64Array[])[];
}

/** One run's shadow. Give each party `observer`. */
export class Shadow {
  readonly #program: Program;
  /** Plain values by id, in f64. */
  readonly #values: (TypedArray | undefined)[];
  readonly #arrived: Map<number, Arrived> = new Map();
  /** Nodes that were compared. */
  compared = 0;

  constructor(program: Program, inputs: readonly TypedArray[]) {
    this.#program = program;
    this.#values = inputs.map((x) => (x instanceof Float32Array ? Float64Array.from(x) : x));
  }

  readonly observer: Observer = (id, value, run) => {
    if (run.ctx.me === 0 && run.ctx.width === 32) this.#checkRange(id, run);
    const parts = value instanceof SecretValue ? component(value.terms, run) : undefined;
    if (!parts) return;
    const terms = (value as SecretValue).terms;
    const found = this.#arrived.get(id) ?? { terms, parts: [] };
    this.#arrived.set(id, found);
    found.parts.push(parts);
    if (found.parts.length < 3) return;
    this.#arrived.delete(id);
    this.#compare(id, found, run.plan);
  };

  /** A compared value beyond what 32 bits hold would only now and then give another result. */
  #checkRange(id: number, run: Run): void {
    const node = this.#program.nodes[id - this.#program.inputs.length]!;
    for (const i of COMPARED.get(node.op) ?? []) {
      const arg = node.args[i]!;
      if (!DTYPE[this.#program.aval(arg).dtype].float || run.plan.knowledge[arg] !== "secret") continue;
      const limit = 2 ** (NARROW_BITS - run.f);
      if (this.#plain(arg).every((v: number | bigint) => Math.abs(Number(v)) < limit)) continue;
      const at = id - this.#program.inputs.length;
      throw new TacitError(
        "OVERFLOW",
        `shadow: expected values below ${limit} where node ${at} (${node.op}) compares them, got others`,
        {
          hint: "the session agreed on a range that its values leave; see ranges()",
        },
      );
    }
  }

  #compare(id: number, { terms, parts }: Arrived, plan: Plan): void {
    // ReLU that runs after its pool, and what reads it in between, have no plain counterpart of their own.
    const node = this.#program.nodes[id - this.#program.inputs.length]!;
    const routed = node.op === "maxPool2dGrad" && plan.afterPool.has(node.args[1]!);
    if (plan.afterPool.has(id) || routed) return;
    const want = this.#plain(id);
    const n = sizeOf(node.aval.shape);
    const values = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let got = 0;
      terms.forEach((t, k) => {
        const ring = BigInt.asIntN(
          64,
          parts.reduce((sum, p) => sum + p[k]![i]!, 0n),
        );
        got += Number(ring) * 2 ** -t.scale * t.factor;
      });
      values[i] = got;
      const expectedValue = Number(want[i]);
      if (!(Math.abs(got - expectedValue) <= ABSOLUTE + RELATIVE * Math.abs(expectedValue))) {
        const at = id - this.#program.inputs.length;
        const hint = "a product left 2^62, or an argument its function's range; see ranges()";
        throw new TacitError("OVERFLOW", `shadow: expected the plain value at node ${at} (${node.op}), got a gross error`, {
          hint,
        });
      }
    }
    // Readers are compared with what they were given: rounding does not add up, and ties fall as they fell.
    if (want instanceof Float64Array) this.#values[id] = values;
    this.compared++;
  }

  /** The plain value of id, computed on demand from the inputs. */
  #plain(id: number): TypedArray {
    const known = this.#values[id];
    if (known) return known;
    const node = this.#program.nodes[id - this.#program.inputs.length]!;
    const args = node.args.map((a) => this.#plain(a));
    const wide = (aval: Aval): Aval => ({ shape: aval.shape, dtype: aval.dtype === "f32" ? "f64" : aval.dtype });
    const made = OPS.get(node.op)!.reference(
      args,
      node.args.map((a) => wide(this.#program.aval(a))),
      node.attrs,
      wide(node.aval),
    );
    this.#values[id] = made;
    return made;
  }
}
