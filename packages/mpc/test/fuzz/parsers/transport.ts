/** @file Parsers of the carriers: frames and links fed in pieces, hellos, the handshake over a link, WebSocket messages, health requests. */
import { TacitError } from "@tacit/core/errors";
import { toCbor } from "../../../src/session/cbor.ts";
import { CONTROL_RUN, FrameParser, writeHeader } from "../../../src/transport/frame.ts";
import { FrameLink } from "../../../src/transport/frame-link.ts";
import { type Hello, helloBytes, readHello } from "../../../src/transport/handshake.ts";
import { HEADER_BYTES, type Tag } from "../../../src/transport/link.ts";
import { type Connection, openMesh } from "../../../src/transport/mesh.ts";
import { SOFTWARE } from "../../../src/version.ts";
import type { Dice } from "../dice.ts";
import { holds, type Parser } from "../parser.ts";
import { PARTIES, SESSION } from "../world.ts";

export function frame(tag: Tag, body: Uint8Array, depth = 0): Uint8Array {
  const out = new Uint8Array(HEADER_BYTES + body.length);
  writeHeader(out, 0, body.length, tag, depth);
  out.set(body, HEADER_BYTES);
  return out;
}

/** `bytes` cut anywhere, also into single bytes. */
export function pieces(bytes: Uint8Array, dice: Dice): Uint8Array[] {
  const most = dice.pick([1, 3, HEADER_BYTES, 40, 1000]);
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const n = 1 + dice.below(most);
    out.push(bytes.slice(at, at + n));
    at += n;
  }
  return out;
}

const MESSAGE = 4096;
const body = (n: number): Uint8Array => new Uint8Array(n).map((_, i) => i * 7);
const STREAMS: readonly Uint8Array[] = [
  [frame({ run: 3, op: 0, lane: 0 }, body(8)), frame({ run: 3, op: 256, lane: 1 }, body(40), 2)],
  [frame({ run: 3, op: 512, lane: 0 }, body(0)), frame({ run: 4, op: 0, lane: 0 }, body(100))],
  [frame({ run: CONTROL_RUN, op: 0, lane: 0 }, body(30)), frame({ run: CONTROL_RUN, op: 0, lane: 0 }, body(0))],
  [
    frame({ run: 3, op: 0, lane: 0 }, body(8)),
    frame({ run: CONTROL_RUN, op: 0, lane: 0 }, body(9)),
    frame({ run: 5, op: 7, lane: 2 }, body(64)),
  ],
].map((f) => new Uint8Array(Buffer.concat(f)));

/** Frames as they come out, whatever pieces the stream comes in. */
function parsed(chunks: readonly Uint8Array[]): string[] {
  const seen: string[] = [];
  const parser = new FrameParser({
    begin({ tag, length, depth }) {
      if (length > MESSAGE) throw new TacitError("MPC_FRAME_INVALID", `frame: expected at most ${MESSAGE} bytes, got ${length}`);
      seen.push(`${tag.run} ${tag.op} ${tag.lane} ${depth} ${length}`);
      return new Uint8Array(length);
    },
    end: (_, b) => void seen.push(Buffer.from(b).toString("base64")),
  });
  for (const c of chunks) parser.feed(c);
  return seen;
}

const outcome = (work: () => string[]): string => {
  try {
    return work().join("\n");
  } catch (e) {
    return e instanceof TacitError ? e.code : String(e);
  }
};

const frames: Parser = {
  name: "frames",
  guards: ["mpc/src/transport/frame.ts"],
  form: "bytes",
  seeds: STREAMS,
  codes: ["MPC_FRAME_INVALID"],
  read(input, dice) {
    holds(
      outcome(() => parsed([input])) === outcome(() => parsed(pieces(input, dice))),
      "frames do not depend on where the stream is cut",
    );
    parsed([input]);
    return undefined;
  },
};

const LINK = { peer: "party 1 (clinic-b)", message: MESSAGE, queue: 10_000, timeout: 60_000 };

