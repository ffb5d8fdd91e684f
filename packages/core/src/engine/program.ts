/** @file The Program of a trace, built only on a cache miss. */
import { lineOf } from "../debug/site.ts";
import type { Device, Gap } from "../device/device.ts";
import { TacitError } from "../errors.ts";
import type { Expr } from "../expr.ts";
import { Program } from "../program/program.ts";
import { lastTrace } from "./trace.ts";

/** The last trace as a Program; `roots` are its outputs. */
export function programOfTrace(roots: readonly Expr[]): Program {
  const { nodes, leafExprs } = lastTrace();
  const inputs = leafExprs.length;
  const id = (e: Expr): number => (e.id < 0 ? -1 - e.id : inputs + e.id);
  return new Program(
    leafExprs.map((e) => ({ shape: e.shape, dtype: e.dtype })),
    nodes.map((e) => ({ op: e.op!.name, attrs: e.attrs, args: e.args.map(id), aval: { shape: e.shape, dtype: e.dtype } })),
    roots.map(id),
  );
}

/** Every gap at once, with the user's lines where they were recorded. */
export function unsupported(device: Device, gaps: readonly Gap[], nodes: readonly Expr[]): never {
  const lines = new Set<string>();
  const list = gaps.map((g) => {
    const line = lineOf(nodes[g.node]?.site ?? null);
    if (line !== undefined) lines.add(line);
    return `${g.op} at node ${g.node} (${g.reason})`;
  });
  const at = lines.size === 0 ? undefined : [...lines].join(", ");
  throw new TacitError("DEVICE_UNSUPPORTED", `realize: expected ops that ${device.name} can run, got ${list.join("; ")}`, { at });
}
