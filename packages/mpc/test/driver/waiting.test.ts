/** @file For whom a driver waits: parties that are not up yet, and one that stops in the middle of a command. */
import type { Tensor } from "@tacit/core";
import { afterEach, describe, expect, it } from "vitest";
import { connect } from "../../src/driver/connect.ts";
import { type LocalSession, startLocal } from "../../src/driver/local.ts";
import type { Waiting } from "../../src/session/waiting.ts";
import { errorOf, makeWorld } from "../support.ts";

const open: LocalSession[] = [];
afterEach(async () => {
  for (const l of open.splice(0)) {
    for (const c of l.children) c.kill();
    await l.session.close();
  }
});

describe("a driver", () => {
  it("says which parties it waits for while it connects, and names all of them when the time is over", async () => {
    const world = await makeWorld({ protocol: "replicated3", limits: { timeout: 1600 } });
    const said: string[] = [];
    const identity = world.people.get("driver")!;
    const e = await errorOf(() => connect(world.session, { identity, waiting: (words) => said.push(words) }));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^waiting for clinic-a, clinic-b, clinic-c \(0 of 3\), \d s$/);
    expect(e).toMatchObject({ code: "MPC_TIMEOUT" });
    expect(e.message).toBe(
      "connect to party 0 (clinic-a), party 1 (clinic-b), party 2 (clinic-c): expected them within 1.6 s, got nobody",
    );
  });

  it("says which party a command waits for that the others have answered", async () => {
    const said: Waiting[] = [];
    const local = await startLocal(3, { quiet: true, waiting: (_words, w) => said.push(w) });
    open.push(local);
    process.kill(local.children[1]!.pid, "SIGSTOP");
    const counters = errorOf(() => local.session.counters());
    await expect.poll(() => said[0], { timeout: 20_000 }).toMatchObject({ missing: ["party-b"], here: 2, of: 3 });
    local.children[1]!.kill();
    expect((await counters).message).toMatch(/^party 1 \(party-b\)/);
  });

  it("says in the middle of a run which party it waits for, when no party has answered yet, and a deadline ends it", async () => {
    const said: Waiting[] = [];
    const local = await startLocal(3, { quiet: true, limits: { timeout: 4000 }, waiting: (_words, w) => said.push(w) });
    open.push(local);
    // What a slow start said is another matter.
    said.length = 0;
    const x = local.session.input(
      "x",
      Float32Array.from({ length: 4096 }, (_, i) => i / 2 ** 18),
      { shape: [64, 64] },
    );
    // Long runs: a party that is stopped is stopped in one of them, and has not just answered it.
    const product = (y: Tensor): Tensor => Array.from({ length: 200 }).reduce<Tensor>((z) => z.matmul(x), y);
    let stopped = false;
    const steps = errorOf(async () => {
      let y = await product(x).realize();
      while (!stopped || said.length === 0) y = await product(y).realize();
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const began = performance.now();
    stopped = true;
    // A busy machine may have been told of before, and of all three.
    said.length = 0;
    process.kill(local.children[2]!.pid, "SIGSTOP");
    const e = await steps;
    // The parties' own time, a second look, two seconds for their last words, and a loaded machine.
    expect(performance.now() - began).toBeLessThan(40_000);
    expect(said.at(-1)).toMatchObject({ missing: ["party-c"], here: 2, of: 3 });
    expect(said[0]!.seconds).toBeLessThanOrEqual(4);
    expect(e).toMatchObject({ code: "MPC_TIMEOUT" });
    expect(e.message).toMatch(/^party 2 \(party-c\) (sent|said|answered) nothing/);
    local.children[2]!.kill();
  });
});
