/** @file Canonical bytes of a Program: deterministic CBOR (RFC 8949 §4.2.1), arrays, integers and op names only. */
import { expected } from "../errors.ts";
import type { Aval } from "./aval.ts";
import { read, scan, write } from "./cbor.ts";
import { DTYPE, dtypeOf } from "./dtype.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import type { Node } from "./program.ts";

/** First item of every encoding. The version changes whenever the meaning of old bytes would. */
export const FORMAT = "tacit program";
export const VERSION = 1;

const WHERE = "Program.fromBytes";
export const invalid = (want: string, got: string): never => expected("PROGRAM_INVALID", WHERE, want, got);

/** What the bytes hold: [format, version, [[dtype, [sizes]]...], [[op, [attrs], [args], dtype, [sizes]]...], [outputs]]. */
export interface Parts {
  readonly inputs: readonly Aval[];
  readonly nodes: readonly Node[];
  readonly outputs: readonly number[];
}

export function encodeProgram(p: Parts): Uint8Array {
  return write([
    FORMAT,
    VERSION,
    p.inputs.map((a) => [DTYPE[a.dtype].code, a.shape]),
    p.nodes.map((n) => [n.op, n.attrs, n.args, DTYPE[n.aval.dtype].code, n.aval.shape]),
    p.outputs,
  ]);
}

/** Structure only: `validate` checks what it means. */
export function decodeProgram(bytes: Uint8Array, limits?: Partial<Limits>): Parts {
  const bound = { ...DEFAULT_LIMITS, ...limits };
  if (!(bytes instanceof Uint8Array)) invalid("a Uint8Array", typeof bytes);
  if (bytes.length > bound.bytes) invalid(`at most ${bound.bytes} bytes`, `${bytes.length}`);
  scan(bytes, 5, invalid);
  const [format, version, inputs, nodes, outputs] = tuple(read(bytes), 5, "a program");
  if (format !== FORMAT) invalid(`format ${JSON.stringify(FORMAT)}`, "another");
  if (version !== VERSION) invalid(`version ${VERSION}`, "another");
  const parts: Parts = {
    inputs: list(inputs, bound.inputs, "inputs").map((x) => aval(tuple(x, 2, "an input"), bound)),
    nodes: list(nodes, bound.nodes, "nodes").map((x) => node(x, bound)),
    outputs: integers(outputs, bound.outputs, "outputs"),
  };
  // The scan leaves nothing that could differ, as far as we know: this is the second net, whatever the reader does with text.
  if (!sameBytes(encodeProgram(parts), bytes)) invalid("canonical bytes", "another encoding of the same program");
  return parts;
}

function list(x: unknown, limit: number, what: string): readonly unknown[] {
  if (!Array.isArray(x)) return invalid(`an array of ${what}`, typeof x);
  if (x.length > limit) invalid(`at most ${limit} ${what}`, `${x.length}`);
  return x;
}

function tuple(x: unknown, length: number, what: string): readonly unknown[] {
  if (!Array.isArray(x) || x.length !== length)
    return invalid(`${what} as an array of ${length}`, Array.isArray(x) ? `${x.length}` : typeof x);
  return x;
}

function integers(x: unknown, limit: number, what: string): readonly number[] {
  return list(x, limit, what).map((v) => {
    if (typeof v !== "number" || !Number.isSafeInteger(v)) return invalid(`safe integers as ${what}`, typeof v);
    return v;
  });
}

function aval([code, shape]: readonly unknown[], bound: Limits): Aval {
  const dtype = typeof code === "number" ? dtypeOf(code) : undefined;
  if (dtype === undefined) return invalid("a dtype code in 0..7", "another");
  return { dtype, shape: integers(shape, bound.rank, "dimensions") };
}

function node(x: unknown, bound: Limits): Node {
  const [op, attrs, args, code, shape] = tuple(x, 5, "a node");
  if (typeof op !== "string") return invalid("an op name", typeof op);
  return {
    op,
    attrs: integers(attrs, bound.attrs + 3 * bound.rank, "attributes"),
    args: integers(args, bound.args, "arguments"),
    aval: aval([code, shape], bound),
  };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
