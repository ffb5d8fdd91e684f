/** @file Mesh: one party's links to all others, from connected carriers to checked, keyed links. */
import { TacitError } from "@tacit/core/errors";
import { sameBytes } from "../identity/encoding.ts";
import type { Identity } from "../identity/identity.ts";
import type { Session } from "../session/session-file.ts";
import { FrameLink } from "./frame-link.ts";
import {
  checkMode,
  commonKey,
  type Ephemeral,
  type Hello,
  helloBytes,
  KeyRing,
  newEphemeral,
  pairKey,
  readHello,
  readyBytes,
} from "./handshake.ts";
import type { Carrier } from "./outbox.ts";

/** A connected, authenticated stream: what TLS or a pair of pipes offers. */
export interface Connection {
  /** Makes the link's carrier and begins to feed it: nothing was read before. */
  attach(open: (carrier: Carrier) => { feed(chunk: Uint8Array): void; closed(): void }): void;
}

export interface Mesh {
  readonly index: number;
  /** [j] is the link to party j; undefined at [index]. */
  readonly links: readonly (FrameLink | undefined)[];
  /** Takes what party j said after the handshake, before anybody listened. */
  early(j: number): readonly Uint8Array[];
  readonly keys: KeyRing;
  /** The largest that any party proposed: never used before by any of them. */
  readonly attempt: number;
  /** What all parties were started with beyond the session; "" but in tests. */
  readonly mode: string;
  close(): Promise<void>;
}

export interface MeshOptions {
  readonly session: Session;
  readonly index: number;
  readonly identity: Identity;
  /** One more than this party has ever used in this session. */
  readonly attempt: number;
  /** "" for a plain session. */
  readonly mode: string;
}

function linkOver(connection: Connection, session: Session, peer: number): FrameLink {
  const { message, memory, timeout } = session.file.limits;
  const made: FrameLink[] = [];
  connection.attach((carrier) => {
    const link = new FrameLink(carrier, { peer: session.showParty(peer), message, queue: memory / 2, timeout });
    made.push(link);
    return link;
  });
  return made[0]!;
}

/** Control messages that a fast peer may send before this party listens: its counters, 4 KiB each. */
const MOST_EARLY = 4096;

/** Both messages of a link's handshake are listened for before the first is sent: a fast peer loses none. */
class Introduction {
  readonly link: FrameLink;
  readonly #messages: Uint8Array[] = [];
  #wake: (() => void) | null = null;
  #error: TacitError | null = null;

  constructor(link: FrameLink) {
    this.link = link;
    link.onControl = (bytes) => {
      if (this.#messages.length >= MOST_EARLY)
        link.fail(new TacitError("MPC_HANDSHAKE", `handshake: ${link.peer} spoke out of turn`));
      this.#messages.push(bytes);
      this.#wake?.();
    };
    link.onLost = (error) => {
      this.#error = error;
      this.#wake?.();
    };
  }

  async next(timeout: number): Promise<Uint8Array> {
    const until = Date.now() + timeout;
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.#error !== null) throw this.#error;
      const left = until - Date.now();
      if (left <= 0) throw new TacitError("MPC_TIMEOUT", `handshake: ${this.link.peer} sent nothing for ${timeout / 1000} s`);
      await this.#wait(left);
    }
  }

  /** What came after the handshake. */
  rest(): readonly Uint8Array[] {
    return this.#messages.splice(0);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/**
 * Runs the handshake over `connections` ([j] to party j) and returns keyed links.
 * @throws TacitError MPC_HANDSHAKE, MPC_TIMEOUT, MPC_PARTY_LOST; all links are closed then
 */
export async function openMesh(connections: readonly (Connection | undefined)[], options: MeshOptions): Promise<Mesh> {
  const { session } = options;
  checkMode(session, options.mode);
  const introductions = connections.map((c, j) => (c === undefined ? undefined : new Introduction(linkOver(c, session, j))));
  const links = introductions.map((i) => i?.link);
  try {
    const contribution = crypto.getRandomValues(new Uint8Array(32));
    const greeted = await Promise.all(
      introductions.map((i, j) => (i === undefined ? undefined : greet(i, j, contribution, options))),
    );
    const attempt = Math.max(options.attempt, ...greeted.map((g) => g?.hello.attempt ?? 0));
    const contributions = greeted.map((g) => g?.hello.contribution ?? contribution);
    const ready = readyBytes(session, attempt, contributions);
    await Promise.all(introductions.map((i) => (i === undefined ? undefined : agreeReady(i, ready, session.timeout))));
    const keys = greeted.map((g) => g?.key ?? commonKey(session, contributions));
    contribution.fill(0);
    const early = (j: number): readonly Uint8Array[] => introductions[j]?.rest() ?? [];
    return { ...meshOf(options, links, new KeyRing(session, options.index, keys), attempt), early };
  } catch (e) {
    await Promise.all(links.map((l) => l?.close()));
    throw e;
  }
}

function meshOf(
  { index, mode }: MeshOptions,
  links: readonly (FrameLink | undefined)[],
  keys: KeyRing,
  attempt: number,
): Omit<Mesh, "early"> {
  const close = async (): Promise<void> => {
    keys.close();
    await Promise.all(links.map((l) => l?.close()));
  };
  return { index, links, keys, attempt, mode, close };
}

async function greet(
  introduction: Introduction,
  other: number,
  contribution: Uint8Array,
  { session, index, identity, attempt, mode }: MeshOptions,
): Promise<{ hello: Hello; key: Uint8Array }> {
  const ephemeral: Ephemeral = await newEphemeral();
  const own: Hello = { session: session.id, index, attempt, ephemeral: ephemeral.public, contribution, mode };
  introduction.link.sendControl(helloBytes(own));
  const hello = readHello(await introduction.next(session.timeout), session, other, mode);
  return { hello, key: await pairKey(session, identity, ephemeral, { own, other: hello }) };
}

async function agreeReady(introduction: Introduction, ready: Uint8Array, timeout: number): Promise<void> {
  introduction.link.sendControl(ready);
  if (sameBytes(await introduction.next(timeout), ready)) return;
  throw new TacitError(
    "MPC_HANDSHAKE",
    `handshake with ${introduction.link.peer}: expected the same attempt and hellos, got others`,
    {
      hint: "a party told different things to different parties: find out which before you go on",
    },
  );
}
