/** @file PartyClient: a person's side of one connection to one party: signed requests, verified replies. */
import { TacitError } from "@tacit/core/errors";
import type { Identity } from "../identity/identity.ts";
import { readError } from "../party/connection.ts";
import { type Command, commandWire } from "../party/messages.ts";
import { type Fields, fromCbor, toCbor } from "../session/cbor.ts";
import { channelId, EnvelopeReader, type EnvelopeScope, sealEnvelope } from "../session/envelope.ts";
import type { Session } from "../session/session-file.ts";
import { type Channel, CLIENT_MESSAGE, SILENT, STRANGER_BYTES } from "../transport/channel.ts";
import { CLIENT_VERSION, SOFTWARE, softwareOf, versionError } from "../version.ts";
import { readFacts } from "./facts.ts";
import { Heartbeat } from "./heartbeat.ts";

const CODE = "ENVELOPE_INVALID";
/** Bytes of an envelope around its command. */
const OVERHEAD = 512;
/** Bytes of frames and of answers to pings that are not counted here. */
const HANDSHAKE = 4096;
const FACTS: Command = { type: "probe", what: "facts", bytes: new Uint8Array(0), reply: 0 };

/** What a request is about, as errors say it. */
const placeOf = (c: Command): string =>
  "handle" in c && (c.type === "put" || c.type === "chunk") ? `input ${c.handle}` : "run" in c ? `${c.type} ${c.run}` : c.type;

interface Pending {
  /** Where an error is: "input data-owner/images", "run 12". */
  readonly place: string;
  readonly resolve: (body: Fields) => void;
  readonly reject: (error: TacitError) => void;
  /** false: a question about life, which itself needs no watching. */
  readonly counts: boolean;
}

export class PartyClient {
  readonly index: number;
  /** The party's name in the session. */
  readonly name: string;
  /** The version of the party's software, from its greeting. */
  software = "";
  readonly #session: Session;
  readonly #channel: Channel;
  readonly #pending = new Map<string, Pending>();
  readonly #sequences = new Map<string, number>();
  #scope: EnvelopeScope | null = null;
  #reader: EnvelopeReader | null = null;
  /** Waits for the party's challenge. */
  #greeted: { resolve(challenge: Uint8Array): void; reject(error: TacitError): void } | null = null;
  #sending: Promise<void> = Promise.resolve();
  /** Bytes that the party still takes before it knows who speaks. */
  #allowance = STRANGER_BYTES;
  /** Whether it knows: it has answered, or is lost. */
  readonly #known = Promise.withResolvers<void>();
  #isKnown = false;
  #receiving: Promise<void> = Promise.resolve();
  readonly #heartbeat: Heartbeat;
  /** Whoever asked last signs the questions about life. */
  #asks: Identity | null = null;
  #lost: TacitError | null = null;
  #closing = false;

