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

/** A row in KB of 1000 bytes: the JavaScript and as many bytes of the kernels builds as `count` makes of theirs. */
async function bundleRow(name: string, count: (builds: readonly number[]) => number): Promise<Row> {
  const { javascript, wasm } = await bundleSizes();
  const value = (javascript + count(Object.values(wasm))) / 1000;
  return makeRow({ name, unit: "KB gzipped", better: "lower", runs: 1, target: 120 }, [{ value }], new Map());
}

/** The row `bundle-core`: what a page loads, the JavaScript and one kernels build (the largest of the four). */
export const bundleCore = (): Promise<Row> => bundleRow("bundle-core", (builds) => Math.max(...builds));

/** The row `bundle-core-all-builds`: the JavaScript and all four builds, of which a page loads one. */
export const bundleAllBuilds = (): Promise<Row> =>
  bundleRow("bundle-core-all-builds", (builds) => builds.reduce((sum, bytes) => sum + bytes, 0));
