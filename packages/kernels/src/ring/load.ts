/** @file Instantiates the ring module on a memory. */
import { KernelError } from "../errors.ts";
import { loadModule } from "../modules.ts";
import { BINARY, BROADCAST, CONV, type RingExports, type RingKernels, SCALAR, SHIFT, SINGLE, TERNARY, UNARY } from "./kernels.ts";

const PAIRS: readonly string[] = [...BINARY, ...UNARY, ...SCALAR, ...SHIFT, ...TERNARY, ...BROADCAST, ...CONV, "gemm"];
const NAMES: readonly string[] = [...PAIRS.flatMap((name) => [`${name}64`, `${name}32`]), ...SINGLE];

/** 1 MiB to begin with; at most 4 GiB less one page. */
function newMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 16, maximum: 65535 });
}

function isShared(memory: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== "undefined" && memory.buffer instanceof SharedArrayBuffer;
}

function complete(exports: WebAssembly.Exports): exports is WebAssembly.Exports & RingExports {
  return NAMES.every((name) => typeof exports[name] === "function");
}

/**
 * The ring kernels on `memory` (default: a fresh one of 1 MiB). A shared memory gets the build for shared memory.
 * Address 0 is not a valid argument; the caller lays out the memory.
 * @throws KernelError `KERNEL_NOT_BUILT`, `KERNEL_NO_SIMD`, `KERNEL_NO_THREADS`, `KERNEL_STALE` for a build that lacks a kernel.
 */
export async function loadRing(memory: WebAssembly.Memory = newMemory()): Promise<RingKernels> {
  const module = await loadModule("ring", { shared: isShared(memory) });
  const abort = (): never => {
    throw new KernelError("KERNEL_ABORT", "ring: the module aborted", "");
  };
  const { exports } = await WebAssembly.instantiate(module, { env: { memory, abort } });
  if (!complete(exports)) {
    throw new KernelError("KERNEL_STALE", "ring: expected every kernel of the table, got fewer", "run npm run build:kernels");
  }
  return { ...exports, memory };
}
