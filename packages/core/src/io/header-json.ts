/** @file A strict JSON reader for safetensors headers: refuses repeated keys, which JSON.parse would silently merge, and deep nesting. */
import { expected } from "../errors.ts";

/** Objects become Maps, so that a key such as `__proto__` is only a key. */
export type Json = string | number | boolean | null | readonly Json[] | ReadonlyMap<string, Json>;

const MAX_DEPTH = 8;
/** No number of a header is longer: 2^53 has 16 digits. */
const MAX_NUMBER = 32;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/;
const WORDS: ReadonlyArray<readonly [string, Json]> = [
  ["true", true],
  ["false", false],
  ["null", null],
];

/** Scans by hand where the input may be long: a regular expression's backtracking stack would grow with it. */
class Reader {
  private at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  document(): Json {
    const value = this.value(0);
    this.space();
    if (this.at !== this.text.length) this.fail("the end of the header");
    return value;
  }

  private value(depth: number): Json {
    this.space();
    const c = this.text[this.at];
    if (depth >= MAX_DEPTH) this.fail(`at most ${MAX_DEPTH} levels`);
    if (c === "{") return this.object(depth);
    if (c === "[") return this.array(depth);
    if (c === '"') return this.string();
    const word = WORDS.find(([name]) => this.text.startsWith(name, this.at));
    const raw = word?.[0] ?? NUMBER.exec(this.text.slice(this.at, this.at + MAX_NUMBER))?.[0] ?? this.fail("a JSON value");
    this.at += raw.length;
    return word === undefined ? Number(raw) : word[1];
  }

  private object(depth: number): ReadonlyMap<string, Json> {
    const out = new Map<string, Json>();
    this.at++;
    if (this.eat("}")) return out;
    do {
      this.space();
      const key = this.string();
      if (out.has(key)) this.fail("keys that differ", "a repeated key");
      if (!this.eat(":")) this.fail("':'");
      out.set(key, this.value(depth + 1));
    } while (this.eat(","));
    if (!this.eat("}")) this.fail("',' or '}'");
    return out;
  }

  private array(depth: number): readonly Json[] {
    const out: Json[] = [];
    this.at++;
    if (this.eat("]")) return out;
    do out.push(this.value(depth + 1));
    while (this.eat(","));
    if (!this.eat("]")) this.fail("',' or ']'");
    return out;
  }

  private string(): string {
    if (this.text[this.at] !== '"') this.fail("a string");
    let end = this.at + 1;
    while (end < this.text.length && this.text[end] !== '"') end += this.text[end] === "\\" ? 2 : 1;
    const raw = this.text.slice(this.at, end + 1);
    try {
      const value: unknown = JSON.parse(raw);
      this.at = end + 1;
      return String(value);
    } catch {
      return this.fail("a string");
    }
  }

  private space(): void {
    while (this.at < this.text.length && " \t\n\r".includes(this.text[this.at]!)) this.at++;
  }

  private eat(c: string): boolean {
    this.space();
    if (this.text[this.at] !== c) return false;
    this.at++;
    return true;
  }

  private fail(want: string, got?: string): never {
    expected("SAFETENSORS_INVALID", `safetensors header, character ${this.at}`, want, got ?? "something else");
  }
}

/** Parses strict JSON. Throws SAFETENSORS_INVALID with the position of the fault. */
export const parseHeaderJson = (text: string): Json => new Reader(text).document();
