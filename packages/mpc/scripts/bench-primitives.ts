/**
 * @file Times the primitives of replicated3 between three party processes over TLS on loopback.
 * Usage: node packages/mpc/scripts/bench-primitives.ts [--only NAME,NAME] [--runs N] [--prg 12|20]
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Identity } from "../src/identity/identity.ts";
import { loadKernels } from "../src/protocols/replicated3/kernels.ts";
import { Memory } from "../src/protocols/replicated3/memory.ts";
import * as r3 from "../src/protocols/replicated3/primitives/index.ts";
import { KeyStreams } from "../src/protocols/replicated3/streams.ts";
import { DEFAULT_LIMITS, Session } from "../src/session/session-file.ts";
import { connectParties } from "../src/transport/gathering.ts";
import type { Mesh } from "../src/transport/mesh.ts";
import { PartyServer } from "../src/transport/tls.ts";

interface Row {
  readonly name: string;
  readonly seconds: number;
  readonly cpu: number;
  readonly bytes: number;
  readonly rounds: number;
}

type Measured = (ctx: r3.Context) => { readonly work: () => Promise<unknown>; readonly release?: () => void };

function matmul(m: number, k: number, n: number): Measured {
  return (ctx) => {
    const [x, y] = [filled(ctx, m * k), filled(ctx, k * n)];
    return { work: () => r3.truncate(ctx, 1, r3.matmulRaw(ctx, 1, x, y, { m, k, n }), 16) };
  };
}

/** Made once: garbage of this size would let the collector run within what is measured. */
const numbers = new BigInt64Array(1 << 20).fill(12345n);

/** Shares of small numbers: content does not matter for time, but must stay in range. */
function filled(ctx: r3.Context, n: number): r3.Shares {
  return r3.fromPublic(ctx, numbers.subarray(0, n));
}

const ROWS: Readonly<Record<string, Measured>> = {
  "mul-1e6": (ctx) => {
    const [x, y] = [filled(ctx, 1e6), filled(ctx, 1e6)];
    return { work: () => r3.truncate(ctx, 1, r3.mulRaw(ctx, x, y), 16) };
  },
  "reshare-1e6": (ctx) => {
    const x = filled(ctx, 1e6);
    return { work: () => r3.reshare(ctx, 1, r3.mulRaw(ctx, x, x)) };
  },
  "matmul-512": matmul(512, 512, 512),
  "matmul-1024": matmul(1024, 1024, 1024),
  "matmul-128x784x128": matmul(128, 784, 128),
  "sign-1e6": (ctx) => {
    const x = filled(ctx, 1e6);
    return { work: () => r3.signBits(ctx, 1, x) };
  },
  "relu-1e6": (ctx) => {
    const x = filled(ctx, 1e6);
    return { work: () => r3.relu(ctx, 1, x) };
  },
  "relu-16384": (ctx) => {
    const x = filled(ctx, 16384);
    return { work: () => r3.relu(ctx, 1, x) };
  },
  "relu-1000": (ctx) => {
    const x = filled(ctx, 1000);
    return { work: () => r3.relu(ctx, 1, x) };
  },
  "conv-128x6x28x28-5x5": (ctx) => {
    const plain = { strideH: 1, strideW: 1, padH: 2, padW: 2, dilH: 1, dilW: 1, groups: 1 };
    const s = { ...plain, n: 128, c: 1, h: 28, w: 28, o: 6, kh: 5, kw: 5 };
    const [x, w] = [filled(ctx, 128 * 784), filled(ctx, 150)];
    return { work: () => r3.truncate(ctx, 1, r3.convRaw(ctx, 1, x, w, s), 16) };
  },
  "conv-128x16x14x14-5x5": (ctx) => {
    const plain = { strideH: 1, strideW: 1, padH: 0, padW: 0, dilH: 1, dilW: 1, groups: 1 };
    const s = { ...plain, n: 128, c: 6, h: 14, w: 14, o: 16, kh: 5, kw: 5 };
    const [x, w] = [filled(ctx, 128 * 6 * 196), filled(ctx, 16 * 150)];
    return { work: () => r3.truncate(ctx, 1, r3.convRaw(ctx, 1, x, w, s), 16) };
  },
};

function option(name: string, fallback: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : (process.argv[at + 1] ?? fallback);
}

/** One message of the parent. */
function next<T>(): Promise<T> {
  return new Promise((resolve) => process.once("message", (m) => resolve(m as T)));
}

