/** @file Many inputs of one driver: few are under way at once, in order, each as it was when it was given. */
import { type Tensor, tensor } from "@tacit/core";
import { afterEach, describe, expect, it } from "vitest";
import { MpcSession } from "../../src/driver/mpc-session.ts";
import { Slots } from "../../src/driver/slots.ts";
import { type InProcess, inProcess } from "../in-process.ts";
import { plain3 } from "../plain3.ts";
import { codeOf } from "../support.ts";

const open: InProcess[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((x) => x.stop()));
});

interface Watched {
  readonly session: MpcSession;
  /** Handles in the order in which they were announced to the first party. */
  readonly announced: string[];
  /** The most that were under way at one party at once. */
  most(): number;
}

/** A driver of which is known what it has announced and not yet brought to its end, at each party. */
async function watched(): Promise<Watched> {
  const p = await inProcess();
  open.push(p);
  const group = await p.group();
  const announced: string[] = [];
  let most = 0;
  for (const client of group.clients) {
    const request = client.request.bind(client);
    const under = new Map<string, number>();
    client.request = async (identity, command) => {
      if (command.type === "put") {
        if (client.index === 0) announced.push(command.handle);
        under.set(command.handle, command.chunks);
        most = Math.max(most, under.size);
      }
      const reply = await request(identity, command);
      if (command.type === "chunk" && command.index === under.get(command.handle)! - 1) under.delete(command.handle);
      return reply;
    };
  }
  const { session, people } = p.world;
  const driver = people.get(session.file.driver)!;
  const opened = await MpcSession.open({ session, protocol: plain3, group, driver, identities: people, owner: "model-owner" });
  return { session: opened, announced, most: () => most };
}

const all = (inputs: readonly Tensor[]): Tensor => inputs.reduce((sum, x) => sum.add(x));

describe("a driver that gives many inputs", () => {
  it("has four under way at once and no more, and gives them in their order", async () => {
    const { session, announced, most } = await watched();
    const names = Array.from({ length: 7 }, (_, i) => `x${i}`);
    // Two chunks each.
    const inputs = names.map((n, i) => session.input(n, new Float32Array(132_000).fill(i)));
    const sum = await all(inputs).reveal({ to: "model-owner", why: "sum" });
    expect([sum[0], sum.at(-1)]).toEqual([21, 21]);
    expect(most()).toBeLessThanOrEqual(4);
    expect(most()).toBeGreaterThan(1);
    // They begin in their order; how long each takes to seal its key is not ordered.
    const handles = names.map((n) => `model-owner/${n}`);
    expect(announced.slice(0, 4).sort()).toEqual(handles.slice(0, 4));
    expect(announced.toSorted()).toEqual(handles);
  });

  it("has as few under way when tensors move to the session", async () => {
    const { session, most } = await watched();
    const moved = await Promise.all(Array.from({ length: 9 }, (_, i) => tensor([i, 1]).to(session)));
    expect([...(await all(moved).reveal({ to: "model-owner", why: "sum" }))]).toEqual([36, 9]);
    expect(most()).toBeLessThanOrEqual(4);
  });

  it("gives what an array held then, though it holds something else when its turn comes", async () => {
    const { session } = await watched();
    const array = new Float32Array(3);
    const inputs = Array.from({ length: 6 }, (_, i) => session.input(`x${i}`, i < 4 ? Float32Array.of(1, 1, 1) : array.fill(i)));
    array.fill(99);
    expect([...(await all(inputs).reveal({ to: "model-owner", why: "sum" }))]).toEqual([13, 13, 13]);
  });

  it("goes on with the others when some cannot be given", async () => {
    const { session } = await watched();
    const bad = Array.from({ length: 6 }, (_, i) => session.input(`bad${i}`, Float32Array.of(1e30)));
    // Its values fail long before its turn.
    const late = session.input("late", await secret(session));
    const good = session.input("good", Float32Array.of(2));
    expect([...(await good.add(1).reveal({ to: "model-owner", why: "sum" }))]).toEqual([3]);
    for (const b of bad) expect(await codeOf(() => b.add(1).realize())).toBe("INPUT_OUT_OF_RANGE");
    expect(await codeOf(() => late.add(1).realize())).toBe("DEVICE_SECRET");
  });
});

/** A tensor whose values nobody here can read. */
const secret = async (session: MpcSession): Promise<Tensor> => (await tensor([1]).to(session)).add(1);

describe("slots", () => {
  it("let works begin in their order, as many as there are slots, whether those before end well or badly", async () => {
    const slots = new Slots(2);
    const begun: number[] = [];
    const ends = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
    const works = ends.map(({ promise }, i) =>
      slots.run(() => {
        begun.push(i);
        return promise;
      }),
    );
    const ended = Promise.allSettled(works);
    expect([begun, slots.full]).toEqual([[0, 1], true]);
    ends[1]!.reject(new Error("bad"));
    await expect.poll(() => begun).toEqual([0, 1, 2]);
    for (const e of ends) e.resolve();
    expect((await ended).map((r) => r.status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"]);
    expect([begun, slots.full]).toEqual([[0, 1, 2, 3, 4], false]);
  });
});
