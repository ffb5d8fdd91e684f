/** @file Whoever sits between a person and a party can hold up what the party says: each command then ends with MPC_TIMEOUT in its time. */
import { afterEach, describe, expect, it } from "vitest";
import { approve } from "../../src/client/approve.ts";
import { give } from "../../src/client/give.ts";
import { receive } from "../../src/client/receive.ts";
import { openSession } from "../../src/driver/open.ts";
import { signGrant } from "../../src/session/grant.ts";
import type { Connector } from "../../src/transport/channel.ts";
import { type InProcess, inProcess } from "../in-process.ts";
import { plain3 } from "../plain3.ts";
import { inAnHour } from "../support.ts";

const protocols = [plain3];
const TIMEOUT = 1000;
/** One and a half times the session's time, two seconds for the others' last words, and a loaded machine. */
const IN_TIME = 30_000;
const open: InProcess[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((x) => x.stop()));
});

async function start(): Promise<InProcess> {
  const made = await inProcess({ people: ["driver", "model-owner", "data-owner"], limits: { timeout: TIMEOUT } });
  open.push(made);
  return made;
}

/** What lies in the carrier and has not left, by the time since it was asked first. */
type Buffered = (seconds: number) => number;
const NOTHING: Buffered = () => 0;

/** Connects through somebody who passes the first `count` messages of party 1 on, then nothing. */
function swallowing(p: InProcess, count: number, buffered: Buffered = NOTHING): Connector {
  return async (session, index, signal) => {
    const channel = await p.connector(session, index, signal);
    if (index !== 1) return channel;
    let came = 0;
    const began = performance.now();
    return {
      send: (m) => channel.send(m),
      close: () => channel.close(),
      buffered: () => buffered((performance.now() - began) / 1000),
      listen: (on) => channel.listen({ closed: (why) => on.closed(why), message: (m) => void (came++ < count && on.message(m)) }),
    };
  };
}

/** How `work` ends once nothing comes any more, and that it does in time. */
async function ends(work: () => Promise<unknown>): Promise<unknown> {
  const began = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const never = new Promise((resolve) => {
    timer = setTimeout(resolve, IN_TIME, "no end");
  });
  const end = await Promise.race([
    work().then(
      () => "an answer",
      (e: unknown) => e,
    ),
    never,
  ]);
  clearTimeout(timer);
  expect(performance.now() - began).toBeLessThan(IN_TIME);
  return end;
}

const gift = { name: "x", values: new Float32Array(4).fill(1), shape: [4] };

/** Everything that people do at the parties, through such a relay; by name. */
async function commandsOf(p: InProcess, connector: Connector): Promise<Readonly<Record<string, () => Promise<unknown>>>> {
  const { session, people } = p.world;
  const [driver, owner] = [people.get("driver")!, people.get("data-owner")!];
  const handle = { kind: "handle", handle: "data-owner/x" } as const;
  const inputs = [{ owners: ["data-owner"], sources: [handle], rows: 1 }];
  const grant = { program: "", inputs, disclosures: [], runs: 0, reveals: 1, expires: inAnHour() };
  const signed = await signGrant(session.id, grant, [owner]);
  const receives = (options: object): Promise<unknown> => receive(session, connector, { identity: owner, protocols, ...options });
  const drive = async (): Promise<void> => {
    const identities = new Map([["driver", driver]]);
    const s = await openSession(session, connector, { protocol: plain3, identities, owner: "driver" });
    try {
      await s.input("y", Float32Array.of(1)).mul(2).realize();
      await s.counters();
      await s.transcript();
    } finally {
      await s.leave();
    }
  };
  return {
    give: () => give(session, connector, [gift], { identity: owner, protocols }),
    approve: () => approve(session, connector, [signed], { identity: owner }),
    receive: () => receives({}),
    "receive, waiting": () => receives({ wait: 4 * TIMEOUT }),
    "drive and run": drive,
  };
}

describe("a person whose answers are held up", () => {
  // The greeting is the first; then replies.
  const CELLS = [
    [0, ["give", "approve", "receive", "receive, waiting", "drive and run"]],
    [1, ["give", "approve", "receive", "receive, waiting", "drive and run"]],
    [2, ["give", "approve", "drive and run"]],
    [3, ["give", "drive and run"]],
    [5, ["drive and run"]],
  ] as const;
  it("hears of it in time, in each command and after each message", { timeout: 5 * IN_TIME }, async () => {
    const cell = async ([count, of]: (typeof CELLS)[number]): Promise<void> => {
      const p = await start();
      const commands = await commandsOf(p, swallowing(p, count));
      const found = await Promise.all(of.map(async (name) => [name, await ends(commands[name]!)] as const));
      for (const [name, end] of found) {
        expect(end, `${name} after ${count}`).toMatchObject({ code: "MPC_TIMEOUT" });
        expect(String(end), `${name} after ${count}`).toContain("clinic-b");
      }
    };
    await Promise.all(CELLS.map(cell));
  });

  const large = 2 ** 20;
  const gives = async (buffered: Buffered): Promise<number> => {
    const p = await start();
    const began = performance.now();
    const { give: work } = await commandsOf(p, swallowing(p, 1, buffered));
    expect(await ends(work!)).toMatchObject({ code: "MPC_TIMEOUT" });
    return performance.now() - began;
  };
  it("hears of it though the line seems to carry a byte now and then, and a long message that it carries is waited for", {
    timeout: 3 * IN_TIME,
  }, async () => {
    const all = [(s: number) => large - s, (s: number) => large + 6 * Math.floor(4 * s), (s: number) => large - (large / 4) * s];
    const [, , carried] = await Promise.all(all.map((line) => gives((s) => Math.max(0, line(s)))));
    expect(carried).toBeGreaterThan(4000);
  });

  it("waits for a greeting no longer than it said", { timeout: 2 * IN_TIME }, async () => {
    const p = await inProcess({ people: ["driver", "data-owner"], limits: { timeout: 600_000 } });
    open.push(p);
    const identity = p.world.people.get("data-owner")!;
    const work = (): Promise<unknown> => give(p.world.session, swallowing(p, 0), [gift], { identity, protocols, wait: 300 });
    const end = await ends(work);
    expect(end).toMatchObject({ code: "MPC_TIMEOUT" });
    expect(String(end)).toMatch(/clinic-b.* within 0\.3 s/);
  });
});
