/** @file Gathering: one party joins all others, whenever they come, and says who is really missing. Node only. */
import type { TLSSocket } from "node:tls";
import { TacitError } from "@tacit/core/errors";
import type { Session } from "../session/session-file.ts";
import { unref } from "../timers.ts";
import { type NetworkOptions, throughNetwork } from "./emulated-network.ts";
import { checkMode, staysHere } from "./handshake.ts";
import type { Introduction } from "./introduction.ts";
import {
  breakOff,
  type Connection,
  finishMesh,
  introduce,
  type Mesh,
  type MeshOptions,
  newContribution,
  notePeriod,
} from "./mesh.ts";
import { connectionOf, dial, type PartyServer, type Reach } from "./tls.ts";

/** How often `waiting` is told. */
const LOOK_MS = 250;
/** What a peer is looked for again after; everything else it is wrong about for good. */
const PASSING: ReadonlySet<string> = new Set(["MPC_PARTY_LOST", "MPC_TIMEOUT"]);

/**
 * Introduces itself to every other party: dials those before this one, is called by those after it. Each two introduce themselves at
 * once, before all are there, and then tell each other whom they wait for.
 */
class Gathering {
  readonly #o: MeshOptions & Reach & Emulation;
  readonly #server: PartyServer;
  readonly #contribution = newContribution();
  readonly #line: (connection: Connection) => Connection;
  /** Parties without a connection. */
  readonly #wanted = new Set<number>();
  readonly #introduced = new Map<number, Introduction>();
  readonly #greeted = new Set<number>();
  /** Why parties that are gone said they would be. */
  readonly #lastWords = new Map<number, string>();
  readonly #stop = new AbortController();
  /** All are introduced: a loss ends the handshake from now on. */
  #finishing = false;
  #over = false;
  #resolve: () => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(server: PartyServer, options: MeshOptions & Reach & Emulation) {
    this.#server = server;
    this.#o = options;
    this.#line = lineOf(options.session, options);
    for (const j of options.session.file.parties.keys()) if (j !== options.index) this.#wanted.add(j);
  }

  /** @throws TacitError MPC_TIMEOUT, MPC_HANDSHAKE, MPC_VERSION, or the reason of the signal; all connections are closed then */
  async mesh(): Promise<Mesh> {
    const { session, patience = session.timeout, waiting, signal } = this.#o;
    checkMode(session, this.#o.mode);
    const began = performance.now();
    const aborted = new Promise<never>((_, reject) => {
      const abort = (): void => reject(signal?.reason);
      if (signal?.aborted === true) abort();
      signal?.addEventListener("abort", abort);
      this.#stop.signal.addEventListener("abort", () => signal?.removeEventListener("abort", abort));
    });
    aborted.catch(() => {});
    const told = setInterval(() => waiting?.(this.#missing(), performance.now() - began), LOOK_MS);
    const notes = setInterval(() => this.#note(), notePeriod(session.timeout));
    let finished: Promise<Mesh> | null = null;
    try {
      await Promise.race([this.#all(patience), aborted]);
      this.#server.accept(session, new Set(), () => {});
      clearInterval(notes);
      finished = finishMesh(
        [...this.#introduced.values()],
        this.#contribution,
        this.#o,
        Math.max(began + patience, performance.now() + session.timeout),
      );
      return await Promise.race([finished, aborted]);
    } catch (e) {
      await breakOff(this.#introduced.values(), e);
      await finished?.then(
        (mesh) => mesh.close(),
        () => {},
      );
      throw e;
    } finally {
      clearInterval(told);
      clearInterval(notes);
      this.#stop.abort();
    }
  }

  /** Resolves when every other party has introduced itself. */
  async #all(patience: number): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const late = (): void => {
      this.#over = true;
      // Whoever is connected gets the session's time for its hello.
      if (this.#wanted.size > 0) this.#reject(this.#late(patience));
    };
    // A signal to stop ends the wait from outside: the timer must not keep the process until its patience is over.
    const timer = unref(setTimeout(late, patience));
    try {
      this.#server.accept(this.#o.session, this.#wanted, (j, socket) => this.#put(j, socket));
      for (const j of [...this.#wanted]) if (j < this.#o.index) this.#dial(j);
      await done;
    } finally {
      clearTimeout(timer);
      this.#resolve = () => {};
      this.#reject = () => {};
    }
  }

  /** Parties that this one is not joined with; if there is none, those that others wait for. */
  #missing(): readonly number[] {
    const own = this.#own();
    if (own.length > 0) return own;
    return [...new Set([...this.#introduced.values()].flatMap((i) => i.waits))].sort();
  }

  #own(): number[] {
    return [...this.#o.session.file.parties.keys()].filter((j) => j !== this.#o.index && !this.#greeted.has(j));
  }

  #note(): void {
    const { timeout } = this.#o.session;
    const own = this.#own();
    for (const [j, introduction] of this.#introduced) {
      if (introduction.link.silence > timeout) this.#drop(j, introduction);
      else introduction.note(own);
    }
  }

  /** Names who is missing, and what the others know of them: who gave up is not blamed where somebody else is missing. */
  #late(patience: number): TacitError {
    const { session } = this.#o;
    const own = this.#own();
    const silent = own.filter((j) => !this.#lastWords.has(j));
    const missing = silent.length > 0 ? silent : own;
    const names = missing.map((j) => session.showParty(j)).join(", ");
    const others = [...this.#introduced.values()].filter((i) => this.#greeted.has(i.index));
    const views = others.map(({ link, waits }) => {
      const too = missing.filter((j) => waits.includes(j)).map((j) => session.partyName(j));
      if (too.length > 0) return `${link.peer} waits for ${too.join(", ")} too`;
      return `${link.peer} is joined with ${missing.length === 1 ? "it" : "them"}`;
    });
    const words = own.flatMap((j) => {
      const word = this.#lastWords.get(j);
      return word === undefined ? [] : [`${session.showParty(j)} gave up: ${word}`];
    });
    const told = [...views, ...words].map((text) => `; ${text}`).join("");
    return new TacitError(
      "MPC_TIMEOUT",
      `waiting for ${names}: expected ${missing.length === 1 ? "it" : "them"} within ${patience / 1000} s, got nobody${told}`,
      { hint: "see whether that party runs, and whether it can be reached from here and from the others" },
    );
  }

  #dial(j: number): void {
    dial(this.#o.session, j, this.#server.leaf, this.#stop.signal, this.#o).then(
      (s) => this.#put(j, s),
      (e: unknown) => {
        // The time of all is up in the same moment: that error says more.
        if (!(e instanceof TacitError && e.code === "MPC_TIMEOUT")) this.#reject(e);
      },
    );
  }

  #put(j: number, socket: TLSSocket): void {
    if (this.#stop.signal.aborted || this.#introduced.has(j)) return void socket.destroy();
    const introduction = introduce(this.#line(connectionOf(socket)), j, this.#contribution, this.#o);
    this.#introduced.set(j, introduction);
    this.#wanted.delete(j);
    introduction.lost.catch(() => this.#drop(j, introduction));
    introduction.greeted.then(
      () => {
        if (this.#introduced.get(j) !== introduction) return;
        this.#greeted.add(j);
        this.#lastWords.delete(j);
        if (this.#own().length > 0) return;
        this.#finishing = true;
        this.#resolve();
      },
      (e: unknown) => {
        if (e instanceof TacitError && PASSING.has(e.code)) this.#drop(j, introduction);
        else this.#reject(e);
      },
    );
  }

  /** A party that is lost while others are awaited is looked for again: it may have been started anew. */
  #drop(j: number, introduction: Introduction): void {
    const { lastWord } = introduction;
    if (lastWord !== null) this.#lastWords.set(j, lastWord.message);
    if (this.#introduced.get(j) !== introduction || this.#finishing) return;
    this.#introduced.delete(j);
    this.#greeted.delete(j);
    void introduction.link.close();
    this.#wanted.add(j);
    if (this.#over) this.#reject(this.#late(this.#o.patience ?? this.#o.session.timeout));
    else if (j < this.#o.index) this.#dial(j);
  }
}

/** Only `mpc.local` has this: a network to emulate on the links of a session whose parties are all on this machine. */
export interface Emulation {
  readonly network?: NetworkOptions;
}

/** What the links lead through. @throws TacitError MPC_HANDSHAKE in a session that reaches other machines */
function lineOf(session: Session, { network }: Emulation): (connection: Connection) => Connection {
  if (network === undefined) return (connection) => connection;
  if (staysHere(session)) return (connection) => throughNetwork(connection, network);
  throw new TacitError(
    "MPC_HANDSHAKE",
    "connect: expected no emulated network in a session that reaches other machines, got one",
    {
      hint: "networks are emulated under mpc.local alone",
    },
  );
}

/**
 * Connects party `index` to all others over TLS, waiting for them for `patience`.
 * @throws TacitError MPC_TIMEOUT, MPC_HANDSHAKE, MPC_VERSION, MPC_PARTY_LOST
 */
export async function connectParties(server: PartyServer, options: MeshOptions & Reach & Emulation): Promise<Mesh> {
  return new Gathering(server, options).mesh();
}
