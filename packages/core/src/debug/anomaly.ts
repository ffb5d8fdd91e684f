/** @file detectAnomaly: before each run, the same Program with every value as a result; the first op that makes NaN or infinity is named. */
import type { Binding, Storage } from "../device/device.ts";
import { observing, type Plan } from "../engine/observe.ts";
import { TacitError } from "../errors.ts";
import { showAval } from "../program/aval.ts";
import { DTYPE, type TypedArray } from "../program/dtype.ts";
import { printNode } from "../program/print.ts";
import { Program } from "../program/program.ts";
import { lineOf, recordLines } from "./site.ts";

/** What a value holds that is no finite number. */
interface State {
  readonly nan: boolean;
  readonly infinite: boolean;
}
const FINITE: State = { nan: false, infinite: false };

function stateOf(values: TypedArray): State {
  let [nan, infinite] = [false, false];
  for (const v of values as Float32Array | Float64Array) {
    if (Number.isNaN(v)) nan = true;
    else if (v === Number.POSITIVE_INFINITY || v === Number.NEGATIVE_INFINITY) infinite = true;
  }
  return nan || infinite ? { nan, infinite } : FINITE;
}

/** No value is overwritten: the real run comes after. */
const kept = (b: Binding): Binding => (b.kind === "resident" && b.donate ? { kind: "resident", donate: false } : b);

/** States of the Program's values, inputs first. */
async function statesOf({ device, program, bindings, storages }: Plan): Promise<State[]> {
  const all = program.nodes.map((_, i) => program.inputs.length + i);
  const full = new Program(program.inputs, program.nodes, all);
  const executable = await device.prepare({ program: full, bindings: bindings.map(kept), updates: [] });
  try {
    const results = await executable.run(storages);
    const states: State[] = [];
    const look = async (storage: Storage, v: number): Promise<void> => {
      const aval = program.aval(v);
      states.push(DTYPE[aval.dtype].float ? stateOf(await device.read(storage, aval)) : FINITE);
    };
    for (const [i, s] of storages.entries()) await look(s, i);
    for (const [i, s] of results.entries()) await look(s, program.inputs.length + i);
    return states;
  } finally {
    executable.release?.();
  }
}

const PASSES_ON: ReadonlySet<string> = new Set(["reshape", "permute", "expand", "slice", "pad", "flip", "cat", "where", "cast"]);

/** Values that are infinite because the Program says so: a mask of -Infinity is meant. */
function meant(program: Program, states: readonly State[]): boolean[] {
  const out = program.inputs.map(() => false);
  for (const { op, args } of program.nodes) {
    out.push(op === "constant" || (PASSES_ON.has(op) && args.every((a) => states[a] === FINITE || out[a])));
  }
  return out;
}

/** Upstream from `v` along values that are not finite, to the first whose arguments all are (or are meant to be as they are). */
function origin(program: Program, states: readonly State[], v: number): number {
  const given = meant(program, states);
  for (let at = v; ; ) {
    const args = program.nodes[at - program.inputs.length]?.args ?? [];
    const worse = args.filter((a) => states[a] !== FINITE && !given[a]);
    const next = worse.find((a) => states[a]!.nan) ?? worse[0];
    if (next === undefined) return at;
    at = next;
  }
}

async function inspect(plan: Plan): Promise<void> {
  const { device, program, lines } = plan;
  if (!device.readable) return;
  const states = await statesOf(plan);
  const first = program.inputs.length;
  const nan = program.nodes.findIndex((n, i) => states[first + i]!.nan && !n.args.some((a) => states[a]!.nan));
  const output = program.outputs.find((v) => states[v] !== FINITE);
  const found = nan >= 0 ? first + nan : output;
  if (found === undefined) return;
  const v = origin(program, states, found);
  const kind = states[v]!.nan ? "NaN" : "infinity";
  const node = program.nodes[v - first];
  if (node === undefined) {
    throw new TacitError("ANOMALY_FOUND", `input ${v}: expected finite values, got ${kind} in ${showAval(program.aval(v))}`, {
      hint: "it comes from the data, or from a parameter that an earlier step spoilt",
    });
  }
  throw new TacitError(
    "ANOMALY_FOUND",
    `${node.op}: expected finite results of finite arguments, got ${kind} in ${showAval(node.aval)}`,
    {
      at: lineOf(lines[v - first] ?? null),
      hint: `node ${v - first} of the Program: ${printNode(node)}`,
    },
  );
}

/**
 * From now on every run is computed twice, the first time value by value: the first op whose result is NaN though its arguments are
 * not, or that leads to a result that is not finite, throws ANOMALY_FOUND with the user's line. Slow, and only where values can be
 * read. Infinities that lead to finite results (masks of -Infinity) are no anomaly. As `torch.autograd.detect_anomaly`, forward too.
 * Returns whether it was on before.
 */
export function detectAnomaly(on = true): boolean {
  const before = observing.inspect !== null;
  observing.inspect = on ? inspect : null;
  recordLines(detectAnomaly, on);
  return before;
}
