/** @file What runs cost: measured by the parties' own counters, and predicted for a network. */
import type { Cost } from "../protocols/protocol.ts";
import type { NetworkOptions } from "../transport/emulated-network.ts";

export type { NetworkOptions };

/** A session's total so far. Bytes and frames are those between parties, headers included. */
export interface SessionCost {
  readonly rounds: number;
  readonly bytesPerParty: readonly number[];
  readonly framesPerParty: readonly number[];
  /** Wall-clock seconds of the runs, as the driver saw them. */
  readonly seconds: number;
  readonly runs: number;
  readonly reveals: number;
}

/** Time on the wire alone: rounds one after the other, and the fullest party's bytes through its own line. */
export function predictSeconds(cost: Pick<Cost, "rounds" | "bytesPerParty">, network: NetworkOptions): number {
  return cost.rounds * network.latency + (Math.max(0, ...cost.bytesPerParty) * 8) / network.bandwidth;
}

export class CostMeter {
  readonly #bytes: number[];
  readonly #frames: number[];
  #rounds = 0;
  #seconds = 0;
  #runs = 0;
  #reveals = 0;

  constructor(parties: number) {
    this.#bytes = new Array<number>(parties).fill(0);
    this.#frames = new Array<number>(parties).fill(0);
  }

  /** Adds one run; rounds are the maximum over parties. */
  add(
    parties: readonly { readonly rounds: number; readonly bytesSent: number; readonly framesSent: number }[],
    seconds: number,
  ): void {
    for (const [i, p] of parties.entries()) {
      this.#bytes[i] = (this.#bytes[i] ?? 0) + p.bytesSent;
      this.#frames[i] = (this.#frames[i] ?? 0) + p.framesSent;
    }
    this.#rounds += Math.max(0, ...parties.map((p) => p.rounds));
    this.#seconds += seconds;
    this.#runs++;
  }

  revealed(): void {
    this.#reveals++;
  }

  total(): SessionCost {
    return {
      rounds: this.#rounds,
      bytesPerParty: [...this.#bytes],
      framesPerParty: [...this.#frames],
      seconds: this.#seconds,
      runs: this.#runs,
      reveals: this.#reveals,
    };
  }
}
