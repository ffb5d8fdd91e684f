/** @file Judge: feeds a parser with inputs and holds each outcome against what every parser of strangers' bytes promises. */
import { getHeapStatistics } from "node:v8";
import { TacitError } from "@tacit/core/errors";
import { toHex } from "../../src/identity/encoding.ts";
import { Dice } from "./dice.ts";
import { nextInput, type Parser } from "./parser.ts";

export interface Tally {
  readonly parser: string;
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: ReadonlyMap<string, number>;
  readonly seconds: number;
  /** Milliseconds of the slowest input that stayed slow. */
  readonly slowest: number;
}

/** Milliseconds of one input, above which it is read again: one that is slow three times is slow by itself. */
const SLOW = 50;
/** Milliseconds, waiting included, that no input may take on the busiest machine. */
const HANGS = 10_000;
/**
 * Bytes that reading may hold on to or throw away for each byte of input, and besides. A data item of one byte becomes a value of
 * tens of bytes in several lists; what a parser needs for itself (tables, messages, WebAssembly views) stays below 1 MB.
 */
const [PER_BYTE, BESIDES] = [512, 2 ** 20];
const LONGEST_MESSAGE = 4096;

export class Finding extends Error {
  constructor(parser: Parser, seed: number, input: Uint8Array, what: string, cause?: unknown) {
    const hex =
      input.length <= 1024 ? toHex(input) : `${toHex(input.subarray(0, 64))}... (${input.length} bytes: see it with the seed)`;
    super(`${parser.name}, seed ${seed}: ${what}\ninput: ${hex}`, { cause });
    this.name = "Finding";
  }
}

/** Messages that were looked at, by parser: most come again and again. */
const good = new WeakMap<Parser, Set<string>>();

/** What is wrong with a refusal, if anything. */
function wrong(e: unknown, parser: Parser, input: Uint8Array): string | undefined {
  if (!(e instanceof TacitError))
    return `expected a TacitError, got ${e instanceof Error ? `${e.name}: ${e.message.slice(0, 300)}` : String(e)}`;
  if (!parser.codes.includes(e.code))
    return `expected one of ${parser.codes.join(", ")}, got ${e.code}: ${e.message.slice(0, 300)}`;
  const said = `${e.message}\n${e.hint ?? ""}`;
  let known = good.get(parser);
  if (known === undefined) good.set(parser, (known = new Set()));
  if (known.has(said)) return undefined;
  if (said.length > LONGEST_MESSAGE) return `a message of ${said.length} characters`;
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(said.replaceAll("\n", ""))) return "a message with control characters";
  const secret = parser.secrets?.find((s) => said.includes(s));
  if (secret !== undefined) return "a message that holds a secret";
  const digits = said.match(/[0-9a-fA-F]{24,}/g);
  if (digits !== null) {
    const hex = toHex(input);
    if (digits.some((d) => hex.includes(d.toLowerCase()))) return "a message with bytes of the input";
  } else if (known.size < 10_000) known.add(said);
  return undefined;
}

/** Reads one input. Returns the code of the refusal, or undefined where it was accepted. @throws Finding */
export async function judge(parser: Parser, input: Uint8Array, seed = 0): Promise<string | undefined> {
  const given = input.slice();
  try {
    const reading = parser.read(input, Dice.of(input));
    const out = reading instanceof Promise ? await reading : reading;
    if (out !== undefined && Buffer.compare(out, given) !== 0) {
      throw new Finding(parser, seed, given, `accepted, but encodes to other bytes: ${toHex(out.subarray(0, 1024))}`);
    }
    return undefined;
  } catch (e) {
    if (e instanceof Finding) throw e;
    const what = wrong(e, parser, given);
    if (what !== undefined) throw new Finding(parser, seed, given, what, e);
    return e instanceof TacitError ? e.code : "";
  }
}

const held = (): number => {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
};

async function timed(
  parser: Parser,
  input: Uint8Array,
  seed: number,
): Promise<{ code: string | undefined; ms: number; bytes: number }> {
  const before = held();
  const began = performance.now();
  const code = await judge(parser, input, seed);
  return { code, ms: performance.now() - began, bytes: held() - before };
}

/** The least of three readings. Time is the processor's: what else the machine does must not count. */
async function again(parser: Parser, input: Uint8Array, seed: number): Promise<{ ms: number; wall: number; bytes: number }> {
  const least = { ms: Number.POSITIVE_INFINITY, wall: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };
  for (let i = 0; i < 3; i++) {
    const before = process.cpuUsage();
    const { ms: wall, bytes } = await timed(parser, input, seed);
    const { user, system } = process.cpuUsage(before);
    least.ms = Math.min(least.ms, (user + system) / 1000);
    least.wall = Math.min(least.wall, wall);
    least.bytes = Math.min(least.bytes, bytes);
  }
  return least;
}

/** Stacks of a million refusals would take most of the time. */
async function withoutStacks<T>(work: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  Reflect.deleteProperty(Error, "stackTraceLimit");
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Reads `inputs` inputs made from `seed`. @throws Finding with the seed and the input */
export async function fuzz(parser: Parser, inputs: number, seed: number): Promise<Tally> {
  try {
    return await withoutStacks(() => feed(parser, inputs, seed));
  } finally {
    await parser.close?.();
  }
}

async function feed(parser: Parser, inputs: number, seed: number): Promise<Tally> {
  const dice = new Dice(seed);
  const refused = new Map<string, number>();
  let [accepted, slowest] = [0, 0];
  const began = performance.now();
  // The first readings compile and load: they are no measure.
  for (const s of parser.seeds.slice(0, 20)) await judge(parser, s, seed);
  for (let i = 0; i < inputs; i++) {
    const input = nextInput(parser, dice);
    const { code, ms, bytes } = await timed(parser, input, seed);
    const most = (parser.memory ?? BESIDES) + PER_BYTE * input.length;
    if (ms > SLOW || bytes > most) {
      const least = await again(parser, input, seed);
      slowest = Math.max(slowest, least.ms);
      if (least.wall > HANGS)
        throw new Finding(parser, seed, input, `took ${least.wall.toFixed(0)} ms three times, mostly waiting`);
      if (least.ms > SLOW + input.length / 1000)
        throw new Finding(parser, seed, input, `took ${least.ms.toFixed(0)} ms three times`);
      if (least.bytes > most) throw new Finding(parser, seed, input, `took ${least.bytes} bytes three times`);
    }
    if (code === undefined) accepted++;
    else refused.set(code, (refused.get(code) ?? 0) + 1);
  }
  return { parser: parser.name, inputs, accepted, refused, seconds: (performance.now() - began) / 1000, slowest };
}

/** Every valid example is accepted: a fuzzer whose examples are refused tests nothing. */
export async function checkSeeds(parser: Parser): Promise<void> {
  try {
    for (const s of parser.seeds) {
      const code = await judge(parser, s);
      if (code !== undefined) throw new Finding(parser, 0, s, `a valid example was refused with ${code}`);
    }
  } finally {
    await parser.close?.();
  }
}

export function showTally(t: Tally): string {
  const codes = [...t.refused].sort((a, b) => b[1] - a[1]).map(([code, n]) => `${code} ${n}`);
  return `${t.parser.padEnd(28)} ${String(t.inputs).padStart(8)} ${String(t.accepted).padStart(8)} ${t.seconds.toFixed(1).padStart(7)}  ${codes.join(", ")}`;
}
export const TABLE_HEAD: string = `${"parser".padEnd(28)} ${"inputs".padStart(8)} ${"accepted".padStart(8)} ${"seconds".padStart(7)}  refused by code`;