/** One run in a fresh context; everything it made is freed. */
async function runOnce(
  mesh: Mesh,
  memory: Memory,
  kernels: r3.ContextOptions["kernels"],
  run: number,
  make: Measured,
): Promise<Row> {
  const { index, links, keys, attempt } = mesh;
  const me = index as 0 | 1 | 2;
  const key = (which: number): Uint8Array => keys.runKey(which, run, attempt);
  const streams = new KeyStreams(memory, { low: key(me), high: key((me + 1) % 3), common: key(3) });
  const prgRounds = option("prg", "20") === "12" ? 12 : 20;
  const ctx = new r3.Context({ me, links, kernels, memory, streams, run, prgRounds });
  const sent = (): number => links.reduce((s, l) => s + (l?.counters.bytesSent ?? 0), 0);
  const { work } = make(ctx);
  await r3.open(ctx, 900, r3.zeros(ctx, 1));
  const [bytes, started, cpu] = [sent(), performance.now(), process.cpuUsage()];
  await work();
  const seconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  const result = { name: "", seconds, cpu: (used.user + used.system) / 1e6, bytes: sent() - bytes, rounds: ctx.rounds };
  await r3.open(ctx, 901, r3.zeros(ctx, 1));
  ctx.destroy();
  streams.close();
  return result;
}

async function child(): Promise<void> {
  process.send!("ready");
  const identity = await Identity.fromPrivate(await next<unknown>());
  const server = await PartyServer.listen(identity, "127.0.0.1", 0);
  process.send!(server.port);
  const { json, index } = await next<{ json: string; index: number }>();
  const mesh = await connectParties(server, { session: Session.fromJson(json), index, identity, attempt: 1, mode: "" });
  const memory = new Memory(2 ** 30);
  const kernels = await loadKernels(memory.wasm);
  const only = option("only", "").split(",").filter(Boolean);
  const runs = Number(option("runs", "7"));
  let run = 1;
  for (const [name, make] of Object.entries(ROWS)) {
    if (only.length && !only.includes(name)) continue;
    for (let i = 0; i <= runs; i++) {
      const row = await runOnce(mesh, memory, kernels, run++, make);
      if (i > 0) process.send!({ ...row, name });
    }
  }
  await mesh.close();
  await server.close();
  process.disconnect();
}

function show(rows: readonly Row[]): void {
  const names = [...new Set(rows.map((r) => r.name))];
  for (const name of names) {
    const mine = rows.filter((r) => r.name === name);
    const times = mine.map((r) => r.seconds).sort((a, b) => a - b);
    const ms = (s: number): string => `${(s * 1000).toFixed(1)} ms`.padStart(10);
    const cpu = mine.reduce((s, r) => s + r.cpu, 0) / mine.length;
    const rounds = Math.max(...mine.map((r) => r.rounds));
    const bytes = Math.max(...mine.map((r) => r.bytes)) / 1e6;
    const text = `best ${ms(times[0]!)} median ${ms(times[times.length >> 1]!)} cpu/party ${ms(cpu)} ${bytes.toFixed(3)} MB rounds ${rounds}`;
    process.stdout.write(`${name.padEnd(24)} ${text}\n`);
  }
}

async function parent(): Promise<void> {
  const rows: Row[] = [];
  const identities = await Promise.all([0, 1, 2].map((i) => Identity.generate(`party-${i}`)));
  const driver = await Identity.generate("driver");
  const children = identities.map(() => fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), "--child"]));
  const message = <T>(i: number): Promise<T> => new Promise((resolve) => children[i]!.once("message", (m) => resolve(m as T)));
  const ports = await Promise.all(
    children.map(async (c, i) => {
      await message(i);
      c.send({ ...(await identities[i]!.exportPrivate()) });
      return message<number>(i);
    }),
  );
  const session = new Session({
    parties: identities.map((p, i) => ({ identity: p.public, address: `127.0.0.1:${ports[i]}`, client: "127.0.0.1:1" })),
    people: [driver.public],
    driver: "driver",
    protocol: { name: "replicated3", options: { fractionBits: 16, prgRounds: 20 } },
    limits: { ...DEFAULT_LIMITS, timeout: 30_000 },
    expires: Math.floor(Date.now() / 1000) + 3600,
    nonce: crypto.getRandomValues(new Uint8Array(16)),
    grants: [],
  });
  const ended = children.map((c, i) => {
    c.on("message", (row) => rows.push(row as Row));
    c.send({ json: session.toJson(), index: i });
    return new Promise((resolve) => c.once("exit", resolve));
  });
  await Promise.all(ended);
  show(rows);
}

await (process.argv.includes("--child") ? child() : parent());
