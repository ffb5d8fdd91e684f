/** @file A link of the rig: bytes pass through it, and it can cut, slow, garble, flip or replay them. It knows nothing of TLS. */
import { connect, createServer, type Server, type Socket } from "node:net";

/** How bytes pass. `dark`: none do, and nobody is told; `trickle`: a few at a time. */
type Mode = "open" | "dark" | "trickle";

/** Most bytes of a connection's beginning that are kept for a replay: a TLS handshake with its certificates has about 2,000. */
const KEPT = 16_384;
/** Signs of life are shorter than this: what is to be spoilt is a message. */
const SIGN_OF_LIFE = 48;
/** 20 bytes a second: a sign of life passes within a deadline, a word of the protocol (60 bytes and more) does not. */
const [TRICKLE_BYTES, TRICKLE_MS] = [5, 250];

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** What came from the near end first. */
  readonly first: Uint8Array[];
}

export class Line {
  readonly port: number;
  readonly #server: Server;
  readonly #target: number;
  readonly #pairs = new Set<Pair>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #mode: Mode = "open";
  /** What happens to the next bytes that pass, in either direction, once. */
  #spoil: ((chunk: Buffer) => Buffer) | null = null;
  /** The beginning of the first connection. */
  recorded: readonly Uint8Array[] = [];

  private constructor(server: Server, port: number, target: number) {
    this.#server = server;
    this.port = port;
    this.#target = target;
    server.on("connection", (near) => this.#join(near));
  }

  static async to(target: number): Promise<Line> {
    const server = createServer({ allowHalfOpen: false });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Line(server, (server.address() as { port: number }).port, target);
  }

  #join(near: Socket): void {
    const far = connect({ port: this.#target, host: "127.0.0.1" });
    const pair: Pair = { near, far, first: [] };
    this.#pairs.add(pair);
    if (this.#pairs.size === 1) this.recorded = pair.first;
    const end = (): void => {
      // In the dark nobody hears that the other has gone; what is left of the pair is destroyed with the line.
      if (this.#mode === "dark") return;
      this.#pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    let kept = 0;
    near.on("data", (chunk: Buffer) => {
      if (kept < KEPT) pair.first.push(chunk.subarray(0, KEPT - kept));
      kept += chunk.length;
      this.#pass(chunk, near, far);
    });
    far.on("data", (chunk: Buffer) => this.#pass(chunk, far, near));
    for (const s of [near, far]) s.setNoDelay(true).on("error", end).on("close", end);
    if (this.#mode === "dark") for (const s of [near, far]) s.pause();
  }

  #pass(chunk: Buffer, from: Socket, to: Socket): void {
    if (this.#mode === "dark") return;
    if (this.#mode === "trickle") {
      this.#trickle(chunk, from, to);
      return;
    }
    const spoil = chunk.length < SIGN_OF_LIFE ? null : this.#spoil;
    if (spoil !== null) this.#spoil = null;
    to.write(spoil === null ? chunk : spoil(chunk));
  }

  #trickle(chunk: Buffer, from: Socket, to: Socket): void {
    from.pause();
    let at = 0;
    const timer = setInterval(() => {
      if (at < chunk.length && !to.destroyed) return void to.write(chunk.subarray(at, (at += TRICKLE_BYTES)));
      clearInterval(timer);
      this.#timers.delete(timer);
      from.resume();
    }, TRICKLE_MS);
    this.#timers.add(timer);
  }

  /** Bytes stop in both directions; nobody is told. */
  cut(): void {
    this.#mode = "dark";
    for (const { near, far } of this.#pairs) for (const s of [near, far]) s.pause();
  }

  /** 20 bytes a second from now on, in each direction. */
  slow(): void {
    this.#mode = "trickle";
  }

  /** One bit of the next bytes. */
  flip(): void {
    this.#spoil = (chunk) => {
      const out = Buffer.from(chunk);
      out[out.length >> 1]! ^= 1;
      return out;
    };
  }

  /** Random bytes in the place of the next ones. */
  garble(): void {
    this.#spoil = (chunk) => Buffer.from(crypto.getRandomValues(new Uint8Array(chunk.length)));
  }

  /** A TLS record of the largest length that its header can say, where none is allowed above 2^14 + 256. */
  oversize(): void {
    this.#spoil = (chunk) => Buffer.concat([Buffer.from([23, 3, 3, 0xff, 0xff]), Buffer.alloc(65_535), chunk]);
  }

  /** Sends `bytes` to the far end over a connection of its own; resolves when that end has closed it, or after `ms`. */
  async replay(bytes: readonly Uint8Array[], ms: number): Promise<void> {
    const socket = connect({ port: this.#target, host: "127.0.0.1" });
    const over = new Promise<void>((resolve) => socket.on("error", () => resolve()).on("close", () => resolve()));
    socket.resume();
    for (const b of bytes) socket.write(b);
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, ms))]);
    socket.destroy();
  }

  /** Bytes pass again, for connections to come; those that suffered are gone. */
  heal(): void {
    this.#mode = "open";
    this.#spoil = null;
    for (const { near, far } of this.#pairs) for (const s of [near, far]) s.destroy();
  }

  async close(): Promise<void> {
    for (const t of this.#timers) clearInterval(t);
    this.#mode = "open";
    for (const { near, far } of this.#pairs) for (const s of [near, far]) s.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
