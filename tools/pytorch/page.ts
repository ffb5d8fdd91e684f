/** @file docs/pytorch.md from the families, the names of PyTorch and what the packages export; npm run docs:pytorch writes it. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as core from "../../packages/core/src/index.ts";
import { plot } from "../../packages/plot/src/index.ts";
import * as vision from "../../packages/vision/src/index.ts";
import { CONVENTIONS } from "./conventions.ts";
import type { Absent, Family, Row } from "./family.ts";
import { FAMILIES } from "./index.ts";

const WHERE = new URL("../../docs/pytorch.md", import.meta.url);

interface Names {
  readonly version: string;
  readonly names: Readonly<Record<string, readonly string[]>>;
}
const NAMES = JSON.parse(readFileSync(new URL("names.json", import.meta.url), "utf8")) as Names;

/** Names in an object: its own, and for a prototype those of the classes above. */
export function namesIn(object: object): string[] {
  const found: string[] = [];
  for (let o = object; o !== null && o !== Object.prototype && o !== Function.prototype; o = Object.getPrototypeOf(o) as object)
    found.push(...Object.getOwnPropertyNames(o).filter((n) => n !== "constructor"));
  return found;
}

/** The namespaces that hold public names, and the prototypes of classes whose methods have rows. */
export function room(name: string): object {
  if (name === "Tensor") return core.Tensor.prototype;
  if (name === "nn.Module") return core.nn.Module.prototype;
  const roots: Record<string, unknown> = { ...core, vision, plot };
  const steps = name === "" ? [] : name.split(".");
  return steps.reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], roots) as object;
}

/** Whether a Tacit name exists: an export, a static of a class, a method of its prototype, a field that every tensor has. */
export function exists(name: string): boolean {
  if (name === "Tensor.expr") return "expr" in core.zeros([1]);
  const at = name.lastIndexOf(".");
  const home = name.slice(0, Math.max(at, 0));
  const last = name.slice(at + 1);
  if (home === "Tensor" && Object.hasOwn(core.Tensor, last)) return true;
  try {
    return last in room(home);
  } catch {
    return false;
  }
}

const plain = (name: string): string => name.replaceAll("_", "").toLowerCase();

/** The full Tacit names of a row: those that it says, else those of its room that are spelt alike. */
export function tacitNames(family: Family, row: Row): string[] {
  if (row.tacit !== null) return [...row.tacit];
  const prefix = family.room === "" ? "" : `${family.room}.`;
  const found = namesIn(room(family.room)).filter(
    (n) => plain(n) === plain(row.torch) && n.endsWith("_") === row.torch.endsWith("_"),
  );
  if (found.includes(row.torch))
    found.splice(0, found.length, ...found.filter((n) => n === row.torch || family.room !== "Tensor"));
  const lowerFirst = found.sort((a, b) => Number(/^[A-Z]/.test(a)) - Number(/^[A-Z]/.test(b)) || (a < b ? -1 : 1));
  return [...new Set(lowerFirst)].map((n) => prefix + n);
}

/** PyTorch's names that a family answers for. */
export function torchNames(family: Family): string[] {
  const all = (family.from ?? []).flatMap(([list, which]) => (NAMES.names[list] ?? []).filter((n) => which?.test(n) ?? true));
  return all;
}

/** PyTorch's names of a family with neither a row nor a reason: not yet. */
export function notYet(family: Family): string[] {
  const said = new Set([...family.rows.map((r) => r.torch), ...(family.absent ?? []).flatMap((a) => a.names)]);
  return torchNames(family).filter((n) => !said.has(n));
}

const code = (name: string): string => `\`${name}\``;
const cell = (text: string): string => text.replaceAll("|", "\\|");

/** As a reader writes it: methods on x, or on model; a method's free function beside it. */
function shown(name: string): string[] {
  if (name.startsWith("nn.Module.")) return [`model.${name.slice(10)}`];
  if (name === "Tensor.from" || name === "Tensor.adopt") return [name];
  if (!name.startsWith("Tensor.")) return [name];
  const method = name.slice(7);
  const free = typeof (core as Record<string, unknown>)[method] === "function" ? [method] : [];
  return [`x.${method}`, ...free];
}
const shownAll = (names: readonly string[]): string => [...new Set(names.flatMap(shown))].map(code).join(", ");

function table(family: Family): string {
  const sorted = [...family.rows].sort((a, b) => (a.torch.toLowerCase() < b.torch.toLowerCase() ? -1 : 1));
  const lines = sorted.map((row) => `| ${code(row.torch)} | ${shownAll(tacitNames(family, row))} | ${cell(row.note)} |`);
  return ["| PyTorch | Tacit | what differs |", "|---|---|---|", ...lines].join("\n");
}

const reason = ({ names, why }: Absent): string => `- ${names.map(code).join(", ")}: ${why}`;

function section(family: Family): string {
  const parts = [`## ${family.title}`];
  if (family.intro !== undefined) parts.push(family.intro);
  parts.push(table(family));
  const own = (family.beyond ?? []).map((row) => `- ${shownAll(row.tacit ?? [])}: ${row.note}`);
  if (own.length > 0) parts.push(`Only in Tacit:\n\n${own.join("\n")}`);
  const absent = (family.absent ?? []).map(reason);
  if (absent.length > 0) parts.push(`Absent, and why:\n\n${absent.join("\n")}`);
  const missing = notYet(family);
  if (missing.length > 0) parts.push(`Not yet: ${missing.map(code).join(", ")}.`);
  return parts.join("\n\n");
}

/** The page. */
export function page(): string {
  return `${CONVENTIONS.replace("VERSION", NAMES.version.replace(/a\d+$/, ""))}${FAMILIES.map(section).join("\n\n")}\n`;
}

/** The page as it stands in docs. */
export const written = (): string => readFileSync(WHERE, "utf8");

if (import.meta.main) {
  writeFileSync(WHERE, page());
  process.stderr.write(`${fileURLToPath(WHERE)}: ${FAMILIES.reduce((n, f) => n + f.rows.length, 0)} rows\n`);
}
