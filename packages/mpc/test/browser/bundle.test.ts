/** @file What a page loads: @tacit/mpc/browser bundled for a browser, without Node. */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Plugin } from "vite";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const entry = fileURLToPath(new URL("../../src/browser/index.ts", import.meta.url));
/** Measured 140 kB; a page that grows past this has taken in something that it does not need. */
const MOST_GZIPPED = 160_000;

/** Notes what is reached from the entry by static imports: all of it loads before a page runs. */
function reaching(reached: Set<string>): Plugin {
  return {
    name: "reach",
    buildEnd() {
      const next = [entry];
      for (let id = next.pop(); id !== undefined; id = next.pop()) {
        if (reached.has(id)) continue;
        reached.add(id);
        next.push(...(this.getModuleInfo(id)?.importedIds ?? []));
      }
    },
  };
}

async function bundle(
  reached: Set<string>,
): Promise<{ readonly name: string; readonly text: string; readonly modules: readonly string[] }[]> {
  const built = await build({
    root,
    configFile: false,
    logLevel: "error",
    plugins: [reaching(reached)],
    build: {
      write: false,
      target: "es2024",
      modulePreload: false,
      rolldownOptions: { input: entry, preserveEntrySignatures: "strict" },
    },
  });
  const outputs = [built].flat().flatMap((o) => ("output" in o ? o.output : []));
  return outputs.flatMap((o) =>
    o.type === "chunk" ? [{ name: o.fileName, text: o.code, modules: Object.keys(o.modules) }] : [],
  );
}

describe("@tacit/mpc/browser", () => {
  it("imports nothing of Node, and stays small", async () => {
    const reached = new Set<string>();
    const chunks = await bundle(reached);
    expect(reached.size).toBeGreaterThan(200);
    expect([...reached].filter((m) => /^node:|browser-external|node_modules\/(ws|@peculiar|reflect-metadata)\//.test(m))).toEqual(
      [],
    );
    const size = (name: string): number => gzipSync(chunks.find((c) => c.name.startsWith(name))!.text).length;
    expect(size("assets/index-")).toBeLessThan(MOST_GZIPPED);
    process.stdout.write(`@tacit/mpc/browser: ${(size("assets/index-") / 1e3).toFixed(1)} kB gzipped\n`);
    // A passphrase's key derivation comes only where a key file asks for it.
    expect(chunks.find((c) => c.modules.some((m) => m.includes("@noble/hashes/scrypt")))!.name).not.toMatch(/^assets\/index-/);
  });
});
