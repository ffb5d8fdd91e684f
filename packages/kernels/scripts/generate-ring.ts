/** @file Generated sources of the ring module: unrolled loops that AssemblyScript cannot express without repetition. */
import { chachaText } from "./ring/chacha.ts";
import { elementwiseText } from "./ring/elementwise.ts";
import { gemm32Text } from "./ring/gemm32.ts";
import { gemm64Text, type Tile64 } from "./ring/gemm64.ts";

// The fastest of some 60 tiles measured on Zen 4: larger ones spill registers, smaller ones load too much.
const TILE64: Tile64 = { rows: 2, vectors: 1, scalars: 2 };

/** Paths are from packages/kernels. */
export function generate(): { path: string; text: string }[] {
  return [
    { path: "as/ring/chacha-blocks.gen.ts", text: chachaText() },
    { path: "as/ring/elementwise.gen.ts", text: elementwiseText() },
    { path: "as/ring/micro64.gen.ts", text: gemm64Text(TILE64) },
    { path: "as/ring/micro32.gen.ts", text: gemm32Text(4, 2) },
  ];
}
