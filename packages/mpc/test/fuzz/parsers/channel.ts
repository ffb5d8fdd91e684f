/** @file Parsers of a channel's two ends: envelopes, also rightly signed over garbage, a person's connection at a party, a party's at a person. */
import { TacitError } from "@tacit/core/errors";
import { PartyClient } from "../../../src/client/party-client.ts";
import { Connection } from "../../../src/party/connection.ts";
import { commandWire, readCommand } from "../../../src/party/messages.ts";
import { toCbor, type Wire } from "../../../src/session/cbor.ts";
import { channelId, EnvelopeReader, type EnvelopeScope, sealEnvelope } from "../../../src/session/envelope.ts";
import type { Channel } from "../../../src/transport/channel.ts";
import { CLIENT_VERSION, SOFTWARE } from "../../../src/version.ts";
import { framed, holds, type Parser, unframed } from "../parser.ts";
import { DRIVER, OWNER, PARTIES, SESSION } from "../world.ts";
import { COMMANDS } from "./party.ts";

const scope: EnvelopeScope = { session: SESSION.id, channel: new Uint8Array(32).fill(3) };
const bodies: readonly Wire[] = COMMANDS.map(commandWire);
const CODES = ["ENVELOPE_INVALID"];

const envelope: Parser = {
  name: "envelope",
  guards: ["mpc/src/session/envelope.ts"],
  form: "cbor",
  seeds: await Promise.all(bodies.map((b) => sealEnvelope(scope, OWNER, 0, b))),
  codes: CODES,
  share: 0.1,
  async read(input) {
    const { sender, sequence, body } = await new EnvelopeReader(scope, SESSION.everyone).open(input);
    holds(sender === "data-owner" && sequence === 0, "its sender and number");
    return sealEnvelope(scope, OWNER, 0, commandWire(readCommand(body)));
  },
};

/** The input stands where the body does; the signature is right. */
const signedGarbage: Parser = {
  name: "signed garbage",
  guards: ["mpc/src/session/envelope.ts", "mpc/src/party/messages.ts"],
  form: "cbor",
  seeds: bodies.map((b) => toCbor(b)),
  codes: CODES,
  share: 0.05,
  async read(input) {
    const head = toCbor([1, scope.session, scope.channel, OWNER.name, 0]);
    const payload = Buffer.concat([Uint8Array.of(0x86), head.subarray(1), input]);
    const sealed = toCbor([payload, await OWNER.sign("envelope", payload)]);
    const { body } = await new EnvelopeReader(scope, SESSION.everyone).open(sealed);
    return toCbor(commandWire(readCommand(body)));
  },
};

/** One end of a channel in the hands of the fuzzer. */
class Held implements Channel {
  readonly sent: Uint8Array[] = [];
  closed = false;
  #on: Parameters<Channel["listen"]>[0] | null = null;

  send(message: Uint8Array): void {
    this.sent.push(message);
  }
  listen(on: Parameters<Channel["listen"]>[0]): void {
    this.#on = on;
  }
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#on?.closed("closed");
  }
  say(message: Uint8Array): void {
    if (!this.closed) this.#on?.message(message);
  }
}

/** Until all that is under way on microtasks and in the platform's crypto has happened. */
async function settled(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** What a stranger may say to a party, message by message: nothing reaches its commands, and it is cut off. */
const connection: Parser = {
  name: "connection of a stranger",
  guards: ["mpc/src/party/connection.ts"],
  form: "bytes",
  seeds: [
    framed([toCbor(["hello", CLIENT_VERSION, SOFTWARE, new Uint8Array(32)]), await sealEnvelope(scope, OWNER, 0, bodies[0]!)]),
    framed([toCbor(["hello", CLIENT_VERSION, SOFTWARE, new Uint8Array(32)])]),
    framed([]),
  ],
  codes: CODES,
  share: 0.01,
  async read(input) {
    const channel = new Held();
    let commands = 0;
    const made = new Connection(
      SESSION,
      PARTIES[0]!,
      channel,
      async () => {
        commands++;
        return [];
      },
      () => {},
    );
    const messages = unframed(input);
    for (const m of messages) channel.say(m);
    await settled();
    holds(commands === 0, "no command without a signature for this connection");
    holds(channel.closed || messages.length <= 1, "whoever says more than a hello is cut off");
    holds(channel.sent.length === 1, "a stranger hears the challenge alone");
    made.close();
    return undefined;
  },
};

/** A party that answers a person's request with what it likes, rightly signed. */
const REPLIES: readonly Wire[] = [
  ["reply", "driver", 0, true, [0, 7, 1]],
  ["reply", "driver", 0, false, ["POLICY_REFUSED", "run: expected a grant, got none", "ask its owner"]],
  ["ended", "MPC_TIMEOUT", "party 2 sent nothing", "see its log"],
];
const reply: Parser = {
  name: "signed replies of a party",
  guards: ["mpc/src/client/party-client.ts", "mpc/src/party/connection.ts"],
  form: "cbor",
  seeds: REPLIES.map((r) => toCbor(r)),
  codes: CODES,
  share: 0.02,
  async read(input) {
    const channel = new Held();
    const opening = PartyClient.open(SESSION, 1, channel);
    channel.say(toCbor(["tacit", CLIENT_VERSION, [SOFTWARE, new Uint8Array(32)]]));
    const client = await opening;
    const nonce = channel.sent[0]!.slice(-32);
    const at = channelId(new Uint8Array(32), nonce, PARTIES[1]!.public);
    const asked = client.request(DRIVER, { type: "drive" }).then(
      () => undefined,
      (e: unknown) => e,
    );
    const head = toCbor([1, SESSION.id, at, PARTIES[1]!.name, 0]);
    const payload = Buffer.concat([Uint8Array.of(0x86), head.subarray(1), input]);
    channel.say(toCbor([payload, await PARTIES[1]!.sign("envelope", payload)]));
    await settled();
    // A reply that is whole is the party's word, with a code of its choice: it leaves the connection open.
    const cut = channel.closed;
    client.close();
    const told = await asked;
    holds(told === undefined || told instanceof TacitError, "a request ends with a reply or an error of ours");
    if (cut) throw told;
    return undefined;
  },
};

/** What a stranger may say to a person before and after the greeting: it is told as a lost party. */
const greeting: Parser = {
  name: "greeting of a party",
  guards: ["mpc/src/client/party-client.ts"],
  form: "bytes",
  seeds: [framed([toCbor(["tacit", CLIENT_VERSION, [SOFTWARE, new Uint8Array(32)]])])],
  codes: ["ENVELOPE_INVALID", "MPC_PARTY_LOST", "MPC_VERSION"],
  share: 0.1,
  async read(input) {
    const channel = new Held();
    const opening = PartyClient.open(SESSION, 0, channel);
    for (const m of unframed(input)) channel.say(m);
    queueMicrotask(() => setImmediate(() => channel.close()));
    await opening;
    return undefined;
  },
};

export const CHANNEL_PARSERS: readonly Parser[] = [envelope, signedGarbage, connection, greeting, reply];
