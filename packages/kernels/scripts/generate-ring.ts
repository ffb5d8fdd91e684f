/** @file Generated sources of the ring module: unrolled loops that AssemblyScript cannot express without repetition. */
import { chachaText } from "./ring/chacha.ts";
import { elementwiseText } from "./ring/elementwise.ts";

/** Paths are from packages/kernels. */
export function generate(): { path: string; text: string }[] {
  return [
    { path: "as/ring/chacha-blocks.gen.ts", text: chachaText() },
    { path: "as/ring/elementwise.gen.ts", text: elementwiseText() },
  ];
}
