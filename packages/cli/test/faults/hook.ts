/**
 * @file Loaded before a victim's own code (`node --import`): halts it at a phase until the rig has acted, and lies as ordered.
 * The victim is the command that people run; only what this file puts in its way is the test's.
 */
import fs, { readSync, writeSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import type { TLSSocket } from "node:tls";
import { decode, encode } from "cborg";
import { WebSocket } from "ws";
import { Runs } from "../../../mpc/src/party/runs.ts";
import { replicated3 } from "../../../mpc/src/protocols/replicated3/index.ts";
import { FrameLink } from "../../../mpc/src/transport/frame-link.ts";

/** What a process does at a phase, as this file sees it: a hello, an input, a run, a reveal, a checkpoint, a resume. */
export type Event = "hello" | "input" | "op" | "reveal" | "letters" | "letter" | "checkpoint" | "resume";
export type Lie = "garbage" | "flip" | "oversized" | "version" | "signature" | "disk" | "clock";

export interface Orders {
  /** Halts at the `nth` of these events (the first is 1); 0: at each. */
  readonly halt: readonly Event[];
  readonly nth: number;
  /** Halts once the message is on its way, not before it is sent. */
  readonly after: boolean;
  readonly lie: Lie | null;
  /** The bit that a flip turns, counted in the header of a frame. */
  readonly bit: number;
  /** Hours by which the clock jumps. */
  readonly hours: number;
  /** Ports that this process means, and where it is connected instead. */
  readonly via: Readonly<Record<string, number>>;
  /** Whether it tells the rig the shares that it makes. */
  readonly tellShares: boolean;
  /** Whether it tells the rig what it sends to parties. */
  readonly tellMessages: boolean;
  /** Waits at its start until the rig lets it through. */
  readonly gate: boolean;
}

const [OUT, IN] = [3, 4];
const orders = JSON.parse(process.env.TACIT_FAULT ?? "null") as Orders;
let seen = 0;
/** The next bytes on their way to a party are not what they should be. */
let lying = false;

const say = (line: string): void => void writeSync(OUT, `${line}\n`);

/** Waits, with everything else in this process, for the rig's word. */
function word(): string {
  const byte = new Uint8Array(1);
  let text = "";
  while (readSync(IN, byte, 0, 1, null) === 1 && byte[0] !== 10) text += String.fromCharCode(byte[0]!);
  return text;
}

function reach(event: Event): void {
  if (!orders.halt.includes(event)) return;
  seen++;
  if (orders.nth !== 0 && seen !== orders.nth) return;
  say(`at ${event}`);
  if (word() !== "lie") return;
  if (orders.lie === "disk") fillDisk();
  else if (orders.lie === "clock") jump(orders.hours * 3_600_000);
  else lying = true;
}

/** Every write of a file fails from now on, as on a disk without room. */
function fillDisk(): void {
  const write = fs.writeSync;
  const full = (file: number, ...rest: unknown[]): number => {
    if (file > 4) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    return (write as (file: number, ...rest: unknown[]) => number)(file, ...rest);
  };
  fs.writeSync = full as typeof fs.writeSync;
  syncBuiltinESMExports();
}

function jump(ms: number): void {
  const Real = Date;
  class Shifted extends Real {
    constructor(...args: [] | [number | string]) {
      if (args.length === 0) super(Real.now() + ms);
      else super(args[0]);
    }
    static override now(): number {
      return Real.now() + ms;
    }
  }
  globalThis.Date = Shifted as DateConstructor;
}

/** `bytes` as the liar sends them. A frame's length stands in its first four bytes, little-endian. */
function spoilt(bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  if (orders.lie === "flip") out[orders.bit >> 3]! ^= 1 << (orders.bit & 7);
  else if (orders.lie === "oversized") out.set([0, 0, 0, 0x80]);
  else if (orders.lie === "garbage") {
    crypto.getRandomValues(out);
    out[3]! |= 0x80;
  }
  return out;
}

/** Bytes between parties: the plain text of their TLS connections. */
function watchParties(): void {
  const write = net.Socket.prototype.write as (this: net.Socket, ...args: unknown[]) => boolean;
  const patched = function (this: TLSSocket, bytes: unknown, ...rest: unknown[]): boolean {
    const party = typeof this.alpnProtocol === "string" && this.alpnProtocol.startsWith("tacit-party");
    if (!lying || orders.lie === "version" || !party || !(bytes instanceof Uint8Array)) return write.call(this, bytes, ...rest);
    lying = false;
    return write.call(this, spoilt(bytes), ...rest);
  };
  // Not the TLS socket's: a socket that connects takes the plain socket's own method.
  net.Socket.prototype.write = patched as typeof net.Socket.prototype.write;

  let revealing = false;
  for (const open of ["reveal", "deliver"] as const) {
    const real = Runs.prototype[open] as (this: Runs, ...args: unknown[]) => Promise<unknown>;
    const watched = async function (this: Runs, ...args: unknown[]): Promise<unknown> {
      revealing = true;
      try {
        return await real.apply(this, args);
      } finally {
        revealing = false;
      }
    };
    Object.assign(Runs.prototype, { [open]: watched });
  }
  const control = FrameLink.prototype.sendControl;
  FrameLink.prototype.sendControl = function (bytes) {
    if (bytes.length === 0) return control.call(this, bytes);
    const message = decode(bytes) as unknown[];
    const [kind, subject] = message;
    if (kind === "hello") reach("hello");
    else if (kind === "digest" && String(subject).startsWith("input ")) reach("input");
    else if (kind === "digest" && revealing) reach("reveal");
    else if (kind === "digest" && String(subject).startsWith("checkpoint ")) reach("checkpoint");
    else if (kind === "digest" && String(subject).startsWith("held ")) reach("resume");
    if (!lying || orders.lie !== "version") return control.call(this, bytes);
    return control.call(this, encode(message.map((m, i) => (i === 1 ? 0 : m))));
  };
  let run = -1;
  const send = FrameLink.prototype.send;
  FrameLink.prototype.send = function (tag, depth, bytes) {
    if (tag.run !== run) reach("op");
    run = tag.run;
    send.call(this, tag, depth, bytes);
  };
}

const EVENTS: Readonly<Record<string, Event>> = {
  chunk: "input",
  run: "op",
  reveal: "reveal",
  deliver: "reveal",
  letters: "letters",
  letter: "letter",
  checkpoint: "checkpoint",
  resume: "resume",
};

/** What this envelope asks for, and the hello before all envelopes. */
function eventOf(message: Uint8Array): Event | undefined {
  const [first] = decode(message) as [unknown];
  if (first === "hello") return "hello";
  if (!(first instanceof Uint8Array)) return undefined;
  const body = (decode(first) as unknown[])[5];
  return Array.isArray(body) ? EVENTS[String(body[0])] : undefined;
}

/** The same words in an envelope of version 0. */
function older(message: Uint8Array): Uint8Array {
  const [payload, signature] = decode(message) as [Uint8Array, Uint8Array];
  if (typeof payload === "string") return message;
  const fields = decode(payload) as unknown[];
  return encode([encode([0, ...fields.slice(1)]), signature]);
}

/** Messages to parties, of a person. */
function watchPeople(): void {
  type Send = (this: WebSocket, message: unknown, ...rest: unknown[]) => void;
  const send = WebSocket.prototype.send as Send;
  const patched: Send = function (message, ...rest) {
    if (!(message instanceof Uint8Array)) return send.call(this, message, ...rest);
    const event = eventOf(message);
    if (event !== undefined && orders.after) setImmediate(() => reach(event));
    else if (event !== undefined) reach(event);
    if (orders.tellMessages) say(`sent ${Buffer.from(message).toString("hex")}`);
    if (!lying) return send.call(this, message, ...rest);
    // Whoever has another version has it to the end, and so it is with another key.
    if (orders.lie === "version") return send.call(this, older(message), ...rest);
    lying = orders.lie === "signature";
    if (orders.lie === "oversized") {
      // A binary frame, masked, of 2^40 bytes: announced, and never sent.
      const socket = (this as unknown as { _socket: net.Socket })._socket;
      return void socket.write(Uint8Array.from([0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]));
    }
    const out = message.slice();
    // A signature, the last 64 bytes, by a key that nobody knows.
    if (orders.lie === "signature") crypto.getRandomValues(out.subarray(-64));
    else if (orders.lie === "garbage") crypto.getRandomValues(out);
    else out[out.length >> 1]! ^= 1;
    return send.call(this, out, ...rest);
  };
  WebSocket.prototype.send = patched as typeof WebSocket.prototype.send;
}

/** Connections go through the rig's links. */
function divert(): void {
  const real = net.Socket.prototype.connect as (this: net.Socket, ...args: unknown[]) => net.Socket;
  const diverted = function (this: net.Socket, ...args: unknown[]): net.Socket {
    const at = (Array.isArray(args[0]) ? args[0][0] : args[0]) as { port?: number | string } | undefined;
    const port = orders.via[String(at?.port)];
    if (at !== undefined && port !== undefined) at.port = port;
    return real.call(this, ...args);
  };
  net.Socket.prototype.connect = diverted as typeof net.Socket.prototype.connect;
}

/** The rig looks for these in files, so it has to know them. */
function tellShares(): void {
  const { share } = replicated3;
  const told: typeof share = (...args) => {
    const payloads = share(...args);
    say(`shares ${payloads.map((p) => Buffer.from(p).toString("hex")).join(" ")}`);
    return payloads;
  };
  Object.assign(replicated3, { share: told });
}

if (orders.gate) word();
if (orders.halt.length === 0 && orders.lie === "clock") jump(orders.hours * 3_600_000);
if (process.argv[2] === "party") watchParties();
else watchPeople();
divert();
if (orders.tellShares) tellShares();
