/** @file Why a Program had to be prepared: what differs from the most similar one that the device has already. */
import type { Binding } from "../device/device.ts";
import { constantValue } from "../ops/constant/value.ts";
import { showAval } from "../program/aval.ts";
import { printNode } from "../program/print.ts";
import type { Node, Program } from "../program/program.ts";

/** A Program and how its inputs were bound. */
export interface Known {
  readonly program: Program;
  readonly bindings: readonly Binding[];
}

/** Programs that are compared: a training loop has 2 to 4. */
export const REMEMBERED = 16;
/** Differences that are listed. */
const LISTED = 3;

/** How many nodes from the first on have the same op and arguments. */
function commonNodes(a: Program, b: Program): number {
  const shift = b.inputs.length - a.inputs.length;
  const same = (x: Node, y: Node): boolean =>
    x.op === y.op && x.args.length === y.args.length && (shift !== 0 || x.args.every((v, i) => v === y.args[i]));
  let n = 0;
  while (n < a.nodes.length && n < b.nodes.length && same(a.nodes[n]!, b.nodes[n]!)) n++;
  return n;
}

const showBinding = (b: Binding | undefined): string =>
  b === undefined ? "none" : b.kind === "resident" && b.donate ? "updated" : b.kind;

function inputChanges(now: Known, was: Known): string[] {
  const out: string[] = [];
  for (let i = 0; i < now.program.inputs.length; i++) {
    const [a, b] = [showAval(now.program.inputs[i]!), showAval(was.program.inputs[i]!)];
    if (a !== b) out.push(`input ${i} is ${a}, was ${b}`);
  }
  if (out.length > 0) return out;
  for (let i = 0; i < now.bindings.length; i++) {
    const [a, b] = [showBinding(now.bindings[i]), showBinding(was.bindings[i])];
    if (a !== b) out.push(`input ${i} is ${a}, was ${b}`);
  }
  return out;
}

function attributeChanges(now: Program, was: Program): string[] {
  return now.nodes.flatMap((n, i) => {
    const old = was.nodes[i]!;
    if (n.attrs.length === old.attrs.length && n.attrs.every((a, k) => a === old.attrs[k])) return [];
    if (n.op === "constant") return [`constant of node ${i} is ${constantValue(n.attrs)}, was ${constantValue(old.attrs)}`];
    return [`node ${i} is ${printNode(n)}, was ${printNode(old)}`];
  });
}

/** What made the Program another one than those known, most telling first; for people. */
export function whyMissed(now: Known, known: readonly Known[], line: (node: number) => string | undefined): string {
  let was: Known | undefined;
  let common = -1;
  for (const k of known) {
    const n = commonNodes(k.program, now.program);
    const whole = n === now.program.nodes.length && n === k.program.nodes.length;
    // Of several alike the latest: it is most likely what the loop did before.
    if (n + (whole ? 1 : 0) >= common) [was, common] = [k, n + (whole ? 1 : 0)];
  }
  if (was === undefined) return "the first Program there";
  const [a, b] = [now.program, was.program];
  if (common <= a.nodes.length || a.inputs.length !== b.inputs.length) {
    const at = line(common);
    const place = at === undefined ? "" : ` at ${at}`;
    const op = a.nodes[common]?.op;
    if (op === undefined) return `a new graph: ${a.nodes.length} nodes, the nearest has ${b.nodes.length}`;
    return `a new graph: node ${common} is ${op}${place}, the nearest Program has ${b.nodes[common]?.op ?? "none"}`;
  }
  const changes = inputChanges(now, was);
  if (changes.length === 0) changes.push(...attributeChanges(a, b));
  if (changes.length === 0 && a.outputs.join() !== b.outputs.join())
    changes.push(`it has ${a.outputs.length} outputs, the nearest Program has ${b.outputs.length}`);
  if (changes.length === 0) return "the same Program, which was dropped or updates other values";
  const more = changes.length > LISTED ? ` and ${changes.length - LISTED} more` : "";
  return changes.slice(0, LISTED).join("; ") + more;
}
