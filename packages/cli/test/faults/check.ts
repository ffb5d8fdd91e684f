/** @file What holds after every cell, whatever the fault: no share in a file, no part given away, no process, no port. */
import type { Rig } from "./rig.ts";

const WORD = 8;
const firstOf = (b: Uint8Array, at: number): number => b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16);

/** Looks for any of many words of 8 bytes in one pass: all shares of a long run in all that it wrote. */
export class Words {
  readonly #words = new Set<string>();
  /** A bit for each three bytes with which a word begins: one place in a thousand of a file has to be looked at closer. */
  readonly #begins = new Uint8Array(2 ** 21);

  /** Every aligned 8 bytes of the shares that a provider made: 32-byte keys of components, and a component's words. */
  add(payload: Uint8Array): void {
    const bytes = Buffer.from(payload);
    for (let at = 0; at + WORD <= bytes.length; at += WORD) {
      const key = firstOf(bytes, at);
      this.#begins[key >> 3]! |= 1 << (key & 7);
      this.#words.add(bytes.toString("latin1", at, at + WORD));
    }
  }

  /** As they are, or in hexadecimal of either case, at any place. */
  standIn(bytes: Buffer): boolean {
    if (this.#plainIn(bytes)) return true;
    const runs = bytes.toString("latin1").match(/[0-9a-fA-F]{16,}/g) ?? [];
    return runs.some((run) => [0, 1].some((from) => this.#plainIn(Buffer.from(run.slice(from), "hex"))));
  }

  #plainIn(bytes: Buffer): boolean {
    for (let at = 0; at + WORD <= bytes.length; at++) {
      const key = firstOf(bytes, at);
      if ((this.#begins[key >> 3]! >> (key & 7)) & 1 && this.#words.has(bytes.toString("latin1", at, at + WORD))) return true;
    }
    return false;
  }
}

/** Files and logs in which a component's bytes stand, as they are or in hexadecimal. */
export function sharesFound(rig: Rig, payloads: readonly Uint8Array[], logs: readonly string[]): string[] {
  const words = new Words();
  for (const p of payloads) words.add(p);
  const files = [...rig.files(), ...logs.map((text, i) => ({ name: `log ${i}`, bytes: Buffer.from(text) }))];
  return files.flatMap(({ name, bytes }) => (words.standIn(bytes) ? [`a share stands in ${name}`] : []));
}

/** Lines of the transcripts that say that a part was given to somebody, by party. */
export function disclosures(rig: Rig): number[] {
  const count = new Map<string, number>();
  for (const { name, bytes } of rig.files()) {
    if (!name.endsWith(".transcript")) continue;
    const party = /clinic-[abc]/.exec(name)?.[0] ?? "";
    const n = bytes.toString().split('"event":"reveal"').length - 1;
    count.set(party, n + (count.get(party) ?? 0));
  }
  return ["clinic-a", "clinic-b", "clinic-c"].map((p) => count.get(p) ?? 0);
}
