/** @file Transcript: what this party took part in, as JSON lines. Program ids, bindings, reveals with to and why; never values. */
import { closeSync, openSync } from "node:fs";
import { TacitError } from "@tacit/core/errors";
import type { BoundRun } from "../session/consent.ts";
import { append } from "./disk.ts";

export type TranscriptEntry =
  | { readonly event: "session"; readonly session: string; readonly party: string; readonly attempt: number }
  | {
      readonly event: "input";
      readonly handle: string;
      readonly owner: string;
      readonly shape: readonly number[];
      readonly dtype: string;
    }
  | { readonly event: "grant"; readonly grant: string; readonly program: string; readonly signers: readonly string[] }
  | { readonly event: "revoke"; readonly grant: string; readonly by: string }
  | {
      readonly event: "run";
      readonly run: number;
      readonly grant: string | null;
      readonly bound: BoundRun;
      readonly outputs: readonly string[];
    }
  | { readonly event: "done"; readonly run: number; readonly rounds: number; readonly bytes: number; readonly frames: number }
  | {
      /** "deliver": into the mailbox of its recipient. */
      readonly event: "reveal" | "deliver";
      readonly run: number;
      readonly grant: string;
      readonly handle: string;
      readonly program: string;
      readonly output: number;
      readonly to: string;
      readonly why: string;
    }
  | { readonly event: "received"; readonly to: string; readonly runs: readonly number[] }
  | {
      readonly event: "checkpoint";
      readonly run: number;
      readonly step: number;
      readonly values: number;
      readonly bytes: number;
    }
  | { readonly event: "resume"; readonly run: number; readonly checkpoint: number; readonly attempt: number }
  | { readonly event: "forget"; readonly run: number }
  | { readonly event: "refused"; readonly code: string; readonly message: string }
  | { readonly event: "end"; readonly code: string; readonly message: string };

/** Lines, and characters of them, that are kept in memory for a driver who asks: the last 500 steps of a training. The file keeps all. */
const [KEPT, KEPT_CHARACTERS] = [1000, 4_194_304];

export class Transcript {
  readonly #file: number | null;
  readonly #lines: string[] = [];
  #characters = 0;

  /** `path` null keeps the transcript in memory alone. */
  constructor(path: string | null) {
    this.#file = path === null ? null : openSync(path, "a", 0o600);
  }

  /** @throws TacitError MPC_DISK */
  add(entry: TranscriptEntry): void {
    const line = JSON.stringify({ time: new Date().toISOString(), ...entry });
    this.#lines.push(line);
    this.#characters += line.length;
    while (this.#lines.length > KEPT || (this.#lines.length > 1 && this.#characters > KEPT_CHARACTERS)) {
      this.#characters -= this.#lines.shift()?.length ?? 0;
    }
    if (this.#file !== null) append(this.#file, `${line}\n`, "transcript");
  }

  /** The same for what has happened already: a full disk must not hide it from the others. */
  note(entry: TranscriptEntry): void {
    try {
      this.add(entry);
    } catch (e) {
      if (!(e instanceof TacitError)) throw e;
    }
  }

  /** The latest. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
  }
}
