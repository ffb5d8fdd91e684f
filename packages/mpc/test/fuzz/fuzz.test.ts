/** @file Whatever strangers send: every parser returns a value that is the same when written again, or refuses with a code of its own. */
import { describe, expect, it } from "vitest";
import { checkSeeds, fuzz, showTally, TABLE_HEAD, type Tally } from "./judge.ts";
import { PARSERS } from "./registry.ts";

const LONG = process.env.TACIT_LONG !== undefined;
const INPUTS = LONG ? 1_000_000 : 2000;
/** Another seed each day would find more, and make a red test that nobody can repeat. */
const SEED = Number(process.env.TACIT_FUZZ_SEED ?? 1);

describe(`parsers of strangers' bytes, seed ${SEED}`, () => {
  const tallies: Tally[] = [];

  it("have names that differ", () => {
    expect(new Set(PARSERS.map((p) => p.name)).size).toBe(PARSERS.length);
  });

  it.each(PARSERS)("$name: valid examples are accepted", async (parser) => {
    await checkSeeds(parser);
  });

  it.each(PARSERS)("$name: changed, spliced and random inputs are refused by code or accepted whole", async (parser) => {
    const tally = await fuzz(parser, Math.ceil(INPUTS * (parser.share ?? 1)), SEED);
    tallies.push(tally);
    expect(tally.accepted + [...tally.refused.values()].reduce((a, b) => a + b, 0)).toBe(tally.inputs);
    // A fuzzer that reaches no refusal or accepts nothing tests one side alone.
    if (tally.inputs >= 200) expect(tally.accepted).toBeGreaterThan(0);
    if (tally.inputs >= 200 && parser.codes.length > 0) expect(tally.refused.size).toBeGreaterThan(0);
    if (LONG && tallies.length === PARSERS.length) console.log([TABLE_HEAD, ...tallies.map(showTally)].join("\n"));
  });
});
