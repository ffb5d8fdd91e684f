/** @file Parsers of a party: commands, control messages of peers, payloads, public values, its configuration and its counters. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TacitError } from "@tacit/core/errors";
import { type Aval, DTYPE } from "@tacit/core/program";
import { toHex } from "../../../src/identity/encoding.ts";
import { Counters } from "../../../src/party/counters.ts";
import { type Command, commandWire, readAval, readCommand, valueBytes, valuesOf } from "../../../src/party/messages.ts";
import { Peers } from "../../../src/party/peers.ts";
import { parsePartyConfig } from "../../../src/party/service/config.ts";
import { replicated3 } from "../../../src/protocols/replicated3/index.ts";
import { fromCbor, toCbor, type Wire } from "../../../src/session/cbor.ts";
import type { FrameLink } from "../../../src/transport/frame-link.ts";
import type { Mesh } from "../../../src/transport/mesh.ts";
import { bytesOf, framed, holds, type Parser, textOf, unframed } from "../parser.ts";
import { GRANT, SESSION } from "../world.ts";

const aval: Aval = { dtype: "f32", shape: [2, 3] };
const digest = new Uint8Array(32).fill(5);

export const COMMANDS: readonly Command[] = [
  { type: "drive" },
  { type: "probe", what: "echo", bytes: new Uint8Array(10), reply: 10 },
  { type: "probe", what: "echo", bytes: new Uint8Array(8), reply: 8 },
  { type: "probe", what: "facts", bytes: new Uint8Array(0), reply: 0 },
  { type: "put", handle: "images", attempt: new Uint8Array(16), aval, total: 64, chunks: 1, encapsulated: digest },
  { type: "chunk", handle: "images", index: 0, sealed: digest },
  { type: "program", bytes: digest },
  { type: "grant", bytes: digest },
  {
    type: "run",
    run: 7,
    program: GRANT.program,
    inputs: [
      { kind: "handle", handle: "images" },
      { kind: "public", aval, bytes: new Uint8Array(24) },
    ],
    outputs: ["a.0", "a.1"],
    frees: ["a.7"],
  },
  { type: "run", run: 7, program: GRANT.program, inputs: [], outputs: [], frees: [], grant: "5f".repeat(32) },
  { type: "reveal", run: 8, handle: "a.0", to: "driver", why: "mean loss of an epoch" },
  { type: "deliver", run: 8, handle: "a.0", to: "patient-7", why: "diagnosis" },
  { type: "letters" },
  { type: "letter", run: 9 },
  { type: "received", runs: [8, 9] },
  {
    type: "checkpoint",
    run: 10,
    step: 50,
    program: GRANT.program,
    values: [
      { label: "weight", handle: "a.0", value: null },
      { label: "steps", handle: "a.p", value: { aval: { dtype: "i32", shape: [] }, bytes: new Uint8Array(4) } },
    ],
    inputs: ["data-owner/images"],
    note: digest,
  },
  { type: "resume", run: 11, previous: true },
  { type: "forget", run: 12 },
  { type: "fetch", handle: "a.1" },
  { type: "free", handles: ["a.0", "a.1"] },
  { type: "revoke", ids: ["5f".repeat(32)] },
  { type: "granted", ids: ["5f".repeat(32)] },
  { type: "used", ids: ["5f".repeat(32)] },
  { type: "list" },
  { type: "counters" },
  { type: "transcript" },
  { type: "close" },
];

const command: Parser = {
  name: "command",
  guards: ["mpc/src/party/messages.ts", "mpc/src/session/aval.ts"],
  form: "cbor",
  seeds: COMMANDS.map((c) => toCbor(commandWire(c))),
  codes: ["ENVELOPE_INVALID"],
  read: (input) => toCbor(commandWire(readCommand(fromCbor(input, "command", "ENVELOPE_INVALID")))),
};

/** An aval and bytes that are said to be its values. */
const values: Parser = {
  name: "public values",
  guards: ["mpc/src/party/messages.ts"],
  form: "cbor",
  seeds: (["f32", "f64", "i32", "i64", "u8", "bool"] as const).map((dtype) =>
    toCbor([[DTYPE[dtype].code, [2, 3]], new Uint8Array(6 * DTYPE[dtype].bytes).fill(1)]),
  ),
  codes: ["ENVELOPE_INVALID"],
  read(input) {
    const f = fromCbor(input, "value", "ENVELOPE_INVALID", 2);
    const read = readAval(f.fields());
    const bytes = valueBytes(valuesOf(f.bytes(), read));
    return toCbor([[DTYPE[read.dtype].code, [...read.shape]], bytes]);
  },
};

