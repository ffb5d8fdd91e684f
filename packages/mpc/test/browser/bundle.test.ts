/** @file What a page loads: @tacit/mpc/browser bundled for a browser, without Node. */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Plugin } from "vite";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const entry = fileURLToPath(new URL("../../src/browser/index.ts", import.meta.url));
/** Measured 135 kB (2026-11-29), most of it the tensors; a page that grows past this has taken in something that it does not need. */
const MOST_GZIPPED = 140_000;

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

interface Chunk {
  readonly name: string;
  readonly text: string;
  readonly modules: readonly string[];
  /** Chunks that load with it. */
  readonly imports: readonly string[];
}

async function bundle(reached: Set<string>): Promise<ReadonlyMap<string, Chunk>> {
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
  const chunks = outputs.flatMap((o): Chunk[] =>
    o.type === "chunk" ? [{ name: o.fileName, text: o.code, modules: Object.keys(o.modules), imports: o.imports }] : [],
  );
  return new Map(chunks.map((c) => [c.name, c]));
}

/** The entry's chunk and all that loads with it. */
function first(chunks: ReadonlyMap<string, Chunk>): Chunk[] {
  const names = [[...chunks.keys()].find((n) => n.startsWith("assets/index-"))!];
  for (const n of names) names.push(...chunks.get(n)!.imports.filter((i) => !names.includes(i)));
  return names.map((n) => chunks.get(n)!);
}

describe("@tacit/mpc/browser", () => {
  it("imports nothing of Node, and stays small", async () => {
    const reached = new Set<string>();
    const chunks = await bundle(reached);
    expect(reached.size).toBeGreaterThan(200);
    const foreign = /^node:|browser-external|node_modules\/(ws|@peculiar|reflect-metadata)\//;
    expect([...reached].filter((m) => foreign.test(m))).toEqual([]);
    const loaded = first(chunks);
    const size = loaded.reduce((n, c) => n + gzipSync(c.text).length, 0);
    process.stdout.write(`@tacit/mpc/browser: ${(size / 1e3).toFixed(1)} kB gzipped, in ${loaded.length} chunks\n`);
    expect(size).toBeLessThan(MOST_GZIPPED);
    // What parties run comes with an estimate, a passphrase's key derivation with a sealed key file.
    const later = /replicated3\/(party|cost|dry|primitives\/sign|lower\/softmax)\.ts$|@noble\/hashes\/scrypt/;
    expect(loaded.flatMap((c) => c.modules).filter((m) => later.test(m))).toEqual([]);
  });
});
