/** @file For whom a driver waits: parties that are not up yet, and one that stops in the middle of a command. */
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
});