const CONTROL: readonly Wire[] = [
  ["digest", "run 7", digest],
  ["digest", "input images", digest],
  ["refuse", "run 7", "POLICY_REFUSED", "run: expected a grant, got none"],
  ["abort", "MPC_TIMEOUT", "party 2 sent nothing", "see its log"],
  ["leave"],
  ["ping", 3],
  ["pong", 3],
  ["filler", new Uint8Array(30)],
  ["waits", [0, 2]],
  ["waits", [0, 2]],
  ["ping", 3],
  ["pong", 3],
  ["filler", new Uint8Array(16)],
  ["digest", "held 9 size", Uint8Array.of(0, 0, 0, 8, ...new Array<number>(28).fill(0))],
  ["part", "held 9 0", new Uint8Array(8).fill(3)],
  ["part", "held 9 size", new Uint8Array(2)],
];

/** A link that is only told. */
function deafLink(peer: string): FrameLink {
  return {
    peer,
    onControl: () => {},
    onLost: () => {},
    sendControl: () => {},
    awaiting: (work: unknown) => work,
  } as unknown as FrameLink;
}

/** Messages of one peer, one after the other, while a run is compared. What it refuses or ends with reaches people. */
const control: Parser = {
  name: "control messages of a peer",
  guards: ["mpc/src/party/peers.ts", "mpc/src/party/link-probe.ts"],
  form: "bytes",
  seeds: [...CONTROL.map((c) => framed([toCbor(c)])), framed(CONTROL.map((c) => toCbor(c)))],
  codes: ["MPC_FRAME_INVALID", "POLICY_REFUSED", "MPC_TIMEOUT", "MPC_PARTY_LOST", "RUN_MISMATCH", "SESSION_CLOSED"],
  async read(input) {
    const links = [undefined, deafLink("party 1 (clinic-b)"), deafLink("party 2 (clinic-c)")];
    const heard: TacitError[] = [];
    const mesh = { links } as unknown as Mesh;
    const peers = new Peers(SESSION, mesh, { lost: (e) => heard.push(e) });
    const compared = peers.compare("run 7", () => digest, "RUN_MISMATCH", "hint").catch((e: unknown) => e);
    const exchanged = peers.exchange("held 9", digest).catch((e: unknown) => e);
    // It listens from the next turn on.
    await Promise.resolve();
    // It listens from the next microtask on.
    await Promise.resolve();
    let error: unknown;
    try {
      for (const message of unframed(input)) links[1]!.onControl(message);
    } catch (e) {
      error = e;
    }
    // What was said of the exchange is taken up word by word.
    for (let i = 0; i < 8; i++) await Promise.resolve();
    peers.end(new TacitError("SESSION_CLOSED", "party: expected an open session, got one that was closed"));
    const said = await compared;
    for (const e of [said, await exchanged, ...heard]) {
      holds(e instanceof TacitError && /^[A-Z][A-Z0-9_]+$/.test(e.code), "an error that everybody may read");
      holds(e instanceof TacitError && /^[\x20-\x7e]*$/.test(e.message + (e.hint ?? "")), "words without control characters");
    }
    if (error !== undefined) throw error;
    return undefined;
  },
};

/** A component of party 0 is 64 bytes whatever its size: this is what bounds it. */
const MEMORY = 2 ** 17;
const parties = await Promise.all(
  [0, 1, 2].map((index) =>
    replicated3.createParty({
      index,
      links: [undefined, undefined, undefined],
      runKey: () => new Uint8Array(32),
      options: replicated3.defaults,
      memoryLimit: MEMORY,
    }),
  ),
);
const shared = replicated3.share(Float32Array.of(1, 2, 3, 4, 5, 6), aval, replicated3.defaults);

