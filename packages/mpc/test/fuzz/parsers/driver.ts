/** @file Parsers of a person's side beyond the channel: what lying parties reply to a driver, and the transcripts they hand over. */
import { TacitError } from "@tacit/core/errors";
import { parsePlan, parseSigned, showAsked } from "../../../../cli/src/clients/approval.ts";
import { accountOf } from "../../../../cli/src/private/witness.ts";
import type { Group } from "../../../src/client/group.ts";
import type { PartyClient } from "../../../src/client/party-client.ts";
import { askFacts, askLinks, askSpeed, echo } from "../../../src/client/probing.ts";
import { MpcSession } from "../../../src/driver/mpc-session.ts";
import { sealerTo } from "../../../src/identity/seal.ts";
import type { Command } from "../../../src/party/messages.ts";
import { revealInfo, revealPlace } from "../../../src/party/purposes.ts";
import { type Fields, fromCbor, toCbor, type Wire } from "../../../src/session/cbor.ts";
import { type Grant, grantId, signedFromJson, signedToJson } from "../../../src/session/grant.ts";
import { plain3 } from "../../plain3.ts";
import { bytesOf, holds, type Parser, textOf } from "../parser.ts";
import { DRIVER, GRANT, OWNER, SESSION, SIGNED } from "../world.ts";

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

/** What a party says of itself: facts, links, speed, an echo. */
const FACTS: readonly Wire[] = [
  [2, "0.1.0", "v24.0.0", 1_800_000_000_000, 60, [1], [3, 2, 1_000_000, false]],
  [2, "0.1.0", "v24.0.0", 1_800_000_000_000, 60, [], null],
  [
    [1, 400, 1_000_000_000],
    [2, null, null],
  ],
  [[1_000_000, 2_000_000]],
  [3, new Uint8Array(20)],
];
const probe: Parser = {
  name: "what a party says of itself",
  guards: ["mpc/src/client/probing.ts", "mpc/src/client/facts.ts"],
  form: "cbor",
  seeds: FACTS.map((f) => toCbor(f)),
  codes: [REFUSED],
  async read(input) {
    const says = { request: async () => fromCbor(input, "reply", REFUSED) } as unknown as PartyClient;
    const outcomes = await Promise.allSettled([
      askFacts(says, DRIVER).then((facts) =>
        holds(/^[\x20-\x7e]*$/.test(facts.software + facts.node), "words without control characters"),
      ),
      askLinks(says, DRIVER),
      askSpeed(says, DRIVER),
      echo(says, DRIVER, 0, 0),
    ]);
    const refusals = outcomes.flatMap((o) => (o.status === "rejected" ? [o.reason as unknown] : []));
    const wrong = refusals.find((e) => !(e instanceof TacitError && e.code === REFUSED));
    if (wrong !== undefined) throw wrong;
    if (refusals.length === outcomes.length) throw refusals[0];
    return undefined;
  },
};

const asked = signedToJson(SIGNED) as { readonly grant: unknown };
const disclosure: Grant = { ...GRANT, program: "", inputs: GRANT.inputs.slice(0, 1), disclosures: GRANT.disclosures };
const askedToo = signedToJson({ grant: disclosure, signatures: [] }) as { readonly grant: unknown };
const plan = {
  schema: 1,
  kind: "plan",
  session: SESSION.hex,
  programs: [{ title: "open", grant: askedToo.grant, grantId: grantId(disclosure) }],
};
const APPROVAL_CODES = ["PLAN_INVALID", "GRANT_INVALID", "PROGRAM_INVALID", "ENCODING_INVALID"];

const plans: Parser = {
  name: "plan to approve",
  guards: ["cli/src/clients/approval.ts"],
  form: "json",
  seeds: [bytesOf(JSON.stringify(plan))],
  codes: APPROVAL_CODES,
  read(input) {
    for (const a of parsePlan(textOf(input), "plan.json", SESSION, "data-owner")) shown(a.title, a.grant);
    return undefined;
  },
};

/** An owner reads a line of ours for each thing that the grant says: no name makes a line of its own, or moves the cursor. */
function shown(title: string, grant: Grant): void {
  const lines = showAsked({ title, grant, program: null }, "data-owner", 16).split("\n");
  holds(lines.length === 2 + grant.inputs.length + Math.max(1, grant.disclosures.length), "a line for each thing");
  holds(
    lines.every((l) => /^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(l)),
    "lines without control characters",
  );
}

const approvals: Parser = {
  name: "grant as an owner reads it",
  guards: ["cli/src/clients/approval.ts"],
  form: "json",
  seeds: [asked, askedToo].map((x) => bytesOf(JSON.stringify({ ...x, signatures: [] }))),
  codes: APPROVAL_CODES,
  read(input) {
    let json: unknown;
    try {
      json = JSON.parse(textOf(input));
    } catch {
      json = null;
    }
    shown("open", signedFromJson(json).grant);
    return undefined;
  },
};

const signedGrants: Parser = {
  name: "signed grants",
  guards: ["cli/src/clients/approval.ts"],
  form: "json",
  seeds: [bytesOf(JSON.stringify({ schema: 1, kind: "grants", session: SESSION.hex, grants: [signedToJson(SIGNED)] }))],
  codes: APPROVAL_CODES,
  read(input) {
    for (const g of parseSigned(textOf(input), "grants.json", SESSION))
      holds(
        g.signatures.every((s) => s.bytes.length === 64),
        "whole signatures",
      );
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

export const DRIVER_PARSERS: readonly Parser[] = [replies, probe, plans, approvals, signedGrants, transcript];
