/** @file The published build of a package: ESM and declarations, one file per source file, an entry per line of `exports`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type UserConfig } from "tsdown";

/** The parts of a package.json that a build reads. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly publishConfig?: {
    readonly exports?: Readonly<Record<string, string>>;
    readonly bin?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export const readManifest = (directory: string): Manifest =>
  JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Manifest;

/** Where the build puts a source file: `./src/a/b.ts` becomes `./dist/a/b.js`; other paths stay. */
export const builtPath = (path: string): string => path.replace(/^\.\/src\/(.*)\.ts$/, "./dist/$1.js");

/** `./dist` paths for what a published package exports (or has as commands). */
export const builtPaths = (paths: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, builtPath(path)]));

/**
 * The configuration of tsdown for a package. Files keep their place under `dist`, so that `new URL("../build/x.wasm",
 * import.meta.url)` and the entry of a child process are where the sources see them.
 * @param directory the package's directory (`import.meta.dirname` of its tsdown.config.ts)
 */
export function packageBuild(
  directory: string,
  options: { readonly platform: "node" | "neutral"; readonly also?: readonly string[] },
): UserConfig {
  const { exports = {}, bin = {} } = readManifest(directory);
  const sources = [...Object.values(exports), ...Object.values(bin), ...(options.also ?? [])].filter((p) => p.endsWith(".ts"));
  return defineConfig({
    cwd: directory,
    entry: [...new Set(sources)],
    unbundle: true,
    platform: options.platform,
    target: options.platform === "node" ? "node24" : "es2024",
    fixedExtension: false,
    deps: { neverBundle: [/^node:/] },
    dts: true,
    sourcemap: false,
    logLevel: "warn",
  });
}