/** [party, aval, payload]. */
const payload: Parser = {
  name: "share of an input",
  guards: ["mpc/src/protocols/replicated3/shares.ts"],
  form: "cbor",
  seeds: shared.map((p, i) => toCbor([i, [DTYPE.f32.code, [2, 3]], p])),
  codes: ["ENVELOPE_INVALID", "MPC_PAYLOAD", "MPC_MEMORY"],
  // A stream of MEMORY bytes; until it is compiled each of its words is an object.
  memory: 64 * MEMORY,
  secrets: shared.map((p) => toHex(p.subarray(-8))),
  read(input) {
    const f = fromCbor(input, "payload", "ENVELOPE_INVALID", 3);
    const party = parties[f.uint(2)]!;
    const announced = readAval(f.fields());
    party.free(party.importShare(f.bytes(), announced));
    return undefined;
  },
};

const reveal: Parser = {
  name: "parts of a reveal",
  guards: ["mpc/src/protocols/replicated3/shares.ts"],
  form: "cbor",
  seeds: [toCbor([0, 1, 2].map((i) => new Uint8Array(48).fill(i)))],
  codes: ["ENVELOPE_INVALID", "MPC_PAYLOAD"],
  read(input) {
    const f = fromCbor(input, "parts", "ENVELOPE_INVALID");
    const parts: Uint8Array[] = [];
    while (!f.done) parts.push(f.bytes());
    const opened = replicated3.reconstruct(parts, aval, replicated3.defaults);
    holds(opened.length === 6, "six values");
    return undefined;
  },
};

const config: Parser = {
  name: "party configuration",
  guards: ["mpc/src/party/service/config.ts"],
  form: "json",
  seeds: [
    { session: "session.json", key: "clinic-a.key", data: "data" },
    { session: "session.json", key: "clinic-a.key", data: "data", passphraseCommand: ["secret-tool", "lookup", "tacit", "a"] },
    {
      session: "s.json",
      key: "k",
      passphraseFile: "p",
      data: "d",
      listen: { address: "0.0.0.0:7000", client: "[::]:7100" },
      peers: { "clinic-b": "10.1.0.2:7000" },
      health: 9000,
      wait: 600,
      limits: { sessions: 3, memory: 512, disk: 100 },
      log: "error",
    },
  ].map((x) => bytesOf(JSON.stringify(x))),
  codes: ["PARTY_CONFIG"],
  read(input) {
    const read = parsePartyConfig(textOf(input), "/etc/tacit/party.json");
    holds(read.wait > 0 && read.limits.memory > 0 && read.limits.disk > 0 && read.limits.sessions > 0, "limits above nothing");
    return undefined;
  },
};

const directory = mkdtempSync(join(tmpdir(), "tacit-fuzz-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
const root = new Uint8Array(32).fill(9);
const countersPath = join(directory, `${toHex(root)}.counters`);

const counters: Parser = {
  name: "counters file",
  guards: ["mpc/src/party/counters.ts"],
  form: "bytes",
  seeds: [
    '["run","",64]\n["attempt","",1]\n["runs","7c7c",10]\n["run","",128]\n["reveals","7c7c",1]\n',
    '["attempt","",3]\n["run","",',
  ].map(bytesOf),
  codes: ["COUNTERS_INVALID", "RUN_NUMBER"],
  share: 0.01,
  read(input) {
    writeFileSync(countersPath, input);
    const open = Counters.open(directory, { root });
    try {
      const next = open.nextRun;
      open.takeRun(next);
      holds(open.nextRun === next + 1, "the next run is one more");
    } finally {
      open.close();
    }
    const again = Counters.open(directory, { root });
    holds(again.nextRun > 0, "what was written is read again");
    again.close();
    return undefined;
  },
};

export const PARTY_PARSERS: readonly Parser[] = [command, values, control, payload, reveal, config, counters];
