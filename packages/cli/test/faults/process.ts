/** @file One process of the rig: started with or without the hook, halted at a phase, watched, and ended by id. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Bundle } from "./bundle.ts";
import type { Lie, Orders } from "./hook.ts";

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a process says last when it fails. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export const NO_ORDERS: Orders = {
  halt: [],
  nth: 1,
  after: false,
  lie: null,
  bit: 0,
  hours: 0,
  via: {},
  tellShares: false,
  tellMessages: false,
  gate: false,
};
export type Partial<T> = { readonly [K in keyof T]?: T[K] };

export interface Start {
  readonly name: string;
  readonly cwd: string;
  readonly code: Bundle;
  readonly script: "tacit" | "driver";
  readonly args: readonly string[];
  /** Loads the hook. */
  readonly orders?: Partial<Orders>;
  /** Words before the command: how to enter a namespace. */
  readonly within?: readonly string[];
}

export class Proc {
  readonly name: string;
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
  /** When it ended. */
  endedAt = 0;
  stdout = "";
  stderr = "";
  /** What the hook said. */
  told = "";
  readonly lie: Lie | null;
  #heard: (() => void)[] = [];

  constructor({ name, cwd, code, script, args, orders, within = [] }: Start) {
    this.name = name;
    this.lie = orders?.lie ?? null;
    const hooked = orders === undefined ? [] : ["--import", code.hook];
    const [file, ...words] = [...within, process.execPath, ...hooked, code[script], ...args];
    const env = {
      ...process.env,
      NO_COLOR: "1",
      NODE_COMPILE_CACHE: code.cache,
      TACIT_FAULT: JSON.stringify({ ...NO_ORDERS, ...orders }),
    };
    this.child = spawn(file!, words, { cwd, env, stdio: ["pipe", "pipe", "pipe", "pipe", "pipe"] });
    const keep = (fd: 1 | 2 | 3, add: (text: string) => void): void => {
      const from = this.child.stdio[fd] as NodeJS.ReadableStream;
      from.setEncoding("utf8").on("data", (text: string) => {
        add(text);
        this.#wake();
      });
    };
    keep(1, (t) => void (this.stdout += t));
    keep(2, (t) => void (this.stderr += t));
    keep(3, (t) => void (this.told += t));
    for (const fd of [0, 4]) (this.child.stdio[fd] as NodeJS.WritableStream).on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      this.child.on("close", (code, signal) => {
        this.endedAt = performance.now();
        resolve({ code, signal });
        this.#wake();
      });
    });
  }

  get over(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  #wake(): void {
    for (const heard of this.#heard.splice(0)) heard();
  }

  /** Resolves when `what` holds; fails when the process ends before, or after `ms`. */
  async #until(what: () => boolean, wanted: string, ms = 30_000): Promise<void> {
    const late = performance.now() + ms;
    while (!what()) {
      const left = late - performance.now();
      if (this.over || left <= 0)
        throw new Error(`${this.name}: ${this.over ? "ended" : "late"} before ${wanted}\n${this.stderr}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#heard.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  says(text: string): Promise<void> {
    return this.#until(() => this.stderr.includes(text), text);
  }

  /** Resolves when the hook has halted it for the `n`th time. */
  halted(n = 1): Promise<void> {
    return this.#until(() => this.event(n) !== "", "its phase");
  }

  /** Lets a halted process go on, lying or not. */
  release(word: "go" | "lie" = "go"): void {
    (this.child.stdio[4] as NodeJS.WritableStream).write(`${word}\n`);
  }

  /** What it halted at the `n`th time. */
  event(n: number): string {
    return (
      this.told
        .split("\n")
        .filter((l) => l.startsWith("at "))
        [n - 1]?.slice(3) ?? ""
    );
  }

  /** Opens the gate of a person. */
  go(): void {
    this.release();
  }

  /** Lets a driver take its next step. */
  step(): void {
    this.child.stdin?.write("go\n");
  }

  /** What it sent to parties, where its hook tells. */
  get sent(): readonly Uint8Array[] {
    return this.told.split("\n").flatMap((l) => (l.startsWith("sent ") ? [Buffer.from(l.slice(5), "hex")] : []));
  }

  /** The shares that it made, one payload per party. */
  get shares(): readonly Buffer[] {
    const line = this.told.split("\n").find((l) => l.startsWith("shares "));
    if (line === undefined) return [];
    return line
      .split(" ")
      .slice(1)
      .map((hex) => Buffer.from(hex, "hex"));
  }

  /** Resolves when stdout has `n` lines. */
  lines(n: number): Promise<void> {
    return this.#until(() => this.stdout.split("\n").length > n, `line ${n} of stdout`);
  }

  /** Its last words, where they are an error: a line of JSON, or as every command says it. */
  get failure(): Failure | null {
    const lines = this.stderr.trim().split("\n");
    for (const [i, line] of [...lines.entries()].reverse()) {
      const [, code, message] = /^tacit: error\[([A-Z_]+)\]: (.*)$/.exec(line) ?? [];
      if (code !== undefined && message !== undefined) {
        return {
          code,
          message,
          hint:
            lines
              .slice(i)
              .find((l) => l.startsWith("hint: "))
              ?.slice(6) ?? "",
        };
      }
      if (!line.startsWith("{")) continue;
      const said = JSON.parse(line) as Record<string, string>;
      return said.event === "failed" ? { code: said.code!, message: said.message!, hint: said.hint ?? "" } : null;
    }
    return null;
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.over) this.child.kill(signal);
  }

  async kill(): Promise<Ending> {
    this.signal("SIGKILL");
    return this.ended;
  }
}
