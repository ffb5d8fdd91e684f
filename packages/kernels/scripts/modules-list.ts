/** @file The WebAssembly modules that the build makes. Adding one: a row here, and its URLs in src/modules.ts. */

/** Memory is private to one thread or shared by several; vectors are plain SIMD or relaxed SIMD (fused multiply-add). */
export type Build = "unshared.simd" | "unshared.relaxed" | "shared.simd" | "shared.relaxed";

export interface ModuleRow {
  readonly name: string;
  /** AssemblyScript entry, from the repository root. A row whose entry does not exist is left out. */
  readonly entry: string;
  /** Folders whose files decide whether the module is fresh, from the repository root. */
  readonly sources: readonly string[];
  readonly builds: readonly Build[];
}

// Ring arithmetic is exact, hence the same with and without relaxed SIMD: two builds are enough.
const EXACT: readonly Build[] = ["unshared.simd", "shared.simd"];

export const MODULES: readonly ModuleRow[] = [
  {
    name: "f32",
    entry: "packages/kernels/as/f32/index.ts",
    sources: ["packages/kernels/as/f32"],
    builds: ["unshared.simd", "unshared.relaxed", "shared.simd", "shared.relaxed"],
  },
  {
    name: "ring",
    entry: "packages/kernels/as/ring/index.ts",
    sources: ["packages/kernels/as/ring"],
    builds: EXACT,
  },
  {
    name: "replicated3",
    entry: "packages/mpc/src/protocols/replicated3/as/index.ts",
    sources: ["packages/mpc/src/protocols/replicated3/as", "packages/kernels/as/ring"],
    builds: EXACT,
  },
];
