/** @file Keys in a real browser: made, kept, used and never read; key files of tacit keygen; what the platform lacks is named. */
import { afterEach, describe, expect, it } from "vitest";
import {
  checkBrowser,
  forgetIdentity,
  Identity,
  importKeyFile,
  keepIdentity,
  keptIdentity,
  keptNames,
  ownIdentity,
  parsePublic,
  publicFile,
} from "../../src/browser/index.ts";
import { verify } from "../../src/identity/identity.ts";
import { sealerTo } from "../../src/identity/seal.ts";

/** What tacit keygen wrote in Node, under the passphrase below. */
const PASS = "correct horse battery";
const SEALED = {
  tacit: "sealed-identity",
  version: 1,
  name: "old-key",
  sign: "8d65ac5b2307064fb77f471f4ed7735eb11a01ff376aa680592b8071917ca725",
  seal: "bda4ee0458f5ba5e8cb207566ea28a434315d883516bd3374bf654b49c85991e",
  kdf: { name: "scrypt", n: 131072, r: 8, p: 1, salt: "60b00ad4acf107623288c8a9ec6bf0ae" },
  cipher: "aes-256-gcm",
  nonce: "a075ff183885fd172cf45574",
  sealed: [
    "46d9d5cccbee2b6ecb15ab539ff16e60982767ade95c34efbc5344ee67f3a65ab4b2d823680a670617e3fbf55b4e2e8d8b4ed40703c803",
    "7bbd90d88de600fb6fe926571beb9c29094f0147321105a463f857e935ab8fb910399b446df28fa1b2698ca013fdb6a79b43aeeee46d8d",
    "772236e3abf3c2dc746fcef8fce46c9b6b507600441cb0ccf1d9f16f4863bedc0b8b52c1ed750b3799bf26d6f91d62afa6dfa373c7bab1",
    "737e0399a37099db62bfbee310c9f85dff4967c27b3153f36ba03e697a8fd12203a5f5630c2432560a098a3fe100604f7aa6a0c8dafb30",
    "fd0efff00beec174e7cbe38fa5a7a5f19e55d869c65b61358dd4a42a24323d3585cb52b711ae9c2ef948084c1557d9a8d1792c9b70df73",
    "60e2adba0480aff737d6c5c026bee90c95b3d7701016204a793a3093d1c0407c46f2ad8ebd617d4d82f6c098089eb17690e2a13c0b8fe4",
    "a0cbcb0fafb7721220f8fdbac6dc506a8f55bee4bdcd0ad30bc41887e06e235bfbf186859f52a0248bb38a16ac2a8596c7ba16006b5a01",
    "4bc6e24d50b15f2853c48c5e7454db021e8cc1a1ef8ad0ecb29980d143da3653425f55f143f457feccc82913d11c1c1077445051d78565",
    "9934aa9be65de7922f2792961a",
  ].join(""),
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "none",
    (e: unknown) => (e as { code?: string }).code,
  );

afterEach(async () => {
  for (const name of await keptNames()) await forgetIdentity(name);
});

describe("an identity in a browser", () => {
  it("is made once, comes back in the next tab, and can be used but not read", async () => {
    const first = await ownIdentity("driver");
    const again = await ownIdentity("driver");
    expect(again.public).toEqual(first.public);
    expect(await keptNames()).toEqual(["driver"]);
    await expect(again.exportPrivate()).rejects.toThrow();
    await expect(again.exportSigningKey()).rejects.toThrow();
    expect(await verify(first.public, "grant", bytes("x"), await again.sign("grant", bytes("x")))).toBe(true);
    const sealer = await sealerTo(first.public.seal, bytes("input"));
    const sealed = await sealer.seal(bytes("one"), bytes("0"));
    const opener = await again.opener(sealer.encapsulated, bytes("input"));
    expect(new TextDecoder().decode(await opener.open(sealed, bytes("0")))).toBe("one");
    expect(parsePublic(publicFile(again)).identity).toEqual(first.public);
  });

  it("made by two tabs at once is one", async () => {
    const [a, b] = await Promise.all([ownIdentity("driver"), ownIdentity("driver")]);
    expect(a.public).toEqual(b.public);
  });

  it("is never overwritten, and gone once it is forgotten", async () => {
    await keepIdentity(await Identity.generate("owner", { extractable: false }));
    expect(await codeOf(keepIdentity(await Identity.generate("owner", { extractable: false })))).toBe("KEY_FILE");
    await forgetIdentity("owner");
    expect(await keptIdentity("owner")).toBeUndefined();
  });

  it("comes from a key file that Node sealed, with its passphrase alone, and cannot be read from then on", async () => {
    const text = JSON.stringify(SEALED);
    const identity = await importKeyFile(text, PASS);
    expect(identity.name).toBe("old-key");
    await expect(identity.exportPrivate()).rejects.toThrow();
    await keepIdentity(identity);
    expect((await keptIdentity("old-key"))!.public).toEqual(identity.public);
    expect(await codeOf(importKeyFile(text, "another passphrase"))).toBe("KEY_PASSPHRASE");
    expect(await codeOf(importKeyFile("{}"))).toBe("KEY_FILE");
  });

  it("is refused where WebCrypto lacks a curve, by the name of what is missing", async () => {
    await checkBrowser();
    const real = crypto.subtle.generateKey.bind(crypto.subtle);
    const lacking = (...args: Parameters<typeof real>): ReturnType<typeof real> =>
      args[0] === "X25519" ? Promise.reject(new DOMException("no", "NotSupportedError")) : real(...args);
    Object.defineProperty(crypto.subtle, "generateKey", { value: lacking, configurable: true });
    try {
      await expect(ownIdentity("driver")).rejects.toMatchObject({
        code: "BROWSER_MISSING",
        message: expect.stringContaining("X25519") as string,
      });
    } finally {
      Reflect.deleteProperty(crypto.subtle, "generateKey");
    }
  });
});
