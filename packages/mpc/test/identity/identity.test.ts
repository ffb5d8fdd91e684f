/** @file Identities, key files, sealing, certificates. */
import { chmodSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { leafOf } from "../../src/identity/certificate.ts";
import { fromHex, toHex } from "../../src/identity/encoding.ts";
import { fingerprint, Identity, verify } from "../../src/identity/identity.ts";
import { readKeyFile, writeKeyFile } from "../../src/identity/key-file.ts";
import { sealerTo } from "../../src/identity/seal.ts";
import { codeOf, errorOf } from "../support.ts";

const directory = mkdtempSync(join(tmpdir(), "tacit-identity-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("an identity", () => {
  it("signs for one purpose and for no other", async () => {
    const [a, b] = [await Identity.generate("a"), await Identity.generate("b")];
    const signature = await a.sign("grant", bytes("x"));
    expect(await verify(a.public, "grant", bytes("x"), signature)).toBe(true);
    expect(await verify(a.public, "envelope", bytes("x"), signature)).toBe(false);
    expect(await verify(a.public, "grant", bytes("y"), signature)).toBe(false);
    expect(await verify(b.public, "grant", bytes("x"), signature)).toBe(false);
    expect(await verify(a.public, "grant", bytes("x"), signature.subarray(1))).toBe(false);
    expect(await verify({ ...a.public, sign: new Uint8Array(32) }, "grant", bytes("x"), signature)).toBe(false);
  });

  it("survives its key file, which only its owner can read and which is never overwritten", async () => {
    const path = join(directory, "a.key");
    const a = await Identity.generate("hospital-a");
    await writeKeyFile(path, a);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const again = await readKeyFile(path);
    expect(again.public).toEqual(a.public);
    expect(fingerprint(again.public)).toMatch(/^SHA256:[0-9a-f]{32}$/);
    expect(await verify(a.public, "grant", bytes("x"), await again.sign("grant", bytes("x")))).toBe(true);
    expect(await codeOf(() => writeKeyFile(path, a))).toBe("KEY_FILE");
    chmodSync(path, 0o644);
    expect(await codeOf(() => readKeyFile(path))).toBe("KEY_FILE");
    expect(await codeOf(() => readKeyFile(join(directory, "none.key")))).toBe("KEY_FILE");
  });

  it("refuses keys that do not belong together, without showing them", async () => {
    const a = await (await Identity.generate("a")).exportPrivate();
    const b = await (await Identity.generate("b")).exportPrivate();
    for (const bad of [
      { ...a, sign: { ...a.sign, public: b.sign.public } },
      { ...a, seal: { ...a.seal, public: b.seal.public } },
      {},
      null,
    ]) {
      const e = await errorOf(() => Identity.fromPrivate(bad));
      expect(e).toMatchObject({ code: "IDENTITY_INVALID" });
      expect(inspect(e)).not.toContain(a.sign.private.slice(32));
    }
    expect(await codeOf(() => Identity.generate("no spaces"))).toBe("IDENTITY_INVALID");
  });

  it("shows no private key in toString, JSON or inspect", async () => {
    const a = await Identity.generate("a");
    const secret = await a.exportPrivate();
    const shown = [String(a), JSON.stringify(a), inspect(a, { depth: 9, showHidden: true })].join("");
    for (const key of [secret.sign.private, secret.seal.private]) {
      expect(shown).not.toContain(key.slice(-32));
      expect(shown).not.toContain(Buffer.from(fromHex("key", key.slice(-64))).toString("base64"));
    }
  });

  it("opens what was sealed to it, in order, with the same place and purpose, and nothing else", async () => {
    const [a, b] = [await Identity.generate("a"), await Identity.generate("b")];
    const sealer = await sealerTo(a.public.seal, bytes("input"));
    const sealed = [await sealer.seal(bytes("one"), bytes("0")), await sealer.seal(bytes("two"), bytes("1"))];
    const opener = await a.opener(sealer.encapsulated, bytes("input"));
    expect(toHex(await opener.open(sealed[0]!, bytes("0")))).toBe(toHex(bytes("one")));
    expect(await codeOf(() => opener.open(sealed[1]!, bytes("0")))).toBe("SEAL_INVALID");
    const wrong = await a.opener(sealer.encapsulated, bytes("reveal"));
    expect(await codeOf(() => wrong.open(sealed[0]!, bytes("0")))).toBe("SEAL_INVALID");
    const skipped = await a.opener(sealer.encapsulated, bytes("input"));
    expect(await codeOf(() => skipped.open(sealed[1]!, bytes("1")))).toBe("SEAL_INVALID");
    const stranger = await b.opener(sealer.encapsulated, bytes("input"));
    expect(await codeOf(() => stranger.open(sealed[0]!, bytes("0")))).toBe("SEAL_INVALID");
  });

  it("agrees with another on the same secret from both ends", async () => {
    const [a, b] = [await Identity.generate("a"), await Identity.generate("b")];
    expect(await a.agree(b.public)).toEqual(await b.agree(a.public));
  });

  it("makes a TLS leaf on its own key", async () => {
    const leaf = await leafOf(await Identity.generate("a"));
    expect(leaf.cert).toMatch(/^-----BEGIN CERTIFICATE-----/);
    expect(leaf.key).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  });

  it("reads hexadecimal strictly", async () => {
    expect([...fromHex("x", "00ff")]).toEqual([0, 255]);
    for (const bad of ["0", "0G", "AB", 3]) expect(await codeOf(() => fromHex("x", bad))).toBe("ENCODING_INVALID");
    expect(await codeOf(() => fromHex("x", "00", 2))).toBe("ENCODING_INVALID");
  });
});

describe("an identity whose keys cannot be read", () => {
  it("signs, opens and agrees as any other, and does not give its keys away", async () => {
    const a = await Identity.generate("a", { extractable: false });
    const b = await Identity.generate("b");
    expect(await verify(a.public, "grant", bytes("x"), await a.sign("grant", bytes("x")))).toBe(true);
    const sealer = await sealerTo(a.public.seal, bytes("input"));
    const sealed = await sealer.seal(bytes("one"), bytes("0"));
    const opener = await a.opener(sealer.encapsulated, bytes("input"));
    expect(toHex(await opener.open(sealed, bytes("0")))).toBe(toHex(bytes("one")));
    expect(await a.agree(b.public)).toEqual(await b.agree(a.public));
    await expect(a.exportPrivate()).rejects.toThrow();
    await expect(a.exportSigningKey()).rejects.toThrow();
  });

  it("comes back from its handles as it was, and from no others", async () => {
    const a = await Identity.generate("a", { extractable: false });
    const b = await Identity.generate("b", { extractable: false });
    const again = await Identity.fromHandles(a.handles);
    expect(again.public).toEqual(a.public);
    const swapped = { privateKey: a.handles.seal.privateKey, publicKey: b.handles.seal.publicKey };
    for (const bad of [
      { ...a.handles, seal: swapped },
      { ...a.handles, sign: b.handles.seal },
      { ...a.handles, name: "no spaces" },
      {},
    ]) {
      expect(await codeOf(() => Identity.fromHandles(bad))).toBe("IDENTITY_INVALID");
    }
  });

  it("is what a key file's keys become where they must not be read", async () => {
    const a = await Identity.generate("a");
    const sealed = await Identity.fromPrivate(await a.exportPrivate(), { extractable: false });
    expect(sealed.public).toEqual(a.public);
    await expect(sealed.exportPrivate()).rejects.toThrow();
  });
});
