/** @file Parsers of a person's side beyond the channel: what lying parties reply to a driver, and the transcripts they hand over. */
import { accountOf } from "../../../../cli/src/private/witness.ts";
import type { Group } from "../../../src/client/group.ts";
import { MpcSession } from "../../../src/driver/mpc-session.ts";
import { sealerTo } from "../../../src/identity/seal.ts";
import type { Command } from "../../../src/party/messages.ts";
import { revealInfo, revealPlace } from "../../../src/party/purposes.ts";
import { type Fields, fromCbor, toCbor, type Wire } from "../../../src/session/cbor.ts";
import { plain3 } from "../../plain3.ts";
import { bytesOf, holds, type Parser, textOf } from "../parser.ts";
import { DRIVER, OWNER, SESSION } from "../world.ts";

/** What the three parties reply to each command, in this order; an input is an array of them. */
const ORDER = ["drive", "list", "program", "grant", "run", "fetch", "reveal", "counters", "transcript"] as const;
const WHY = "test";

async function part(index: number): Promise<Wire> {
  const sealer = await sealerTo(DRIVER.public.seal, revealInfo(SESSION.id, index, "result"));
  return [sealer.encapsulated, await sealer.seal(new Uint8Array(32), revealPlace("driver", WHY))];
}
const parts = await Promise.all([0, 1, 2].map(part));
const three = (reply: Wire): Wire => [reply, reply, reply];
const measured: Wire = [3, 1000, 20, [false]];
const REPLIES: Readonly<Record<(typeof ORDER)[number], Wire>> = {
  drive: [0, 1, 2].map((i) => [i, 7, 1]),
  list: three([["images", [0, [4]], ["data-owner"]]]),
  program: three([]),
  grant: three([]),
  run: three(measured),
  fetch: three([new Uint8Array(16)]),
  reveal: parts,
  counters: three([7, 100, [["7c7c", 3, 1]]]),
  transcript: three(['{"event":"end"}']),
};
const REFUSED = "ENVELOPE_INVALID";

/** A group whose parties say what the input says. */
function liars(input: Uint8Array): Group {
  const f = fromCbor(input, "replies", REFUSED, ORDER.length);
  const replies = new Map<string, readonly Fields[]>();
  for (const type of ORDER) {
    const all = f.fields(3);
    replies.set(type, [all.fields(), all.fields(), all.fields()]);
  }
  const answer = (command: Command): Promise<Fields[]> => {
    const again = fromCbor(input, "replies", REFUSED, ORDER.length);
    for (const type of ORDER) {
      const all = again.fields(3);
      if (type === command.type) return Promise.resolve([all.fields(), all.fields(), all.fields()]);
    }
    return Promise.resolve([]);
  };
  return {
    clients: [],
    all: (_: unknown, command: Command) => answer(command),
    each: (_: unknown, commandFor: (i: number) => Command) => answer(commandFor(0)),
    closing: () => {},
    close: () => {},
  } as unknown as Group;
}

const replies: Parser = {
  name: "replies of lying parties",
  guards: ["mpc/src/driver/runner.ts", "mpc/src/driver/mpc-session.ts"],
  form: "cbor",
  seeds: [toCbor(ORDER.map((type) => REPLIES[type]))],
  codes: [REFUSED, "SEAL_INVALID", "MPC_PAYLOAD", "RUN_NUMBER", "HANDLE_UNKNOWN"],
  share: 0.02,
  async read(input) {
    const group = liars(input);
    const identities = new Map([DRIVER, OWNER].map((i) => [i.name, i]));
    const session = await MpcSession.open({
      session: SESSION,
      protocol: plain3,
      group,
      driver: DRIVER,
      identities,
      owner: "data-owner",
    });
    await session.counters();
    for (const lines of await session.transcript())
      holds(
        lines.every((l) => typeof l === "string"),
        "lines of text",
      );
    const y = session.input("images").add(1);
    await y.realize();
    // A party that says that a secret is public gets its value from nobody: only the parties have it.
    await y.reveal({ to: "driver", why: WHY }).catch((e: unknown) => {
      if (e instanceof Error && "code" in e && e.code === "SEAL_INVALID") return;
      throw e;
    });
    return undefined;
  },
};

const transcript: Parser = {
  name: "transcript of a party",
  guards: ["cli/src/private/witness.ts"],
  form: "json",
  seeds: [
    {
      time: "2026-01-01T00:00:00.000Z",
      event: "run",
      run: 3,
      grant: null,
      bound: { program: "7c7c", inputs: [] },
      outputs: ["a.0"],
    },
    { time: "2026-01-01T00:00:00.000Z", event: "reveal", run: 3, handle: "a.0", to: "driver", why: "mean loss" },
  ].map((x) => bytesOf(JSON.stringify(x))),
  codes: [],
  read(input) {
    const { runs, programs, disclosures } = accountOf(textOf(input).split("\n"));
    holds(runs >= programs.length, "no more Programs than runs");
    holds(/^[^\p{C}]*$/u.test([...programs, ...Object.keys(disclosures)].join()), "words without control characters");
    return undefined;
  },
};

export const DRIVER_PARSERS: readonly Parser[] = [replies, transcript];