  private constructor(session: Session, index: number, channel: Channel) {
    this.#session = session;
    this.index = index;
    this.name = session.partyName(index);
    this.#channel = channel;
    this.#heartbeat = new Heartbeat({
      timeout: session.timeout,
      pending: () => this.#lost === null && [...this.#pending.values()].some((p) => p.counts),
      buffered: () => channel.buffered?.() ?? 0,
      ask: async () => (this.#asks === null ? [] : readFacts(await this.#ask(this.#asks, FACTS, false)).waits),
      silent: () => this.#silent(),
    });
  }

  /** Whom the party says it waits for, while this client waits for it. */
  get waits(): readonly number[] {
    return this.#heartbeat.waits;
  }

  /** Whether this client waits for it and it gives no sign of life. */
  get isSilent(): boolean {
    return this.#heartbeat.isSilent;
  }

  /**
   * Greets the party over `channel`, which it has `patience` milliseconds to answer.
   * @throws TacitError MPC_TIMEOUT, MPC_PARTY_LOST, MPC_VERSION, ENVELOPE_INVALID
   */
  static async open(session: Session, index: number, channel: Channel, patience: number = session.timeout): Promise<PartyClient> {
    const client = new PartyClient(session, index, channel);
    const greeted = new Promise<Uint8Array>((resolve, reject) => {
      client.#greeted = { resolve, reject };
    });
    channel.listen({ message: (bytes) => client.#arrived(bytes), closed: (reason) => client.#hungUp(reason) });
    const timer = setTimeout(() => {
      client.#fail(new TacitError("MPC_TIMEOUT", `${session.showParty(index)} sent no greeting for ${patience / 1000} s`));
      channel.close();
    }, patience);
    const challenge = await greeted.finally(() => clearTimeout(timer));
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    const party = session.file.parties[index]!.identity;
    const scope = { session: session.id, channel: channelId(challenge, nonce, party) };
    client.#scope = scope;
    client.#reader = new EnvelopeReader(scope, new Map([[party.name, party]]));
    const hello = toCbor(["hello", CLIENT_VERSION, SOFTWARE, nonce]);
    client.#allowance -= hello.length + HANDSHAKE;
    channel.send(hello);
    return client;
  }

  /** Sends a command signed by `identity`; resolves with the fields of the reply. @throws TacitError what the party said, or MPC_PARTY_LOST */
  request(identity: Identity, command: Command): Promise<Fields> {
    this.#asks = identity;
    this.#heartbeat.begin();
    return this.#ask(identity, command, true);
  }

  #ask(identity: Identity, command: Command, counts: boolean): Promise<Fields> {
    const scope = this.#scope;
    if (this.#lost !== null || scope === null) return Promise.reject(this.#lost ?? this.#gone());
    const wire = commandWire(command);
    // A first command that is large is announced by a small one.
    if (this.#sequences.size === 0 && toCbor(wire).length + OVERHEAD > this.#allowance) {
      this.#ask(identity, FACTS, false).catch(() => {});
    }
    const sequence = this.#sequences.get(identity.name) ?? 0;
    this.#sequences.set(identity.name, sequence + 1);
    return new Promise<Fields>((resolve, reject) => {
      this.#pending.set(`${identity.name} ${sequence}`, { place: placeOf(command), resolve, reject, counts });
      this.#sending = this.#sending
        .then(async () => this.#send(await sealEnvelope(scope, identity, sequence, wire)))
        .catch((e: unknown) => this.#fail(e instanceof TacitError ? e : this.#gone()));
    });
  }

  async #send(message: Uint8Array): Promise<void> {
    if (message.length > CLIENT_MESSAGE) {
      throw new TacitError(
        "MPC_MESSAGE_LIMIT",
        `send: expected at most ${CLIENT_MESSAGE} bytes to a party, got ${message.length}`,
        {
          hint: "give large values once, as inputs, and not with each run",
        },
      );
    }
    if (!this.#isKnown) {
      if (message.length > this.#allowance) await this.#known.promise;
      this.#allowance -= message.length;
    }
    this.#channel.send(message);
  }

  #becomeKnown(): void {
    this.#isKnown = true;
    this.#known.resolve();
  }

  /** The party may close from now on. */
  closing(): void {
    this.#closing = true;
  }

  close(): void {
    this.#closing = true;
    this.#channel.close();
    this.#fail(new TacitError("SESSION_CLOSED", "session: expected an open session, got one that was closed"));
  }

  #gone(reason = ""): TacitError {
    if (this.#closing) return new TacitError("SESSION_CLOSED", "session: expected an open session, got one that was closed");
    const who = this.#session.showParty(this.index);
    const place = this.#place;
    if (reason === SILENT) {
      return new TacitError("MPC_TIMEOUT", `${who} answered nothing for ${(2 * this.#session.timeout) / 1000} s in ${place}`, {
        hint: "see whether that party still runs and can be reached",
      });
    }
    return new TacitError("MPC_PARTY_LOST", `${who} closed its connection in ${place}`, {
      hint: "see that party's log; it hangs up on messages of another session, key or version",
    });
  }

  /** What it waits for. */
  get #place(): string {
    const [first] = [...this.#pending.values()].filter((p) => p.counts);
    return first?.place ?? (this.#scope === null ? "the greeting" : "no request");
  }

  #silent(): void {
    const { timeout } = this.#session;
    const who = this.#session.showParty(this.index);
    this.#fail(
      new TacitError("MPC_TIMEOUT", `${who} answered nothing for ${(1.5 * timeout) / 1000} s in ${this.#place}`, {
        hint: "see whether that party still runs and can be reached; then begin the session again from the last checkpoint",
      }),
    );
    this.#channel.close();
  }

  /** Its last words, which may say why, are read first. */
  #hungUp(reason?: string): void {
    const gone = this.#gone(reason);
    this.#receiving = this.#receiving.then(() => this.#fail(gone));
  }

  #fail(error: TacitError): void {
    this.#lost ??= error;
    this.#becomeKnown();
    this.#heartbeat.end();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const p of pending) p.reject(this.#lost);
    this.#greeted?.reject(this.#lost);
    this.#greeted = null;
  }

  #arrived(bytes: Uint8Array): void {
    this.#receiving = this.#receiving.then(async () => {
      try {
        await this.#take(bytes);
      } catch (e) {
        // First the reason: closing tells of a party that is gone.
        this.#fail(this.#unread(e));
        this.#channel.close();
      }
    });
  }

  /** What a party sent cannot be read: says whose it was. */
  #unread(e: unknown): TacitError {
    const who = this.#session.showParty(this.index);
    const what = e instanceof TacitError ? e.message : "reply: expected a reply of this version, got another";
    const hint =
      e instanceof TacitError && e.hint !== undefined ? e.hint : "that party has another version, or is faulty or hostile";
    const code = e instanceof TacitError ? e.code : CODE;
    return new TacitError(code, what.includes(who) ? what : `${who}: ${what}`, { hint, cause: e });
  }

  async #take(bytes: Uint8Array): Promise<void> {
    if (this.#greeted !== null) {
      const f = fromCbor(bytes, "greeting", CODE, 3);
      if (f.text() !== "tacit") throw new TacitError(CODE, "greeting: expected that of a party, got another message");
      const version = f.uint();
      if (version !== CLIENT_VERSION) {
        const where = `greeting of ${this.#session.showParty(this.index)}`;
        throw versionError(where, CLIENT_VERSION, { version, software: softwareOf(() => f.fields().text(32)) });
      }
      const rest = f.fields(2);
      this.software = rest.text(32);
      this.#greeted.resolve(rest.bytes(32));
      this.#greeted = null;
      return;
    }
    if (this.#reader === null) throw new TacitError(CODE, "reply: expected a greeting first, got another message");
    const { body } = await this.#reader.open(bytes);
    this.#becomeKnown();
    this.#heartbeat.hear();
    if (body.text() === "ended") return this.#fail(readError(body));
    const key = `${body.text()} ${body.uint()}`;
    const ok = body.boolean();
    const rest = body.fields();
    body.end();
    const error = ok ? undefined : readError(rest);
    // Only now, when the reply is read whole: one that is not ends all that wait, this request among them.
    const pending = this.#pending.get(key);
    this.#pending.delete(key);
    if (error === undefined) pending?.resolve(rest);
    else pending?.reject(error);
  }
}
