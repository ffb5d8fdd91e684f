/** @file How fast this machine is at what replicated3 computes most: keystream and ring products; and what a run makes of it. */
import type { Program } from "@tacit/core/program";
import type { Cost, Speed } from "../protocol.ts";
import { loadKernels } from "./kernels.ts";
import { ARENA, PRIVATE } from "./memory.ts";

const PAGE = 65_536;
/** Side of the product that is timed, and bytes of keystream: both fit the caches, as the pieces of a run do. */
const [SIDE, STREAM_BYTES] = [128, 131_072];
/** Milliseconds for each of the two: the first call compiles. */
const EACH_MS = 20;
/**
 * Passes over a run's bytes, in units of keystream: each byte sent is drawn, masked, packed and summed by several kernels and encrypted
 * by TLS. Fitted to the CPU seconds that `npm run bench -- mpc` counts for relu-1e6, lenet5-infer-128 and lenet5-step-128.
 */
const PASSES = 9;
/** Local products of one product of shares: x·y + x·y' + x'·y as two, since the middle factors are summed first. */
const PRODUCTS = 2;

function best(work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  const end = performance.now() + EACH_MS;
  for (let i = 0; i < 3 || performance.now() < end; i++) {
    const start = performance.now();
    work();
    least = Math.min(least, performance.now() - start);
  }
  return least / 1000;
}

/** Takes about 50 ms. Zeros are multiplied: no key and no share is near. */
export async function speed(prgRounds: 12 | 20): Promise<Speed> {
  const bytes = 8 * SIDE * SIDE;
  const [x, y, z] = [ARENA, ARENA + bytes, ARENA + 2 * bytes];
  const workspace = ARENA + Math.max(3 * bytes, STREAM_BYTES);
  const memory = new WebAssembly.Memory({ initial: workspace / PAGE + 64, maximum: workspace / PAGE + 64 });
  const kernels = await loadKernels(memory);
  kernels.setup(PRIVATE.scratch, prgRounds);
  const stream = best(() => kernels.keystream(PRIVATE.states, ARENA, STREAM_BYTES));
  const product = best(() => kernels.gemm64(SIDE, SIDE, SIDE, x, SIDE, 1, y, SIDE, 1, z, SIDE, 0, workspace));
  return { bytes: STREAM_BYTES / stream, products: SIDE ** 3 / product };
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Multiplications of ring numbers in the products and convolutions of a Program, on values in the clear. */
export function multiplications(program: Program): number {
  const shapes = program.inputs.map((i) => i.shape);
  let all = 0;
  for (const node of program.nodes) {
    const [a, b] = node.args.map((id) => shapes[id]!);
    const out = node.aval.shape;
    if (node.op === "matmul") all += size(out) * a!.at(-1)!;
    // Forward [N,C,H,W] x [O,C/g,kh,kw]: each output is a sum over a filter. The gradients are as many products as the forward.
    else if (node.op === "conv2d") all += size(out) * size(b!.slice(1));
    else if (node.op === "conv2dGradInput") all += size(a!) * size(b!.slice(1));
    else if (node.op === "conv2dGradWeight") all += size(b!) * size(out.slice(1));
    shapes.push(out);
  }
  return all;
}

/** Seconds that one run computes at the fullest party: an estimate within a factor of two. */
export function computing(program: Program, cost: Pick<Cost, "bytesPerParty">, at: Speed): number {
  return (PASSES * Math.max(0, ...cost.bytesPerParty)) / at.bytes + (PRODUCTS * multiplications(program)) / at.products;
}
