/** @file The size of `@tacit/core` with kernels: one minified browser bundle plus every build of the f32 kernels, gzipped. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { makeRow, type Row } from "./rows.ts";

const root = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const gzipped = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).byteLength;

/** Gzipped bytes of the bundle's JavaScript, and of each WASM build it may load. */
export async function bundleSizes(): Promise<{ javascript: number; wasm: Readonly<Record<string, number>> }> {
  const dir = mkdtempSync(join(tmpdir(), "tacit-bundle-"));
  try {
    const bundle = await rolldown({
      input: root("packages/core/src/index.ts"),
      platform: "browser",
      external: [/^node:/],
      logLevel: "silent",
    });
    const { output } = await bundle.write({ dir, format: "esm", minify: true });
    await bundle.close();
    const javascript = output.reduce((n, o) => n + (o.type === "chunk" ? gzipped(Buffer.from(o.code)) : 0), 0);
    const build = root("packages/kernels/build");
    const wasm: Record<string, number> = {};
    for (const f of readdirSync(build)) if (/^f32\..*\.wasm$/.test(f)) wasm[f] = gzipped(readFileSync(join(build, f)));
    return { javascript, wasm };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The row `bundle-core`, in KB of 1000 bytes: the JavaScript and the one kernels build that a page loads (the largest of the four). */
export async function bundleCore(): Promise<Row> {
  const { javascript, wasm } = await bundleSizes();
  const builds = Object.entries(wasm).map(([name, bytes]) => `${name} ${(bytes / 1000).toFixed(1)}`);
  process.stderr.write(`bench: javascript ${(javascript / 1000).toFixed(1)} KB; ${builds.join(", ")} KB\n`);
  const loaded = javascript + Math.max(...Object.values(wasm));
  return makeRow(
    { name: "bundle-core", unit: "KB gzipped", better: "lower", runs: 1, target: 120 },
    [{ value: loaded / 1000 }],
    new Map(),
  );
}
