/** @file Private releases: noise of all parties on a result. */
import { fractionOf, sizeOf } from "@tacit/core/program";
import { add, free, noiseShares } from "../primitives/index.ts";
import { fractionBitsOf, type Handler } from "./run.ts";

/** The noise waits for nothing: its round is over when the result is there. */
const partyNoise: Handler = async (n) => {
  const scale = fractionBitsOf(n.aval, n.f);
  const drawn = noiseShares(n.ctx, n.step(0), sizeOf(n.aval.shape), fractionOf("partyNoise", n.attrs) * 2 ** scale);
  drawn.catch(() => {}); // looked at below, unless the result fails first
  const out = await n.plain(0, async (x) => {
    const noise = await drawn;
    const sum = add(n.ctx, x, noise);
    free(n.ctx, noise);
    return sum;
  });
  return n.result(out, scale);
};

export const RELEASE: ReadonlyMap<string, Handler> = new Map(Object.entries({ partyNoise }));
