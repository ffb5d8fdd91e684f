/** @file No secret in errors, transcripts, files, or what is printed. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";
import { replicated3 } from "../../src/protocols/replicated3/index.ts";
import { type InProcess, inProcess } from "../in-process.ts";
import { plain3 } from "../plain3.ts";
import { errorOf } from "../support.ts";

const open: InProcess[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(open.splice(0).map((x) => x.stop()));
});

/** A number whose decimal digits, fixed-point word and f32 bytes would be recognised anywhere. */
const CANARY = 13337.46875;
const WORD = BigInt(CANARY * 65536);
const bytesOf = (a: ArrayBufferLike): string => Buffer.from(a).toString("hex");
const SIGNS = [
  "13337.4",
  String(WORD),
  WORD.toString(16),
  bytesOf(BigUint64Array.of(WORD).buffer),
  bytesOf(Float32Array.of(CANARY).buffer),
];

function holdsSecret(text: string, keys: readonly string[]): string[] {
  return [...SIGNS, ...keys].filter((sign) => text.includes(sign));
}

describe("secrets", () => {
  it.each([plain3, replicated3])("of $name stand in no error, log, transcript, file, toString or inspect", async (protocol) => {
    const logged: string[] = [];
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, "write").mockImplementation((chunk) => {
        logged.push(String(chunk));
        return true;
      });
    }
    const p = await inProcess({ protocol: protocol.name, limits: { memory: 2 ** 24 } }, protocol);
    open.push(p);
    const identities = [...p.world.parties, ...p.world.people.values()];
    const privates = await Promise.all(identities.map((i) => i.exportPrivate()));
    const keys = privates.flatMap((k) => [k.sign.private.slice(-64), k.seal.private.slice(-64)]);
    const runKeys = p.meshes.flatMap((m, i) =>
      [0, 1, 2].filter((w) => w === i || w === (i + 1) % 3).map((w) => m.keys.runKey(w, 0, 1)),
    );
    keys.push(...runKeys.map((k) => Buffer.from(k).toString("hex")));
    const session = await p.open();
    const x = session.input("x", Float32Array.of(CANARY, 1), { owner: "data-owner" });
    const y = x.add(0);
    expect([...(await y.reveal({ to: "data-owner", why: "check" }))][0]).toBe(CANARY);
    const shown = [session, p.parties, p.meshes, x, y, p.world].map((v) =>
      inspect(v, { depth: 12, showHidden: true, maxArrayLength: null }),
    );
    const errors = [
      await errorOf(() => y.data()),
      await errorOf(() => session.input("x", Float32Array.of(CANARY)).add(1).realize()),
      await errorOf(() =>
        session
          .input("z", Float32Array.of(CANARY * 1e20))
          .add(1)
          .realize(),
      ),
      await errorOf(() => x.matmul(session.input("w", Float32Array.of(CANARY, CANARY, CANARY)))),
    ];
    shown.push(...errors.map((e) => inspect(e, { depth: 12 }) + e.stack), ...(await session.transcript()).flat());
    shown.push(String(session), String(x), String(y), JSON.stringify(session.cost()));
    await session.close();
    await Promise.all(p.parties.map((q) => q.ended));
    for (const d of p.directories) for (const f of readdirSync(d)) shown.push(readFileSync(join(d, f), "latin1"));
    for (const text of [...shown, ...logged]) expect(holdsSecret(text, keys)).toEqual([]);
    expect(holdsSecret(`x ${CANARY}`, keys)).toEqual(["13337.4"]);
  });
});
