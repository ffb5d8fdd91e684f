/** @file Noise that no one knows: each party draws its own share, and all three share theirs at once. */
import { discreteGaussian } from "@tacit/privacy";
import { STREAM } from "../streams.ts";
import { type Context, type Part, planPieces } from "./context.ts";
import { fresh } from "./local.ts";
import type { Shares } from "./values.ts";

const MESSAGE = 0;

/** For a deviation in ring units, a function that draws integers. The product has one source, below; tests of masks need fixed draws. */
export type NoiseSource = (stdDev: number) => () => number;

const samplers = new Map<number, () => number>();
/** Tables that are remembered: each takes about 10 ms to make and 60 KB. */
const REMEMBERED = 16;

/** Exact draws from the platform's CSPRNG (`@tacit/privacy`). */
export const exactNoise: NoiseSource = (stdDev) => {
  let found = samplers.get(stdDev);
  if (found === undefined) {
    if (samplers.size >= REMEMBERED) samplers.clear();
    samplers.set(stdDev, (found = discreteGaussian(stdDev)));
  }
  return found;
};

/** This party's own part of a piece, in a region that the caller zeroises. */
function draw(part: Part, sample: () => number): number {
  const own = BigInt64Array.from({ length: part.n }, () => BigInt(sample()));
  const at = part.ctx.alloc(8 * part.n);
  part.ctx.memory.write(at, own);
  own.fill(0n);
  return at;
}

/**
 * Σ_i e_i for n elements, e_i drawn by party i alone: discrete Gaussian of deviation `stdDev` in ring units. 1 round that waits for
 * nothing, 8 bytes per element and party.
 *
 * Party i's e_i has the components (x_i, x_{i+1}, x_{i+2}) = (F(k_i), e_i - F(k_i), 0): the first is keystream that its holders i and i-1
 * derive, the second goes to its other holder, party i + 1, who does not have k_i. The sum of the three sharings has
 * x_j = F(k_j) + (e_{j-1} - F(k_{j-1})).
 */
export async function noiseShares(ctx: Context, id: number, n: number, stdDev: number): Promise<Shares> {
  const op = ctx.begin(id, "noise");
  const sample = ctx.noise(stdDev);
  const out = fresh(ctx, n, 0);
  const depth = await op.each(planPieces(n, ctx.me, id), 0, async (part) => {
    const { kernels } = part;
    const [a, b] = [out.a + 8 * part.lo, out.b + 8 * part.lo];
    kernels.keystream(part.low(STREAM.noise), a, 8 * part.n);
    kernels.keystream(part.high(STREAM.noise), b, 8 * part.n);
    const masked = draw(part, sample);
    kernels.sub64(masked, a, masked, part.n);
    kernels.add64(b, masked, b, part.n);
    part.send(part.next, MESSAGE, 0, masked, 8 * part.n);
    part.ctx.release(masked);
    const other = part.ctx.alloc(8 * part.n);
    const ready = await part.receive(part.previous, MESSAGE, other, 8 * part.n);
    kernels.add64(a, other, a, part.n);
    part.ctx.release(other);
    return ready;
  });
  return { ...out, depth };
}
