/** @file A strict JSON reader for safetensors headers: refuses repeated keys, which JSON.parse would silently merge, and deep nesting. */
import { expected } from "../errors.ts";

/** Objects become Maps, so that a key such as `__proto__` is only a key. */
export type Json = string | number | boolean | null | readonly Json[] | ReadonlyMap<string, Json>;

const MAX_DEPTH = 8;
const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

class Reader {
  private at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  document(): Json {
    const value = this.value(0);
    this.match(SPACE);
    if (this.at !== this.text.length) this.fail("the end of the header");
    return value;
  }

  private value(depth: number): Json {
    this.match(SPACE);
    const c = this.text[this.at];
    if (depth >= MAX_DEPTH) this.fail(`at most ${MAX_DEPTH} levels`);
    if (c === "{") return this.object(depth);
    if (c === "[") return this.array(depth);
    if (c === '"') return this.string();
    const word = this.match(WORD);
    if (word !== null) return word === "null" ? null : word === "true";
    return Number(this.match(NUMBER) ?? this.fail("a JSON value"));
  }

  private object(depth: number): ReadonlyMap<string, Json> {
    const out = new Map<string, Json>();
    this.at++;
    if (this.eat("}")) return out;
    do {
      this.match(SPACE);
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
    const raw = this.match(STRING) ?? this.fail("a string");
    const value: unknown = JSON.parse(raw);
    return String(value);
  }

  private eat(c: string): boolean {
    this.match(SPACE);
    if (this.text[this.at] !== c) return false;
    this.at++;
    return true;
  }

  private match(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return null;
    this.at += found[0].length;
    return found[0];
  }

  private fail(want: string, got?: string): never {
    expected("SAFETENSORS_INVALID", `safetensors header, character ${this.at}`, want, got ?? "something else");
  }
}

/** Parses strict JSON. Throws SAFETENSORS_INVALID with the position of the fault. */
export const parseHeaderJson = (text: string): Json => new Reader(text).document();
