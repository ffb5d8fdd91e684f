/** @file Mutations of JSON by its structure: keys twice, keys that mean something to JavaScript, numbers and texts at their extremes. */
import type { Dice } from "./dice.ts";

type Json = unknown;

/** Raw tokens that should not stand where they are put; some are no JSON. */
const STRANGERS: readonly string[] = [
  "null",
  "true",
  "false",
  "[]",
  "{}",
  "0",
  "-0",
  "-1",
  "1.5",
  "1e999",
  "-1e999",
  "1e-999",
  "9007199254740991",
  "9007199254740992",
  "9007199254740993",
  "18446744073709551615",
  "4294967295",
  "2147483648",
  "NaN",
  "Infinity",
  "undefined",
  "0x10",
  "01",
  "+1",
  '""',
  '"0"',
  '"__proto__"',
  '"constructor"',
  '"\\ud800"',
  '"\\u0000"',
  '"\\u001b[2J"',
  '"\u202e"',
  '"\\u2028"',
  "'a'",
  '"a',
  '{"__proto__":{"name":"x"}}',
  '{"toString":1,"valueOf":1}',
  '{"length":3}',
  "[null]",
  "[[],[]]",
];
const KEYS = ["__proto__", "constructor", "prototype", "toString", "length", "", "\u0000", "0"];

type Way = "remove" | "double" | "rename" | "twice" | "stranger" | "wrap" | "text" | "long" | "deep" | "other" | "number";
const WAYS: readonly Way[] = [
  "remove",
  "double",
  "rename",
  "twice",
  "stranger",
  "stranger",
  "stranger",
  "wrap",
  "text",
  "text",
  "other",
  "number",
];

const isObject = (x: Json): x is Readonly<Record<string, Json>> => typeof x === "object" && x !== null && !Array.isArray(x);

/** A value of an example, with its text. */
interface Node {
  readonly value: Json;
  readonly key: string | undefined;
  readonly text: string;
  readonly parts: readonly Node[];
  /** Values in all. */
  readonly count: number;
}

function nodeOf(value: Json, key?: string): Node {
  const parts = Array.isArray(value)
    ? value.map((v) => nodeOf(v))
    : isObject(value)
      ? Object.entries(value).map(([k, v]) => nodeOf(v, k))
      : [];
  return { value, key, text: JSON.stringify(value), parts, count: parts.reduce((n, p) => n + p.count, 1) };
}

function nth(node: Node, n: number): Node {
  let left = n - 1;
  if (n === 0) return node;
  for (const p of node.parts) {
    if (left < p.count) return nth(p, left);
    left -= p.count;
  }
  return node;
}

/** A text with one of its characters changed, taken away or doubled. */
function spoil(text: string, dice: Dice): string {
  const at = dice.below(text.length + 1);
  const c = dice.pick(["", "0", "f", "F", "g", " ", "-", ".", "/", ":", "é", "\u0000", "\ud800", text[at] ?? ""]);
  return text.slice(0, at) + c + text.slice(at + dice.below(2));
}

const named = (text: string, key: string | undefined): string => (key === undefined ? text : `${JSON.stringify(key)}:${text}`);

/** The texts that stand in place of `node`, whose value number `n` is written by `change`. */
function write(node: Node, n: number, change: (target: Node) => readonly string[]): readonly string[] {
  if (n === 0) return change(node);
  let left = n - 1;
  const texts: string[] = [];
  for (const p of node.parts) {
    if (left >= 0 && left < p.count) texts.push(...write(p, left, change));
    else texts.push(named(p.text, p.key));
    left -= p.count;
  }
  return [named(Array.isArray(node.value) ? `[${texts.join(",")}]` : `{${texts.join(",")}}`, node.key)];
}

/** `node` in another way: several texts, or none. */
function changed(node: Node, way: Way, dice: Dice, other: Node): readonly string[] {
  const { value, key, text } = node;
  const as = (t: string, k = key): string[] => [named(t, k)];
  switch (way) {
    case "remove":
      return [];
    case "double":
      return [named(text, key), named(text, key)];
    case "twice":
      return [named(dice.pick(STRANGERS), key), named(text, key)];
    case "rename":
      return as(text, key === undefined ? undefined : dice.pick([...KEYS, spoil(key, dice)]));
    case "wrap":
      return as(dice.once(2) ? `[${text}]` : `{${JSON.stringify(dice.pick(KEYS))}:${text}}`);
    case "text":
      return as(JSON.stringify(typeof value === "string" ? spoil(value, dice) : String(value)));
    case "number":
      return as(typeof value === "number" ? String(value + dice.pick([-1, 1, 0.5, 2 ** 53, -(2 ** 33)])) : String(dice.u32()));
    case "long":
      return as(
        JSON.stringify((typeof value === "string" && value !== "" ? value : "7").repeat(2 ** dice.below(12)).slice(0, 70_000)),
      );
    case "deep":
      return as(dice.pick(["[", '{"a":', "[[],"]).repeat(2 ** (4 + dice.below(12))));
    case "other":
      return as(nth(other, dice.below(other.count)).text);
    case "stranger":
      return as(dice.pick(STRANGERS));
  }
}

const parsed = new WeakMap<Uint8Array, Node>();
function parse(bytes: Uint8Array): Node {
  let node = parsed.get(bytes);
  if (node === undefined) parsed.set(bytes, (node = nodeOf(JSON.parse(new TextDecoder().decode(bytes)))));
  return node;
}

const encoder = new TextEncoder();

/** A mutation of the structure of `seed`; `other` lends values. */
export function mutateJson(seed: Uint8Array, dice: Dice, other: Uint8Array): Uint8Array {
  const node = parse(seed);
  const way = dice.once(500) ? dice.pick<Way>(["long", "deep"]) : dice.pick(WAYS);
  const text = write(node, dice.below(node.count), (target) => changed(target, way, dice, parse(other))).join(",");
  return encoder.encode(dice.once(200) ? `\ufeff${text}` : dice.once(200) ? `${text} {}` : text);
}
