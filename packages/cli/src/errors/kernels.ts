/** @file Error codes of the WebAssembly kernels. */
import type { Entries } from "./entry.ts";

export const KERNELS: Entries = {
  KERNEL_ABORT: {
    means: "A kernel met an instruction that no plan should hold: a bug of Tacit.",
    fix: "Report it with the Program that was running.",
    example: "engine: expected a valid plan, got an instruction that aborts; report this",
    exit: 2,
  },
  KERNEL_CHAIN_TOO_LONG: {
    means: "A chain of elementwise operations needs more registers than a kernel has.",
    fix: "Split the chain; the cpu device does so by itself, so report it if you did not write the plan.",
    example: "chain: expected at most 16 values at once, got 17; split the chain",
    exit: 2,
  },
  KERNEL_EMPTY_REDUCTION: {
    means: "The largest or smallest of no elements was asked for.",
    fix: "Check that the dimension is not empty.",
    example: "argmax: expected at least 1 element, got 0; check the axis",
  },
  KERNEL_NOT_BUILT: {
    means: "The WebAssembly files are not where the package expects them.",
    fix: "In the repository run npm run build:kernels; in a page, let the server serve the .wasm files.",
    example: "kernels: expected the file f32.unshared.simd.wasm, got none; run npm run build:kernels",
  },
  KERNEL_NO_RELAXED_SIMD: {
    means: "Relaxed SIMD was demanded, and this machine's runtime lacks it.",
    fix: "Let relaxed be auto.",
    example: "kernels: expected relaxed SIMD, got none",
  },
  KERNEL_NO_SIMD: {
    means: "The runtime has no WebAssembly SIMD.",
    fix: "Use Node 24 or a browser of 2021 or later.",
    example: "kernels: expected WebAssembly SIMD, got none; use a newer runtime",
  },
  KERNEL_NO_THREADS: {
    means: "More than one thread was asked for where memory cannot be shared.",
    fix: "Serve the page with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, or use one thread.",
    example: "kernels: expected SharedArrayBuffer, got none",
  },
  KERNEL_OUT_OF_MEMORY: {
    means: "The computation does not fit into WebAssembly's 4 GiB, or the machine gives no more memory.",
    fix: "Use smaller batches, or free memory.",
    example: "engine: expected at most 65535 pages, got 70000; use smaller batches",
  },
  KERNEL_STALE: {
    means: "The built WebAssembly files are older than the sources.",
    fix: "Run npm run build:kernels.",
    example: "ring: expected every kernel of the table, got fewer; run npm run build:kernels",
  },
  KERNEL_STOPPED: {
    means: "A device was used after stop().",
    fix: "Make another with cpu().",
    example: "engine: expected a running engine, got a stopped one; create another",
  },
  KERNEL_THREADS: {
    means: "The number of threads is not a whole number of at least 1.",
    fix: "Pass 1 or more, at most the number of cores.",
    example: "engine: expected at least 1 thread, got 0; pass a whole number",
  },
  KERNEL_TOO_MANY_DIMENSIONS: {
    means: "A copy or an elementwise chain has more dimensions than a kernel handles, after merging what can be merged.",
    fix: "Reshape to fewer dimensions first.",
    example: "copy: expected at most 6 dimensions, got 7; copy in two steps",
  },
  KERNEL_UNDEFINED_OPERATION: {
    means: "An elementwise operation does not exist for this type.",
    fix: "Cast first.",
    example: "chain: expected an operation on i32, got exp; cast first",
  },
};
