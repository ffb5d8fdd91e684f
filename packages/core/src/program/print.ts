/** @file Programs as text, one line per node, like a jaxpr. For people: the canonical form is the bytes. */
import { constantValue } from "../ops/constant/value.ts";
import { OPS } from "../ops/table.ts";
import { showAval } from "./aval.ts";
import { dtypeOf } from "./dtype.ts";
import type { Node, Program } from "./program.ts";

/** `%3:f32[64,10] = matmul[transposeA=0 transposeB=1] %0 %1` */
export function printProgram(p: Program): string {
  const inputs = p.inputs.map((a, i) => `%${i}:${showAval(a)}`).join(", ");
  const lines = p.nodes.map((n, i) => `  %${p.inputs.length + i}:${showAval(n.aval)} = ${printNode(n)}`);
  return [`program (${inputs}) {`, ...lines, `  return ${p.outputs.map((o) => `%${o}`).join(", ")}`, "}"].join("\n");
}

function printNode(n: Node): string {
  const args = n.args.map((a) => ` %${a}`).join("");
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
