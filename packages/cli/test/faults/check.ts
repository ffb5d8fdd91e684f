/** @file What holds after every cell, whatever the fault: no share in a file, no part given away, no process, no port. */
import type { Rig } from "./rig.ts";

/** Every aligned 8 bytes of the shares that a provider made: 32-byte keys of components, and a component's words. */
export function patterns(payloads: readonly Uint8Array[]): Buffer[] {
  return payloads.flatMap((p) => {
    const bytes = Buffer.from(p);
    return Array.from({ length: bytes.length >> 3 }, (_, i) => bytes.subarray(8 * i, 8 * i + 8));
  });
}

/** Files and logs in which a component's bytes stand, as they are or in hexadecimal. */
export function sharesFound(rig: Rig, payloads: readonly Uint8Array[], logs: readonly string[]): string[] {
  const all = patterns(payloads);
  const files = [...rig.files(), ...logs.map((text, i) => ({ name: `log ${i}`, bytes: Buffer.from(text) }))];
  return files.flatMap(({ name, bytes }) =>
    all.some((p) => bytes.includes(p) || bytes.includes(p.toString("hex"))) ? [`a share stands in ${name}`] : [],
  );
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
