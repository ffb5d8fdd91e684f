/** @file Programs as text, one line per node, like a jaxpr. For people: the canonical form is the bytes. */
import { constantValue } from "../ops/constant/value.ts";
import { OPS } from "../ops/table.ts";
import { showAval } from "./aval.ts";
import { dtypeOf } from "./dtype.ts";
import type { Node, Program } from "./program.ts";

/** A longer list of inputs or outputs stands over several lines. */
const WIDTH = 120;

/** `%3:f32[64,10] = matmul[transposeA=0 transposeB=1] %0 %1`, one line per node; constants stand where they are used, as `0.1:f32`. */
export function printProgram(p: Program): string {
  const first = p.inputs.length;
  const inline = inlineConstants(p);
  const inputs = p.inputs.map((a, i) => `%${i}:${showAval(a)}`);
  const lines = p.nodes.flatMap((n, i) =>
    inline.has(first + i) ? [] : [`  %${first + i}:${showAval(n.aval)} = ${printNode(n, inline)}`],
  );
  const outputs = p.outputs.map((o) => `%${o}`);
  return [`program (${wrapped(inputs, "  ")}) {`, ...lines, `  return ${wrapped(outputs, "    ")}`, "}"].join("\n");
}

function wrapped(items: readonly string[], indent: string): string {
  const whole = items.join(", ");
  if (whole.length <= WIDTH) return whole;
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    if (last === undefined || last.length + item.length > WIDTH) lines.push(`${indent}${item}`);
    else lines[lines.length - 1] = `${last}, ${item}`;
  }
  return `\n${lines.join(",\n")}${indent === "  " ? "\n" : ""}`;
}

/** Scalar constants by id, with their text: those that nodes read and that are no result themselves. */
function inlineConstants(p: Program): ReadonlyMap<number, string> {
  const read = new Set(p.nodes.flatMap((n) => n.args));
  const results = new Set(p.outputs);
  const out = new Map<number, string>();
  p.nodes.forEach((n, i) => {
    const id = p.inputs.length + i;
    if (n.op === "constant" && read.has(id) && !results.has(id)) out.set(id, `${constantValue(n.attrs)}:${n.aval.dtype}`);
  });
  return out;
}

/** `matmul[transposeA=0 transposeB=1] %0 %1`; a constant by its value. */
export function printNode(n: Node, inline: ReadonlyMap<number, string> = new Map()): string {
  const args = n.args.map((a) => ` ${inline.get(a) ?? `%${a}`}`).join("");
  if (n.op === "constant") return `constant ${constantValue(n.attrs)}`;
  const attrs = printAttrs(n);
  return `${n.op}${attrs === "" ? "" : `[${attrs}]`}${args}`;
}

/** `name=value`; a name that ends in `...` takes the rest as a list, and `a|b|c...` splits the rest evenly. */
function printAttrs(n: Node): string {
  const names = OPS.get(n.op)?.attrs ?? [];
  const parts: string[] = [];
  names.forEach((name, i) => {
    if (name.endsWith("...")) parts.push(...printRest(name.slice(0, -3).split("|"), n.attrs.slice(i)));
    else parts.push(`${name}=${name === "dtype" ? dtypeOf(n.attrs[i]!) : n.attrs[i]}`);
  });
  return parts.join(" ");
}

function printRest(names: readonly string[], rest: readonly number[]): string[] {
  const each = rest.length / names.length;
  return names.map((name, i) => `${name}=${rest.slice(i * each, (i + 1) * each).join(",")}`);
}
