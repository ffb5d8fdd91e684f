/** @file Connection: one person's channel at a party. Challenge, verified envelopes in order, signed replies. */
import { TacitError } from "@tacit/core/errors";
import { errorCode, printable } from "../identity/encoding.ts";
import type { Identity } from "../identity/identity.ts";
import { type Fields, fromCbor, toCbor, type Wire } from "../session/cbor.ts";
import { channelId, type Envelope, EnvelopeReader, type EnvelopeScope, sealEnvelope } from "../session/envelope.ts";
import type { Session } from "../session/session-file.ts";
import { type Channel, CLIENT_MESSAGE, STRANGER_BYTES } from "../transport/channel.ts";
import { CLIENT_VERSION, SOFTWARE } from "../version.ts";

/** What a party does with a verified command, which came in so many bytes; the reply's body, or an error. */
export type Handler = (from: Connection, envelope: Envelope, bytes: number) => Promise<Wire>;

/** Messages that may wait for their turn on one connection. */
const MOST_WAITING = 1024;
/** Bytes of replies that a client may leave unread: who asks and never reads must not fill the party's memory. */
const MOST_UNREAD = 2 * CLIENT_MESSAGE;
const CODE = "ENVELOPE_INVALID";

export class Connection {
  readonly #session: Session;
  readonly #identity: Identity;
  readonly #channel: Channel;
  readonly #handle: Handler;
  readonly #challenge = crypto.getRandomValues(new Uint8Array(32));
  #scope: EnvelopeScope | null = null;
  #reader: EnvelopeReader | null = null;
  #tail: Promise<void> = Promise.resolve();
  /** Somebody of this session has spoken: others must not hold a place for long. */
  #known = false;
  /** Whom the party serves over it; it says who. */
  readonly people: Set<string> = new Set();
  #waiting = 0;
  #waitingBytes = 0;
  /** Bytes that came before anybody was known. */
  #strange = 0;
  #sequence = 0;
  #sending: Promise<void> = Promise.resolve();

  constructor(session: Session, identity: Identity, channel: Channel, handle: Handler, closed: (c: Connection) => void) {
    this.#session = session;
    this.#identity = identity;
    this.#channel = channel;
    this.#handle = handle;
    const timer = setTimeout(() => this.#known || this.cut(), session.timeout);
    channel.listen({
      message: (bytes) => this.#arrived(bytes),
      closed: () => {
        clearTimeout(timer);
        closed(this);
      },
    });
    channel.send(toCbor(["tacit", CLIENT_VERSION, [SOFTWARE, this.#challenge]]));
  }

  /** Whether somebody of this session has spoken on it. */
  get known(): boolean {
    return this.#known;
  }

  close(): void {
    this.#channel.close();
  }

  /** For those who are owed no last word. */
  cut(): void {
    if (this.#channel.cut === undefined) this.#channel.close();
    else this.#channel.cut();
  }

  /** Resolves when every reply so far was handed to the channel. */
  async flushed(): Promise<void> {
    await this.#sending;
  }

  /** Tells the client that the session is over. */
  ended(error: TacitError): void {
    this.#reply(["ended", error.code, error.message, error.hint ?? ""]);
  }

  #arrived(bytes: Uint8Array): void {
    this.#waiting++;
    this.#waitingBytes += bytes.length;
    if (!this.#known) this.#strange += bytes.length;
    const strange = !this.#known && this.#strange > STRANGER_BYTES;
    if (strange || this.#waiting > MOST_WAITING || this.#waitingBytes > 2 * this.#session.file.limits.message) {
      this.cut();
      return;
    }
    this.#tail = this.#tail.then(async () => {
      try {
        await this.#take(bytes);
      } catch {
        this.cut();
      }
      this.#waiting--;
      this.#waitingBytes -= bytes.length;
    });
  }

  /** Whoever sends what cannot be verified is cut off without an answer. */
  async #take(bytes: Uint8Array): Promise<void> {
    if (this.#reader === null) {
      const f = fromCbor(bytes, "hello", CODE, 4, 5);
      if (f.text() !== "hello") throw new TacitError(CODE, "hello: expected a hello, got another message");
      f.uint(CLIENT_VERSION, CLIENT_VERSION);
      f.text(32);
      this.#scope = { session: this.#session.id, channel: channelId(this.#challenge, f.bytes(32), this.#identity.public) };
      this.#reader = new EnvelopeReader(this.#scope, this.#session.everyone);
      return;
    }
    const envelope = await this.#reader.open(bytes);
    if (!this.#known) this.#channel.admit?.();
    this.#known = true;
    const work = this.#handle(this, envelope, bytes.length).then(
      (body) => this.#reply(["reply", envelope.sender, envelope.sequence, true, body]),
      (e: unknown) => this.#reply(["reply", envelope.sender, envelope.sequence, false, errorWire(e)]),
    );
    // Commands of one connection are taken up in order; how far they may overlap, and how many at most, is the party's business.
    void work;
  }

  #reply(body: Wire): void {
    const scope = this.#scope;
    if (scope === null) return;
    const sequence = this.#sequence++;
    this.#sending = this.#sending
      .then(async () => {
        if ((this.#channel.buffered?.() ?? 0) > MOST_UNREAD) throw new TacitError(CODE, "reply: expected a client that reads");
        this.#channel.send(await sealEnvelope(scope, this.#identity, sequence, body));
      })
      .catch(() => this.cut());
  }
}

/** Errors that are not ours may hold anything: they travel without their text. */
function errorWire(e: unknown): Wire {
  if (e instanceof TacitError) return [e.code, e.message.slice(0, 1000), (e.hint ?? "").slice(0, 1000)];
  return ["MPC_PARTY_FAILED", "party: expected a command that can be done, got an internal error", "see that party's log"];
}

/** The inverse at the client, where the words of a party that lies reach a terminal. */
export function readError(f: Fields): TacitError {
  const code = errorCode(f.text(64), "MPC_PARTY_LOST");
  const message = printable(f.text(1000));
  const hint = printable(f.text(1000));
  f.end();
  return new TacitError(code, message, hint === "" ? {} : { hint });
}
