/** @file What this machine can run, and the compiled WebAssembly modules that fit it. */
import { KernelError } from "./errors.ts";

/** What the platform offers, found by validating a few bytes of WebAssembly. */
export interface Capabilities {
  readonly simd: boolean;
  readonly relaxedSimd: boolean;
  /** Shared memory can be made and posted to a worker: always in Node, in browsers only when cross-origin isolated. */
  readonly threads: boolean;
  /** Threads that may run at once, as the platform tells (1 if it does not). */
  readonly cores: number;
}

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
// (func (result v128) i32.const 0 i8x16.splat)
const SIMD = [...HEADER, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 10, 8, 1, 6, 0, 0x41, 0, 0xfd, 0x0f, 0x0b];
// (func (param v128 v128 v128) (result v128) local.get 0, 1, 2 f32x4.relaxed_madd), opcode 0xfd 0x105 (LEB128: 85 02)
const RELAXED = [
  ...[...HEADER, 1, 8, 1, 0x60, 3, 0x7b, 0x7b, 0x7b, 1, 0x7b, 3, 2, 1, 0],
  ...[10, 13, 1, 11, 0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfd, 0x85, 0x02, 0x0b],
];
// (memory 1 1 shared)
const SHARED = [...HEADER, 5, 4, 1, 3, 1, 1];

function valid(bytes: readonly number[]): boolean {
  return WebAssembly.validate(new Uint8Array(bytes));
}

function sharedMemoryUsable(): boolean {
  if (typeof SharedArrayBuffer === "undefined" || !valid(SHARED)) return false;
  return (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false;
}

let found: Capabilities | undefined;

/** Looks once; later calls return the same answer. */
export function probe(): Capabilities {
  found ??= {
    simd: valid(SIMD),
    relaxedSimd: valid(RELAXED),
    threads: sharedMemoryUsable(),
    cores: (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator?.hardwareConcurrency ?? 1,
  };
  return found;
}

export type ModuleName = "f32" | "ring" | "replicated3";
export type BuildName = "unshared.simd" | "unshared.relaxed" | "shared.simd" | "shared.relaxed";

// One literal URL per file, so that bundlers see them and ship the files. Exact (ring) modules have no relaxed build.
const FILES: Readonly<Record<ModuleName, Readonly<Partial<Record<BuildName, () => URL>>>>> = {
  f32: {
    "unshared.simd": () => new URL("../build/f32.unshared.simd.wasm", import.meta.url),
    "unshared.relaxed": () => new URL("../build/f32.unshared.relaxed.wasm", import.meta.url),
    "shared.simd": () => new URL("../build/f32.shared.simd.wasm", import.meta.url),
    "shared.relaxed": () => new URL("../build/f32.shared.relaxed.wasm", import.meta.url),
  },
  ring: {
    "unshared.simd": () => new URL("../build/ring.unshared.simd.wasm", import.meta.url),
    "shared.simd": () => new URL("../build/ring.shared.simd.wasm", import.meta.url),
  },
  replicated3: {
    "unshared.simd": () => new URL("../build/replicated3.unshared.simd.wasm", import.meta.url),
    "shared.simd": () => new URL("../build/replicated3.shared.simd.wasm", import.meta.url),
  },
};

export interface LoadOptions {
  /** The build for shared memory (default false). A module of one kind does not link with memory of the other. */
  readonly shared?: boolean;
  /** Relaxed SIMD: "auto" (default) where this machine has it. Ignored by exact modules. */
  readonly relaxed?: boolean | "auto";
}

/** Which build `loadModule` takes: for instance "unshared.relaxed". */
export function buildName(name: ModuleName, options: LoadOptions = {}): BuildName {
  const { shared = false, relaxed = "auto" } = options;
  const wanted = relaxed === "auto" ? probe().relaxedSimd : relaxed;
  const best: BuildName = shared ? "shared.relaxed" : "unshared.relaxed";
  if (wanted && FILES[name][best]) return best;
  return shared ? "shared.simd" : "unshared.simd";
}

const loaded = new Map<string, Promise<WebAssembly.Module>>();

/**
 * The compiled module `name` in the build that fits; each file is read and compiled once.
 * @throws KernelError `KERNEL_NO_SIMD`, `KERNEL_NO_THREADS`, `KERNEL_NO_RELAXED_SIMD`, `KERNEL_NOT_BUILT`.
 */
export function loadModule(name: ModuleName, options: LoadOptions = {}): Promise<WebAssembly.Module> {
  const can = probe();
  if (!can.simd) {
    return Promise.reject(
      new KernelError("KERNEL_NO_SIMD", "kernels: expected WebAssembly SIMD, got none", "use a newer runtime"),
    );
  }
  if (options.shared && !can.threads) {
    const hint = "serve the page with COOP and COEP headers, or use one thread";
    return Promise.reject(new KernelError("KERNEL_NO_THREADS", "kernels: expected SharedArrayBuffer, got none", hint));
  }
  if (options.relaxed === true && !can.relaxedSimd) {
    const hint = "let relaxed be auto";
    return Promise.reject(new KernelError("KERNEL_NO_RELAXED_SIMD", "kernels: expected relaxed SIMD, got none", hint));
  }
  const build = buildName(name, options);
  const key = `${name}.${build}`;
  let module = loaded.get(key);
  if (!module) {
    module = compileFile(key, FILES[name][build]!());
    module.catch(() => loaded.delete(key));
    loaded.set(key, module);
  }
  return module;
}

async function compileFile(key: string, url: URL): Promise<WebAssembly.Module> {
  const bytes = await readBytes(key, url);
  return WebAssembly.compile(bytes).catch(() => {
    throw new KernelError(
      "KERNEL_NOT_BUILT",
      `kernels: expected ${key}.wasm whole, got a damaged file`,
      "run npm run build:kernels",
    );
  });
}

async function readBytes(key: string, url: URL): Promise<BufferSource> {
  const missing = (): KernelError =>
    new KernelError("KERNEL_NOT_BUILT", `kernels: expected the file ${key}.wasm, got none`, "run npm run build:kernels");
  if (url.protocol === "file:") {
    // A dynamic import, kept from bundlers' sight, so that the browser build does not contain it.
    const fs = (await import(/* @vite-ignore */ `node:${"fs/promises"}`)) as typeof import("node:fs/promises");
    const bytes = await fs.readFile(url).catch(() => undefined);
    if (!bytes) throw missing();
    return bytes;
  }
  const response = await fetch(url);
  if (!response.ok) throw missing();
  return response.arrayBuffer();
}
