/** @file Probe: what a party tells anybody of the session of itself: versions, clock, whom it waits for, how fast it is. Nothing secret. Node only. */
import { TacitError } from "@tacit/core/errors";
import type { Identity } from "../identity/identity.ts";
import type { Protocol, Speed } from "../protocols/protocol.ts";
import type { Wire } from "../session/cbor.ts";
import type { Session } from "../session/session-file.ts";
import type { Channel } from "../transport/channel.ts";
import { PROTOCOL_VERSION, SOFTWARE } from "../version.ts";
import { Connection } from "./connection.ts";
import type { LinkMeasure } from "./link-probe.ts";
import { type ProbeCommand, readCommand } from "./messages.ts";

/** What only a party that is joined with the others can tell. */
export interface Joined {
  readonly attempt: number;
  /** Grants that it holds. */
  readonly grants: number;
  /** Bytes of share memory that are not used. */
  readonly memory: number;
  /** Whether something runs now that the driver asked for. */
  readonly busy: boolean;
  readonly waits: readonly number[];
  /** Measures the links, between runs. */
  measure(budget: number): Promise<readonly LinkMeasure[]>;
}

export interface ProbeOptions {
  readonly session: Session;
  readonly identity: Identity;
  readonly protocol: Protocol;
}

/** Questions that a party answers in a second, from all people together; links and speed are measured at most every 10 s. */
const [MOST_QUESTIONS, FRESH_MS] = [50, 10_000];
/** Milliseconds for all links together, and never more than an eighth of the session's time: a run may wait meanwhile. */
const LINKS_MS = 2000;
/** Connections of people who only ask. */
const MOST_DOORS = 16;

/** Remembers a measurement for ten seconds, and lets nobody begin a second one meanwhile. */
class Fresh<T> {
  #made = Number.NEGATIVE_INFINITY;
  #value: Promise<T> | null = null;

  get(make: () => Promise<T>): Promise<T> {
    if (this.#value === null || performance.now() - this.#made > FRESH_MS) {
      this.#made = performance.now();
      const value = make();
      this.#value = value;
      value.catch(() => {
        if (this.#value === value) this.#value = null;
      });
    }
    return this.#value;
  }
}

export class Probe {
  /** Parties that are missing, by their places, until this one is joined with all. */
  missing: readonly number[] = [];
  joined: (() => Joined) | null = null;
  readonly #o: ProbeOptions;
  readonly #began = performance.now();
  readonly #links = new Fresh<readonly LinkMeasure[]>();
  readonly #speed = new Fresh<Speed | null>();
  readonly #doors = new Set<Connection>();
  #second = 0;
  #questions = 0;

  constructor(options: ProbeOptions) {
    this.#o = options;
  }

  /** A connection of somebody who only asks: there is one before the parties are joined, too. */
  serve(channel: Channel): void {
    // Without a closing handshake: a stranger who leaves it unanswered would keep the place for half a minute more.
    if (this.#doors.size >= MOST_DOORS) {
      const stranger = [...this.#doors].find((d) => !d.known);
      if (stranger === undefined) {
        if (channel.cut === undefined) channel.close();
        else channel.cut();
        return;
      }
      stranger.cut();
    }
    const { session, identity } = this.#o;
    const door = new Connection(
      session,
      identity,
      channel,
      async (_from, { body }) => {
        const command = readCommand(body);
        if (command.type === "probe") return this.answer(command);
        throw new TacitError(
          "PROBE_REFUSED",
          `${command.type}: expected a probe on a connection for probes, got another command`,
        );
      },
      (gone) => this.#doors.delete(gone),
    );
    this.#doors.add(door);
  }

  /** @throws TacitError PROBE_REFUSED for too many questions */
  async answer(command: ProbeCommand): Promise<Wire> {
    this.#count();
    switch (command.what) {
      case "facts":
        return this.#facts();
      case "links":
        return this.#measured();
      case "speed": {
        const speed = await this.#speed.get(
          async () => (await this.#o.protocol.speed?.(this.#o.session.file.protocol.options)) ?? null,
        );
        return speed === null ? [] : [[Math.round(speed.bytes), Math.round(speed.products)]];
      }
      default:
        return [command.bytes.length, new Uint8Array(command.reply)];
    }
  }

  #count(): void {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) [this.#second, this.#questions] = [second, 0];
    if (++this.#questions <= MOST_QUESTIONS) return;
    throw new TacitError("PROBE_REFUSED", `probe: expected at most ${MOST_QUESTIONS} questions in a second, got more`);
  }

  #facts(): Wire {
    const joined = this.joined?.();
    return [
      PROTOCOL_VERSION,
      SOFTWARE,
      process.versions.node,
      Date.now(),
      Math.round((performance.now() - this.#began) / 1000),
      [...(joined?.waits ?? this.missing)],
      joined === undefined ? null : [joined.attempt, joined.grants, Math.max(0, joined.memory), joined.busy],
    ];
  }

  /** Empty where a run is on, or this party is not joined. */
  async #measured(): Promise<Wire> {
    const joined = this.joined?.();
    if (joined === undefined || joined.busy) return [];
    const budget = Math.min(LINKS_MS, this.#o.session.timeout / 8);
    const links = await this.#links.get(() => joined.measure(budget));
    const rounded = (x: number | null, unit: number): number | null =>
      x === null ? null : Math.min(Math.round(x * unit), 2 ** 50);
    return links.map((l): Wire => [l.party, rounded(l.roundTrip, 1000), rounded(l.bandwidth, 1)]);
  }
}
