/** @file The WebAssembly kernels of replicated3 as one typed table. Addresses are bytes; n counts elements. */
import { loadModule } from "@tacit/kernels";

type Address = number;
type Of<A extends readonly unknown[]> = (...args: A) => void;

type Convolve = Of<[table: Address, x: Address, y: Address, o: Address, accumulate: number, workspace: Address]>;

/** Every kernel by name; as/ holds what each does. A dry run replaces all of them by functions that do nothing. */
export interface Kernels {
  readonly setup: Of<[scratch: Address, prgRounds: number]>;
  readonly keystream: Of<[state: Address, out: Address, bytes: number]>;
  readonly add64: Of<[a: Address, b: Address, o: Address, n: number]>;
  readonly sub64: Of<[a: Address, b: Address, o: Address, n: number]>;
  readonly mul64: Of<[a: Address, b: Address, o: Address, n: number]>;
  readonly mulAdd64: Of<[a: Address, b: Address, c: Address, o: Address, n: number]>;
  readonly neg64: Of<[a: Address, o: Address, n: number]>;
  readonly addScalar64: Of<[a: Address, s: bigint, o: Address, n: number]>;
  readonly mulScalar64: Of<[a: Address, s: bigint, o: Address, n: number]>;
  readonly addRow64: Of<[m: number, n: number, x: Address, row: Address, o: Address]>;
  readonly subRow64: Of<[m: number, n: number, x: Address, row: Address, o: Address]>;
  readonly mulRow64: Of<[m: number, n: number, x: Address, row: Address, o: Address]>;
  readonly addColumn64: Of<[m: number, n: number, x: Address, column: Address, o: Address]>;
  readonly subColumn64: Of<[m: number, n: number, x: Address, column: Address, o: Address]>;
  readonly mulColumn64: Of<[m: number, n: number, x: Address, column: Address, o: Address]>;
  readonly gemm64: Of<
    [
      ...sizes: [m: number, n: number, k: number],
      ...a: [Address, rowStride: number, columnStride: number],
      ...b: [Address, rowStride: number, columnStride: number],
      ...c: [Address, ldc: number, accumulate: number],
      workspace: Address,
    ]
  >;
  /** table: 16 i32 (as/ring/convolution.ts); x, w, y or their gradients, in the order of the arguments of the op. */
  readonly convForward64: Convolve;
  readonly convInputGradient64: Convolve;
  readonly convWeightGradient64: Convolve;
  /** table: 18 i32 (as/ring/movement.ts). */
  readonly stridedCopy: Of<[elementBytes: number, table: Address, src: Address, dst: Address]>;
  readonly sum64: Of<[outer: number, axis: number, inner: number, x: Address, o: Address]>;
  readonly mulTerms: Of<[n: number, a0: Address, a1: Address, b0: Address, b1: Address, o: Address]>;
  readonly zeroShare: Of<[n: number, z: Address, low: Address, high: Address]>;
  readonly truncateDeal: Of<
    [
      ...sizes: [n: number, f: number],
      ...regions: [z: Address, w: Address, mu: Address, y2: Address, y0: Address],
      ...states: [low: Address, high: Address, rho0: Address, mu0: Address, nu0: Address, nu2: Address],
    ]
  >;
  readonly truncateCombine: Of<
    [
      ...sizes: [n: number, f: number],
      ...received: [za: Address, zb: Address, w: Address, mu: Address],
      ...states: [rho0: Address, mu0: Address, nu: Address],
      ...out: [d: Address, y1: Address, own: Address],
    ]
  >;
  readonly truncateFinish: Of<[n: number, f: number, y1: Address, d: Address]>;
  readonly truncateWideDeal: Kernels["truncateDeal"];
  readonly truncateWideCombine: Kernels["truncateCombine"];
  readonly truncateWideFinish: Kernels["truncateFinish"];
  readonly signDeal: Of<[digits: number, n: number, xa: Address, xb: Address, out: Address, top: Address, tables: Address]>;
  readonly signSelect: Of<
    [digits: number, n: number, a: Address, c: bigint, tin: Address, tables: Address, keep: Address, msg: Address, top: Address]
  >;
  readonly signLevel: Of<[blocks: number, m: number, x0: Address, x1: Address, o: Address, low: Address, high: Address]>;
  readonly takePlane: Of<[blocks: number, src: Address, stride: number, dst: Address]>;
  readonly andShare: Of<
    [bytes: number, a0: Address, a1: Address, b0: Address, b1: Address, o: Address, low: Address, high: Address]
  >;
  readonly xorBytes: Of<[bytes: number, a: Address, b: Address, o: Address, flip: number]>;
  readonly injectDeal: Of<[n: number, v: Address, xa: Address, xb: Address, msg: Address, pairs: Address]>;
  readonly injectCombine: Of<
    [n: number, u: Address, a: Address, x: Address, got: Address, pairs: Address, out: Address, e: Address, y: Address]
  >;
  readonly injectFinish: Of<[n: number, u: Address, a: Address, e: Address, other: Address, o: Address]>;
  readonly integerDeal: Of<[n: number, v: Address, msg: Address, pairs: Address]>;
  readonly integerCombine: Of<[n: number, u: Address, got: Address, pairs: Address, out: Address, e: Address, y: Address]>;
  /** Bytes of workspace; pure arithmetic, the same in a dry run. */
  readonly gemm64WorkspaceBytes: (m: number, n: number, k: number) => number;
}

/** Instantiates the kernels over one party's memory. */
export async function loadKernels(memory: WebAssembly.Memory): Promise<Kernels> {
  const module = await loadModule("replicated3");
  const abort = (): never => {
    throw new WebAssembly.RuntimeError("replicated3 kernels: unreachable");
  };
  const { exports } = await WebAssembly.instantiate(module, { env: { memory, abort } });
  return exports as WebAssembly.Exports & Kernels;
}

/**
 * Kernels that do nothing, for counting: only gemm64WorkspaceBytes is real (on a page of memory of its own), so that a dry
 * run reserves what a real one does.
 */
export async function loadDryKernels(): Promise<Kernels> {
  const real = await loadKernels(new WebAssembly.Memory({ initial: 1, maximum: 1 }));
  const nothing = (): void => {};
  const names = Object.keys(real) as (keyof Kernels)[];
  const table = Object.fromEntries(names.map((name) => [name, nothing]));
  return { ...table, gemm64WorkspaceBytes: real.gemm64WorkspaceBytes } as Record<keyof Kernels, typeof nothing> & Kernels;
}
