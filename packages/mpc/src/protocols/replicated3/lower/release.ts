/** @file Private releases: sums of clipped rows, and noise of all parties on a result. */
import { expected } from "@tacit/core/errors";
import { fractionOf, sizeOf } from "@tacit/core/program";
import { clippedSum as clippedSumOf } from "../functions/clip.ts";
import { clipSteps } from "../functions/clip-steps.ts";
import { add, free, noiseShares, zeros } from "../primitives/index.ts";
import { fractionBitsOf, type Handler } from "./run.ts";

const clippedSum: Handler = (n) =>
  n.plain(0, async (x) => {
    const rows = n.arg(0).shape[0]!;
    const width = sizeOf(n.aval.shape);
    const steps = clipSteps(n.attrs as [number, number], width, n.f);
    if (typeof steps === "string") expected("DEVICE_UNSUPPORTED", "clippedSum", steps, "another");
    const out = rows === 0 || width === 0 ? zeros(n.ctx, width) : await clippedSumOf(n.ctx, n.step(0), x, rows, steps);
    return n.result(out, n.f);
  });

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

export const RELEASE: ReadonlyMap<string, Handler> = new Map(Object.entries({ clippedSum, partyNoise }));
