/**
 * @file Packs the workspace's packages as they are published: node tools/pack.ts [directory], after npm run build. In the workspace
 * `exports` name the sources; npm does not apply `publishConfig.exports` by itself, so the manifest is rewritten in a copy.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Manifest, readManifest } from "./build-config.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** In the order of their dependencies. */
export const PACKAGES: readonly string[] = ["kernels", "core", "privacy", "mpc", "plot", "vision", "cli"];

/** The manifest that a user receives: no scripts, no development dependencies, `exports` and `bin` as in `publishConfig`. */
export function publishedManifest(manifest: Manifest): Manifest {
  const { publishConfig = {}, scripts: _scripts, devDependencies: _development, ...rest } = manifest;
  const { exports: _exports, bin: _bin, ...settings } = publishConfig as Manifest["publishConfig"] & object;
  return {
    ...rest,
    ...(publishConfig.exports && { exports: publishConfig.exports }),
    ...(publishConfig.bin && { bin: publishConfig.bin }),
    publishConfig: settings,
  };
}

function stage(source: string, target: string): void {
  const manifest = readManifest(source);
  if (!existsSync(join(source, "dist"))) throw new Error(`pack: expected ${manifest.name} to be built, run npm run build`);
  for (const pattern of manifest.files ?? []) {
    for (const path of globSync(pattern, { cwd: source })) {
      mkdirSync(dirname(join(target, path)), { recursive: true });
      cpSync(join(source, path), join(target, path), { recursive: true });
    }
  }
  copyFileSync(join(root, "LICENSE"), join(target, "LICENSE"));
  writeFileSync(join(target, "package.json"), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`);
}

/** Packs every package into `directory`; returns the paths of the archives. */
export function packAll(directory: string): string[] {
  mkdirSync(directory, { recursive: true });
  return PACKAGES.map((name) => {
    const copy = mkdtempSync(join(tmpdir(), `tacit-pack-${name}-`));
    try {
      stage(join(root, "packages", name), copy);
      const said = execFileSync("npm", ["pack", copy, "--pack-destination", directory, "--json", "--ignore-scripts"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
      return join(directory, fileOf(said));
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });
}

/** npm prints a list of packages, or (from version 12 on) an object of them. */
function fileOf(said: string): string {
  const packed = Object.values(JSON.parse(said) as Record<string, { filename: string }>)[0];
  if (packed === undefined) throw new Error("pack: expected npm to name its archive, got nothing");
  return packed.filename.replace("@", "").replace("/", "-");
}

if (import.meta.main) for (const path of packAll(resolve(process.argv[2] ?? "dist"))) process.stdout.write(`${path}\n`);
