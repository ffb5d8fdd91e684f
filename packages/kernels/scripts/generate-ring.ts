/** @file Generated sources of the ring module: unrolled loops that AssemblyScript cannot express without repetition. */
import { chachaText } from "./ring/chacha.ts";
import { elementwiseText } from "./ring/elementwise.ts";
import { gemm64Text, type Tile64 } from "./ring/gemm64.ts";

// Fastest of 28 tiles measured on Zen 4 (see scripts/bench-ring.ts).
const TILE64: Tile64 = { rows: 3, vectors: 1, scalars: 2 };

/** Paths are from packages/kernels. */
export function generate(): { path: string; text: string }[] {
  return [
    { path: "as/ring/chacha-blocks.gen.ts", text: chachaText() },
    { path: "as/ring/elementwise.gen.ts", text: elementwiseText() },
    { path: "as/ring/micro64.gen.ts", text: gemm64Text(TILE64) },
  ];
}
