/** @file Parser: what reads bytes of strangers, its valid examples, and the codes with which it may refuse. */
import { readFileSync } from "node:fs";
import { mutateCbor } from "./cbor.ts";
import type { Dice } from "./dice.ts";
import { mutateJson } from "./json.ts";
import { mutateBytes } from "./mutate.ts";

/** What the mutations of structure know of the examples. */
export type Form = "bytes" | "cbor" | "json";

export interface Parser {
  readonly name: string;
  /** Source files under packages/ whose readers of strangers' bytes this one reaches. */
  readonly guards: readonly string[];
  readonly form: Form;
  readonly seeds: readonly Uint8Array[];
  /** The codes of its refusals. */
  readonly codes: readonly string[];
  /** Its inputs for each 10^6 of the others; 1 unless it needs keys, processes or files for each. */
  readonly share?: number;
  /** Bytes that it may take besides what its input is long, where that is more than 1 MB. */
  readonly memory?: number;
  /** Texts that no message may hold. */
  readonly secrets?: readonly string[];
  /**
   * Reads one input. Returns what the value encodes to where one value has one encoding: it must be the input. All else that must hold
   * of an accepted value is asserted here. Choices (where a stream is cut) come from `dice`, which depends on the input alone.
   */
  read(input: Uint8Array, dice: Dice): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** After the last input: ends what listens. */
  close?(): Promise<void>;
}

const STRUCTURE: Readonly<Record<Form, (seed: Uint8Array, dice: Dice, other: Uint8Array) => Uint8Array>> = {
  bytes: mutateBytes,
  cbor: mutateCbor,
  json: mutateJson,
};

/** The next input: mostly a changed example, by bytes or by structure; one in 32 is random. */
export function nextInput({ form, seeds }: Parser, dice: Dice): Uint8Array {
  const kind = dice.below(32);
  if (kind === 0) return dice.bytes(dice.below(64));
  const [seed, other] = [dice.pick(seeds), dice.pick(seeds)];
  if (kind === 1) return seed;
  if (kind < 12) return mutateBytes(seed, dice, other);
  return STRUCTURE[form](seed, dice, other);
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const fileOf = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/** Messages as one input: each behind its length in two bytes. */
export function framed(messages: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(messages.flatMap((m) => [m.length >> 8, m.length & 255, ...m]));
}

/** The inverse; the last message is as long as what is there. At most 64 messages. */
export function unframed(input: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at + 2 <= input.length && messages.length < 64; ) {
    const end = at + 2 + input[at]! * 256 + input[at + 1]!;
    messages.push(input.subarray(at + 2, end));
    at = end;
  }
  return messages;
}

/** What must hold of an accepted value. */
export function holds(that: boolean, what: string): void {
  if (!that) throw new Error(`does not hold: ${what}`);
}

/** What must not be refused, since it was made from what was accepted: a refusal here is a fault too. */
export function succeeds<T>(work: () => T, what: string): T {
  try {
    return work();
  } catch (cause) {
    throw new Error(`does not hold: ${what}`, { cause });
  }
}
