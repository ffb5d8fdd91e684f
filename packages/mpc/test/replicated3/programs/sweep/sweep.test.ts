/**
 * @file Random Programs of which `ranges` warns of nothing are right on shares, in both kinds of session, and every run costs what was estimated; 150 every day,
 * 5,000 with TACIT_LONG=1.
 */
import { expect, test } from "vitest";
import { sweep } from "./sweep.ts";

const LONG = process.env.TACIT_LONG === "1";
const FIRST = 100_000;

test(
  "results on shares are the clear ones wherever ranges() says nothing, and runs cost what was estimated",
  async () => {
    const count = LONG ? 5000 : 150;
    const { counts, failures } = await sweep(FIRST, count);
    expect(failures).toEqual([]);
    // Most Programs must say something: judged, and not by a tolerance as wide as the value.
    expect(counts.right! - counts.vague!).toBeGreaterThan(0.85 * count);
    expect(counts.refused).toBe(0);
  },
  LONG ? 900_000 : 60_000,
);
