/** @file Key files under a passphrase, and what a stranger's or a damaged key file does. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { toHex } from "../../src/identity/encoding.ts";
import { Identity } from "../../src/identity/identity.ts";
import { readKeyFile, writeKeyFile } from "../../src/identity/key-file.ts";
import { parseKeyFile } from "../../src/identity/key-text.ts";
import { parsePublic, publicEntry } from "../../src/session/public-file.ts";
import { codeOf, errorOf } from "../support.ts";

const directory = mkdtempSync(join(tmpdir(), "tacit-keys-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const path = (name: string): string => join(directory, name);
const PASS = "correct horse battery";

const identity = await Identity.generate("clinic-a");
await writeKeyFile(path("sealed.key"), identity, { passphrase: PASS });
const text = readFileSync(path("sealed.key"), "utf8");
const open = await identity.exportPrivate();
const sealed = JSON.parse(text) as Record<string, unknown> & { kdf: Record<string, unknown>; sealed: string };

const written = (name: string, json: unknown): string => {
  writeFileSync(path(name), typeof json === "string" ? json : JSON.stringify(json), { mode: 0o600 });
  return path(name);
};

describe("a key file under a passphrase", () => {
  it("gives the identity back to who knows it, and holds no private key", async () => {
    expect(statSync(path("sealed.key")).mode & 0o777).toBe(0o600);
    const again = await readKeyFile(path("sealed.key"), () => Promise.resolve(PASS));
    expect(again.public).toEqual(identity.public);
    const secret = await identity.exportPrivate();
    expect(await again.exportPrivate()).toEqual(secret);
    for (const key of [secret.sign.private, secret.seal.private]) expect(text).not.toContain(key.slice(-32));
  });

  it("is refused with another passphrase, without one, and with one that is empty", async () => {
    expect(await codeOf(() => readKeyFile(path("sealed.key"), "correct horse batterz"))).toBe("KEY_PASSPHRASE");
    expect(await codeOf(() => readKeyFile(path("sealed.key")))).toBe("KEY_PASSPHRASE");
    expect(await codeOf(() => readKeyFile(path("sealed.key"), ""))).toBe("KEY_PASSPHRASE");
    const e = await errorOf(() => readKeyFile(path("sealed.key"), "hunter2-hunter2"));
    expect(`${e.message} ${String(e.stack)}`).not.toContain("hunter2");
  });

  it("does not open once its name, its salt or a byte of it is another's", async () => {
    const flip = (hex: unknown): string => `${String(hex).startsWith("0") ? "1" : "0"}${String(hex).slice(1)}`;
    const changed = [
      { ...sealed, name: "clinic-b" },
      { ...sealed, sealed: flip(sealed.sealed) },
      { ...sealed, kdf: { ...sealed.kdf, salt: flip(sealed.kdf.salt) } },
    ];
    for (const [i, json] of changed.entries()) {
      expect(await codeOf(() => readKeyFile(written(`changed-${i}.key`, json), PASS))).toBe("KEY_PASSPHRASE");
    }
  });

  it("asks for no more memory than version 1 states, whatever stands in the file", async () => {
    for (const kdf of [{ n: 2 ** 30 }, { n: 2 ** 10 }, { r: 1024 }, { p: 2 ** 20 }, { name: "none" }]) {
      const began = performance.now();
      const file = written("greedy.key", { ...sealed, kdf: { ...sealed.kdf, ...kdf } });
      expect(await codeOf(() => readKeyFile(file, PASS))).toBe("KEY_FILE");
      expect(performance.now() - began).toBeLessThan(100);
    }
  });

  it("is not made with a passphrase that is soon found", async () => {
    expect(await codeOf(() => writeKeyFile(path("short.key"), identity, { passphrase: "1234567" }))).toBe("KEY_PASSPHRASE");
    expect(existsSync(path("short.key"))).toBe(false);
  });
});

describe("writing a key file", () => {
  it("never replaces a file but by force, and leaves no part of one", async () => {
    const own = mkdtempSync(path("write-"));
    const file = join(own, "a.key");
    await writeKeyFile(file, identity);
    const before = readFileSync(file, "utf8");
    const other = await Identity.generate("other");
    expect(await codeOf(() => writeKeyFile(file, other))).toBe("KEY_FILE");
    expect(readFileSync(file, "utf8")).toBe(before);
    await writeKeyFile(file, other, { force: true });
    expect((await readKeyFile(file)).name).toBe("other");
    expect(await codeOf(() => writeKeyFile(join(own, "none/a.key"), other))).toBe("KEY_FILE");
    mkdirSync(join(own, "directory.key"));
    expect(await codeOf(() => writeKeyFile(join(own, "directory.key"), other, { force: true }))).toBe("KEY_FILE");
    expect(readdirSync(own).sort()).toEqual(["a.key", "directory.key"]);
  });

  it("lets one of many writers win", async () => {
    const file = path("race.key");
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => writeKeyFile(file, identity)));
    expect(all.filter((r) => r.status === "fulfilled")).toHaveLength(1);
    expect((await readKeyFile(file)).public).toEqual(identity.public);
  });
});

describe("the parsers of key files and public files", () => {
  const entry = publicEntry({ identity: identity.public, reached: { address: "a.example:7001", client: "[::1]:7002" } });
  const CODES = ["KEY_FILE", "IDENTITY_INVALID", "ENCODING_INVALID"];

  it("read what was written", () => {
    expect(parseKeyFile(text)).toEqual({ sealed });
    expect(parseKeyFile(JSON.stringify(open))).toEqual({ open });
    expect(parsePublic(JSON.stringify(entry))).toEqual({
      identity: identity.public,
      reached: { address: "a.example:7001", client: "[::1]:7002" },
    });
  });

  it("refuse one field less, one more, or one of another kind", async () => {
    for (const key of Object.keys(sealed)) {
      expect(CODES).toContain(await codeOf(() => parseKeyFile(JSON.stringify({ ...sealed, [key]: undefined }))));
      for (const bad of [null, 2, [], {}, "X", "0".repeat(20_000)]) {
        expect(CODES).toContain(await codeOf(() => parseKeyFile(JSON.stringify({ ...sealed, [key]: bad }))));
      }
    }
    expect(await codeOf(() => parseKeyFile(JSON.stringify({ ...sealed, more: 1 })))).toBe("KEY_FILE");
    expect(await codeOf(() => parseKeyFile(JSON.stringify({ ...open, more: 1 })))).toBe("KEY_FILE");
    expect(await codeOf(() => parsePublic(JSON.stringify(open)))).not.toBe("undefined");
    for (const bad of [
      { address: "a:0" },
      { client: "a:65536" },
      { client: undefined },
      { name: "A" },
      { sign: toHex(new Uint8Array(31)) },
    ])
      expect(CODES).toContain(await codeOf(() => parsePublic(JSON.stringify({ ...entry, ...bad }))));
  });

  it("end in a code for any text and any damage", () => {
    const parses = (input: string): void => {
      for (const parse of [parseKeyFile, parsePublic]) {
        try {
          parse(input);
        } catch (e) {
          if (!CODES.includes(String((e as { code?: string }).code))) throw e;
        }
      }
    };
    const damage = fc.record({
      of: fc.constantFrom(text, JSON.stringify(open), JSON.stringify(entry)),
      at: fc.nat(1600),
      put: fc.string({ maxLength: 4 }),
      cut: fc.nat(8),
    });
    fc.assert(fc.property(fc.oneof(fc.string({ maxLength: 400 }), fc.json()), parses), { numRuns: 500 });
    fc.assert(
      fc.property(damage, ({ of, at, put, cut }) => parses(of.slice(0, at) + put + of.slice(at + cut))),
      { numRuns: 1500 },
    );
    parses("[".repeat(100_000));
  });
});
