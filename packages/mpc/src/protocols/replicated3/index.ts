/** @file replicated3: three parties, semi-honest, one of them may be curious. Replicated shares modulo 2^64, fixed point. See README.md. What parties run is loaded by parties. */
import type { Protocol } from "../protocol.ts";
import { check } from "./check.ts";
import { loadDryKernels } from "./kernels.ts";
import { ranges } from "./ranges.ts";
import { reconstruct, share } from "./shares.ts";
import { computing, speed } from "./speed.ts";

export const replicated3: Protocol = {
  name: "replicated3",
  parties: 3,
  defaults: { fractionBits: 16, prgRounds: 20 },
  check,
  estimate: async (...of) => (await import("./cost.ts")).estimate(...of),
  ranges,
  ready: async () => void (await loadDryKernels()),
  speed: (options) => speed(options.prgRounds),
  computing,
  share,
  reconstruct,
  createParty: async (environment) => (await import("./party.ts")).createParty(environment),
};
