/** @file Generates sources and compiles the WebAssembly modules that are not fresh. Usage: node build.ts [module...] */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Build, MODULES, type ModuleRow } from "./modules-list.ts";

const here = dirname(fileURLToPath(import.meta.url));
const packageRoot = dirname(here);
const root = dirname(dirname(packageRoot));
const out = join(packageRoot, "build");

/** What a scripts/generate-*.ts returns: `path` from packages/kernels. */
interface Generated {
  readonly path: string;
  readonly text: string;
}
interface Job {
  readonly row: ModuleRow;
  readonly build: Build;
  readonly hash: string;
}

// The compiler processes that run at once: two cores are what a continuous-integration machine has.
const PROCESSES = 2;

function asc(): { readonly path: string; readonly version: string } {
  const folder = join(root, "node_modules/assemblyscript");
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  return { path: join(folder, "bin/asc.js"), version };
}

/** Compiler options of one build. Shared memory must declare its largest size: 65,535 pages, 64 KiB short of 4 GiB. */
function options(build: Build): string[] {
  const features = build.endsWith("relaxed") ? "simd,threads,relaxed-simd" : "simd,threads";
  const shared = build.startsWith("shared") ? ["--sharedMemory"] : [];
  const memory = ["--importMemory", "--initialMemory", "1", "--maximumMemory", "65535", ...shared];
  const defines = build.startsWith("shared") ? ["--use", "SHARED_MEMORY=1"] : ["--use", "SHARED_MEMORY=0"];
  // Warning 112: v128 in a signature, which only matters at the boundary to JavaScript.
  return ["-O3", "--noAssert", "--runtime", "stub", "--disableWarning", "112", "--enable", features, ...memory, ...defines];
}

function files(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name))
    .sort();
}

function hashFiles(paths: readonly string[], extra: string): string {
  const h = createHash("sha256").update(extra);
  for (const p of paths.flatMap(files)) h.update(`\0${relative(root, p)}\0`).update(readFileSync(p));
  return h.digest("hex");
}

function readIfExists(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** Renaming is atomic: two builds at once in one tree only do the same work twice. */
function writeAtomically(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

/** Runs scripts/generate-*.ts when any script changed or a file they wrote is missing. */
async function generate(): Promise<void> {
  const scripts = files(here).filter((p) => p.endsWith(".ts") && !/bench/.test(p));
  const stamp = join(out, "generated.hash");
  const hash = hashFiles(scripts, "generate");
  const [known, ...written] = readIfExists(stamp).split("\n");
  if (known === hash && written.every((p) => existsSync(join(packageRoot, p)))) return;
  const paths: string[] = [];
  for (const script of scripts.filter((p) => /generate-[^/\\]*\.ts$/.test(p))) {
    const { generate } = (await import(pathToFileURL(script).href)) as { generate(): Generated[] };
    for (const { path, text } of generate()) {
      const target = join(packageRoot, path);
      if (readIfExists(target) !== text) writeAtomically(target, text);
      paths.push(path);
    }
  }
  writeAtomically(stamp, [hash, ...paths].join("\n"));
}

function jobs(only: readonly string[], version: string): Job[] {
  const all: Job[] = [];
  for (const row of MODULES) {
    if (only.length > 0 && !only.includes(row.name)) continue;
    if (!existsSync(join(root, row.entry))) continue;
    for (const build of row.builds) {
      const hash = hashFiles(
        row.sources.map((s) => join(root, s)),
        `${version} ${options(build).join(" ")}`,
      );
      const target = join(out, `${row.name}.${build}`);
      if (existsSync(`${target}.wasm`) && readIfExists(`${target}.hash`) === hash) continue;
      all.push({ row, build, hash });
    }
  }
  return all;
}

function compile(compiler: string, job: Job): Promise<void> {
  const target = join(out, `${job.row.name}.${job.build}`);
  const temporary = `${target}.${process.pid}.tmp`;
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const args = [compiler, job.row.entry, ...options(job.build), "-o", temporary];
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", reject);
    child.on("exit", (code) => {
      if (code !== 0) return reject(new Error(`build: ${job.row.name}.${job.build}: asc ended with exit code ${code}`));
      renameSync(temporary, `${target}.wasm`);
      writeAtomically(`${target}.hash`, job.hash);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      process.stderr.write(`built ${job.row.name}.${job.build} ${statSync(`${target}.wasm`).size} bytes ${seconds} s\n`);
      resolve();
    });
  });
}

async function main(only: readonly string[]): Promise<void> {
  mkdirSync(out, { recursive: true });
  await generate();
  const compiler = asc();
  const queue = jobs(only, compiler.version);
  if (only.length === 0 && queue.length > 0) process.stderr.write("building kernels (once, about a minute)\n");
  const worker = async (): Promise<void> => {
    for (let job = queue.shift(); job; job = queue.shift()) await compile(compiler.path, job);
  };
  await Promise.all(Array.from({ length: PROCESSES }, worker));
}

await main(process.argv.slice(2)).catch((e: unknown) => {
  process.stderr.write(`${e instanceof Error ? e.message : String(e)}\n`);
  process.exitCode = 1;
});
