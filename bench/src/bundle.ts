/** @file The size of `@tacit/core` with kernels: minified browser bundles, gzipped, with the builds of the f32 kernels beside them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { makeRow, type Row } from "./rows.ts";

const root = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const gzipped = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).byteLength;

/** Everything that `@tacit/core` exports, and the README's ten lines (examples/first-model.ts): what a page that trains needs of it. */
const WHOLE = "packages/core/src/index.ts";
const TEN_LINES = "examples/first-model.ts";

/** Gzipped bytes of all chunks of a bundle. */
async function javascript(entry: string): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), "tacit-bundle-"));
  try {
    const bundle = await rolldown({
      input: root(entry),
      platform: "browser",
      external: [/^node:/],
      logLevel: "silent",
    });
    const { output } = await bundle.write({ dir, format: "esm", minify: true });
    await bundle.close();
    return output.reduce((n, o) => n + (o.type === "chunk" ? gzipped(Buffer.from(o.code)) : 0), 0);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Gzipped bytes of each WASM build that the JavaScript may load. */
function builds(): number[] {
  const build = root("packages/kernels/build");
  return readdirSync(build)
    .filter((f) => /^f32\..*\.wasm$/.test(f))
    .map((f) => gzipped(readFileSync(join(build, f))));
}

/** A row in KB of 1000 bytes: the JavaScript of `entry` and as many bytes of the kernels builds as `count` makes of theirs. */
async function bundleRow(name: string, entry: string, count: (builds: readonly number[]) => number): Promise<Row> {
  const value = ((await javascript(entry)) + count(builds())) / 1000;
  return makeRow({ name, unit: "KB gzipped", better: "lower", runs: 1, target: 120 }, [{ value }], new Map());
}

const largest = (sizes: readonly number[]): number => Math.max(...sizes);

/** The row `bundle-core`: all of core and the one kernels build that a page loads (the largest of the four). */
export const bundleCore = (): Promise<Row> => bundleRow("bundle-core", WHOLE, largest);

/** The row `bundle-ten-lines`: what is left of core for a page that trains the README's model, and one kernels build. */
export const bundleTenLines = (): Promise<Row> => bundleRow("bundle-ten-lines", TEN_LINES, largest);

/** The row `bundle-core-all-builds`: all of core and all four builds, of which a page loads one. */
export const bundleAllBuilds = (): Promise<Row> =>
  bundleRow("bundle-core-all-builds", WHOLE, (sizes) => sizes.reduce((sum, bytes) => sum + bytes, 0));