/** What a link made of a stream: what waited, what was told, why it ended. */
async function linkOutcome(chunks: readonly Uint8Array[]): Promise<{ text: string; lost: TacitError | null; said: number }> {
  const told: string[] = [];
  let lost: TacitError | null = null;
  const link = new FrameLink({ write: (_, written) => written(), end: () => Promise.resolve(), destroy: () => {} }, LINK);
  link.onControl = (b) => void told.push(`control ${Buffer.from(b).toString("base64")}`);
  link.onLost = (e) => {
    holds(lost === null, "a link is lost once");
    lost = e;
  };
  link.openRun(3);
  const into = new Uint8Array(8);
  const wanted = [
    link.receive({ run: 3, op: 0, lane: 0 }, into).then((d) => `op 0 ${d} ${into.join()}`),
    link.receive({ run: 3, op: 256, lane: 1 }, new Uint8Array(40)).then((d) => `op 256 ${d}`),
  ].map((w) => w.catch((e: unknown) => (e instanceof TacitError ? `${e.code} ${e.message}` : `wrong: ${String(e)}`)));
  for (const c of chunks) link.feed(c);
  const alive = lost === null;
  link.closed();
  // What was queued before the end is still handed over.
  const late = await link.receive({ run: 4, op: 0, lane: 0 }, new Uint8Array(100)).then(
    (d) => `late ${d}`,
    (e: unknown) => (e instanceof TacitError ? e.code : `wrong: ${String(e)}`),
  );
  const ends = await Promise.all(wanted);
  for (const e of [...ends, late]) holds(!e.startsWith("wrong"), `a receive ends with an error of ours: ${e}`);
  const text = [...ends, ...told, late].join("\n");
  return { text, lost: alive ? null : lost, said: told.length };
}

const link: Parser = {
  name: "link, fed in pieces",
  guards: ["mpc/src/transport/frame-link.ts"],
  form: "bytes",
  seeds: STREAMS,
  codes: ["MPC_FRAME_INVALID"],
  async read(input, dice) {
    const whole = await linkOutcome([input]);
    const cut = await linkOutcome(pieces(input, dice));
    holds(whole.text === cut.text, "a link does not depend on where the stream is cut");
    if (whole.lost !== null) throw whole.lost;
    return undefined;
  },
};

const hello = (index: number, change: Partial<Hello> = {}): Hello => ({
  software: SOFTWARE,
  index,
  session: SESSION.id,
  attempt: 4,
  ephemeral: PARTIES[index]!.public.seal,
  contribution: new Uint8Array(32).fill(index),
  mode: "",
  ...change,
});

const greeting: Parser = {
  name: "hello of a party",
  guards: ["mpc/src/transport/handshake.ts"],
  form: "cbor",
  seeds: [helloBytes(hello(1)), helloBytes(hello(1, { attempt: 0 }))],
  codes: ["MPC_HANDSHAKE", "MPC_VERSION"],
  read: (input) => helloBytes(readHello(input, SESSION, 1, "")),
};

/** A connection on which `bytes` come at once, in pieces, and then nothing more. */
function speaks(bytes: Uint8Array, dice: Dice): Connection {
  return {
    attach(open): void {
      const end = open({ write: (_, written) => written(), end: () => Promise.resolve(), destroy: () => {} });
      for (const p of pieces(bytes, dice)) end.feed(p);
      queueMicrotask(() => end.closed());
    },
  };
}

const spoken = (message: Uint8Array): Uint8Array => frame({ run: CONTROL_RUN, op: 0, lane: 0 }, message);

/** The whole handshake with two parties, of which one says what it likes: with a party that leaves it never succeeds. */
const handshake: Parser = {
  name: "handshake over links",
  guards: ["mpc/src/transport/introduction.ts", "mpc/src/transport/handshake.ts"],
  form: "bytes",
  seeds: [
    spoken(helloBytes(hello(1))),
    new Uint8Array(Buffer.concat([spoken(helloBytes(hello(1))), spoken(helloBytes(hello(1)))])),
    new Uint8Array(Buffer.concat([spoken(toCbor(["waits", [2]])), spoken(helloBytes(hello(1)))])),
    spoken(toCbor(["abort", "MPC_TIMEOUT", "party 2 sent nothing", "see its log"])),
  ],
  codes: ["MPC_HANDSHAKE", "MPC_VERSION", "MPC_FRAME_INVALID", "MPC_PARTY_LOST", "MPC_TIMEOUT"],
  share: 0.003,
  async read(input, dice) {
    const options = { session: SESSION, index: 0, identity: PARTIES[0]!, attempt: 1, mode: "" };
    const mesh = await openMesh([undefined, speaks(input, dice), speaks(spoken(helloBytes(hello(2))), dice)], options).catch(
      (e: unknown) => e,
    );
    holds(mesh instanceof TacitError, "no handshake without all parties");
    // What a party says rightly before it leaves is its word, with a code of its choice.
    if (!parserSeeds.has(input) && !String(mesh).includes("(said ")) throw mesh;
    return undefined;
  },
};
const parserSeeds: ReadonlySet<Uint8Array> = new Set(handshake.seeds);

export const TRANSPORT_PARSERS: readonly Parser[] = [frames, link, greeting, handshake];
