/** @file A run that fails at one node: nothing is sent after it, whatever its other branches were about to do. */
import { Program } from "@tacit/core/program";
import { describe, expect, it } from "vitest";
import { createParty } from "../../../src/protocols/replicated3/party.ts";
import type { Frame } from "../../../src/transport/memory-link.ts";
import { Parties, PUBLIC, SECRET } from "./parties.ts";

const aval = { shape: [300], dtype: "f32" } as const;
const scalar = { shape: [], dtype: "f32" } as const;
const node = (op: string, ...args: number[]): { op: string; attrs: number[]; args: number[]; aval: typeof aval } => ({
  op,
  attrs: [],
  args,
  aval,
});
/** relu(x * rate), which a rate that is not a number ends at once; and two comparisons one after the other. */
const nodes = [node("mul", 0, 1), node("relu", 2), node("relu", 0), node("neg", 4), node("relu", 5)];
const program = new Program([aval, scalar], nodes, [3, 6]);

describe("a run that fails at one node", () => {
  it("sends nothing any more: its keys are gone, and no branch draws masks from what is left of them", async () => {
    const frames: Frame[] = [];
    const parties = await Parties.start({ delay: 2, record: (f) => frames.push(f) });
    const bindings = [SECRET, PUBLIC];
    const inputs = parties.bind(program, bindings, [new Float32Array(300).fill(1), Float32Array.of(Number.NaN)]);
    const failed = await parties.run(program, bindings, inputs).catch((e: unknown) => e);
    expect(failed).toMatchObject({ code: "MPC_RANGE" });
    // The other branch had its first messages on the way.
    const atFailure = frames.length;
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(frames.length).toBe(atFailure);
    parties.close();
  });
});

describe("a party by itself", () => {
  it("refuses a Program with gaps before it runs, whatever the driver asked", async () => {
    const parties = await Parties.start();
    const flooring = new Program([aval], [{ op: "floor", attrs: [], args: [0], aval }], [1]);
    expect(() => parties.parties[0]!.prepare(flooring, [SECRET])).toThrow(/1 gaps: node 0 \(floor\)/);
    expect(() => parties.parties[0]!.prepare(flooring, [PUBLIC])).not.toThrow();
    parties.close();
  });

  it("takes the offsets of truncation from a key of the parties, not from numbers that everybody knows", async () => {
    const asked: string[] = [];
    const runKey = (which: number, run: number, attempt: number): Uint8Array => {
      asked.push(`${which}.${run}.${attempt}`);
      return new Uint8Array(32).fill(which + 1);
    };
    const options = { fractionBits: 16, prgRounds: 20 } as const;
    const party = await createParty({ index: 1, links: [], runKey, options, memoryLimit: 2 ** 20 });
    const share = party.importShare(new Uint8Array(32 + 2400), aval);
    party.exportShare(share, { run: 7, attempt: 3 });
    expect(asked.sort()).toEqual(["1.7.3", "2.7.3", "3.7.3"]);
    party.close();
  });
});
