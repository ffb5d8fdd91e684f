/** @file replicated3: three parties, semi-honest, one of them may be curious. Replicated shares modulo 2^64, fixed point. See README.md. */
import type { Protocol } from "../protocol.ts";
import { check, estimate } from "./check.ts";
import { createParty } from "./party.ts";
import { ranges } from "./ranges.ts";
import { reconstruct, share } from "./shares.ts";
import { computing, speed } from "./speed.ts";

export const replicated3: Protocol = {
  name: "replicated3",
  parties: 3,
  defaults: { fractionBits: 16, prgRounds: 20 },
  check,
  estimate,
  ranges,
  speed: (options) => speed(options.prgRounds),
  computing,
  share,
  reconstruct,
  createParty: (environment) => createParty(environment),
};
