/** @file What `tacit doctor` looks at, one row per thing, with a fix for what is lacking. Paths and settings are not printed. */
import { randomBytes } from "node:crypto";
import { open, stat, statfs, unlink } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { availableParallelism, homedir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { cpu, noGrad, Random, randn, type Tensor } from "@tacit/core";
import * as data from "@tacit/core/data";
import { TacitError } from "@tacit/core/errors";
import { KernelError, loadModule, probe } from "@tacit/kernels";
import { findChromium } from "./chromium.ts";

/** `note`: Tacit works without it, with less. `lack`: something will fail. */
export type State = "ok" | "note" | "lack";

export interface Finding {
  readonly state: State;
  readonly says: string;
  /** What to do; there unless the state is ok. */
  readonly fix?: string;
}

export interface Check {
  readonly name: string;
  look(): Finding | Promise<Finding>;
}

const ok = (says: string): Finding => ({ state: "ok", says });
const note = (says: string, fix: string): Finding => ({ state: "note", says, fix });
const lack = (says: string, fix: string): Finding => ({ state: "lack", says, fix });
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** The oldest Node that runs TypeScript sources and has what the packages use. */
const NODE = 24;
const LEAST_MEMORY = 5e8;
const GOOD_MEMORY = 2e9;
const LEAST_DISK = 1e8;
const GOOD_DISK = 1e9;
/** When this version was made; a clock that shows an earlier time is wrong. */
const MADE = Date.UTC(2026, 0, 1);
const FAR = Date.UTC(2100, 0, 1);
/** How far two clocks of one machine may drift apart in CLOCK_MS. */
const DRIFT_MS = 30;
const CLOCK_MS = 100;
/** Three parties need a port for each other and one for clients. */
const PORTS = 6;

export function node(version: string = process.versions.node): Finding {
  if (Number.parseInt(version, 10) >= NODE) return ok(version);
  return lack(`${version}, expected ${NODE} or later`, `install Node ${NODE} or later (https://nodejs.org)`);
}

function simd(): Finding {
  return probe().simd ? ok("yes") : lack("no", "use Node 24 on x86-64 or arm64: there WebAssembly SIMD is always on");
}

function relaxed(): Finding {
  return probe().relaxedSimd ? ok("yes") : note("no: about a fifth slower", "use a newer Node");
}

async function kernels(): Promise<Finding> {
  try {
    await Promise.all([loadModule("f32"), loadModule("ring")]);
    return ok("built, and they load");
  } catch (cause) {
    const why = cause instanceof KernelError ? cause.code : "they do not load";
    return lack(why, "run npm run build:kernels in the repository, or install the package again");
  }
}

function threads(): Finding {
  return probe().threads
    ? ok("shared memory is there")
    : lack("no SharedArrayBuffer", "use Node 24 without flags that disable it");
}

/** Kernels are WebAssembly; a page or runtime with WebGPU is told of, nothing is lacking without it. */
export function webgpu(navigator: object | undefined = globalThis.navigator): Finding {
  const there = navigator !== undefined && "gpu" in navigator;
  return ok(there ? "there; Tacit computes on the CPU all the same" : "none here, and none needed: Tacit computes on the CPU");
}

/** Size of the product that is timed, and for how long. */
const PRODUCT = 256;
const SPEED_MS = 300;
/** One Zen 4 core does 60 to 100; below this something slows the machine down. */
const SLOW = 5;

/** Products of 256x256 per second on one thread: the best of a third of a second. */
export async function speed(): Promise<Finding> {
  const device = cpu({ threads: 1 });
  try {
    const side = (seed: number): Tensor => randn([PRODUCT, PRODUCT], new Random(seed), { device });
    const [a, b] = [side(1), side(2)];
    let best = Number.POSITIVE_INFINITY;
    const end = performance.now() + SPEED_MS;
    for (let i = 0; i < 3 || performance.now() < end; i++) {
      const start = performance.now();
      await noGrad(() => a.matmul(b)).realize();
      best = Math.min(best, performance.now() - start);
    }
    const rate = (2 * PRODUCT ** 3) / best / 1e6;
    const says = `${rate.toFixed(1)} GFLOP/s on one thread (product of ${PRODUCT}x${PRODUCT})`;
    return rate >= SLOW ? ok(says) : note(says, "close other programs, or see that the machine is not throttled or emulated");
  } finally {
    await device.stop();
  }
}

export function cores(count: number = availableParallelism()): Finding {
  return count >= 2 ? ok(`${count}`) : note("1", "give this machine a second core, or expect about twice the time");
}

export function memory(free: number = process.availableMemory(), all: number = totalmem()): Finding {
  const says = `${gigabytes(free)} free of ${gigabytes(all)}`;
  if (free < LEAST_MEMORY) return lack(says, "close other programs: training needs about 0.5 GB, three local parties 1 GB");
  return free < GOOD_MEMORY ? note(says, "close other programs before a run with three local parties") : ok(says);
}

/** Whether files can be made in a directory, and how much space there is. */
export async function disk(directory: string): Promise<Finding> {
  const path = join(directory, `.tacit-doctor-${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(path, "wx");
    try {
      await file.writeFile(new Uint8Array(4096));
      await file.sync();
    } finally {
      await file.close();
      await unlink(path).catch(() => undefined);
    }
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "an error";
    return lack(`no file can be made (${code})`, "free space, or work in a directory of your own");
  }
  const { bavail, bsize } = await statfs(directory);
  const says = `writable, ${gigabytes(bavail * bsize)} free`;
  if (bavail * bsize < LEAST_DISK) return lack(says, "free at least 0.1 GB: checkpoints and models need it");
  return bavail * bsize < GOOD_DISK ? note(says, "free 1 GB before longer work") : ok(says);
}

/** Where data.mnist keeps its downloads. */
function cacheDirectory(): string {
  const xdg = process.env.XDG_CACHE_HOME;
  return join(xdg !== undefined && xdg !== "" ? xdg : join(homedir(), ".cache"), "tacit");
}

/** The cache directory itself, or what of its path is there: the first download makes the rest. */
async function cacheDisk(): Promise<Finding> {
  for (let directory = cacheDirectory(); ; directory = dirname(directory)) {
    const there = await stat(directory).catch(() => null);
    if (there !== null || dirname(directory) === directory) return disk(directory);
  }
}

/** Wall time against release date and against the monotonic clock: sessions expire, and deadlines count on both. */
export async function clock(now: () => number = Date.now): Promise<Finding> {
  const fix = "set the clock (timedatectl set-ntp true, or the system's settings): sessions and grants expire by it";
  if (now() < MADE || now() > FAR) return lack(`shows ${new Date(now()).getUTCFullYear()}`, fix);
  const [wall, steady] = [now(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, CLOCK_MS));
  const drift = Math.abs(now() - wall - (performance.now() - steady));
  if (drift > DRIFT_MS) return note(`jumped by ${drift.toFixed(0)} ms while we looked`, fix);
  return ok(new Date(now()).toISOString().replace(/\.\d+Z$/, "Z"));
}

async function mnist(): Promise<Finding> {
  try {
    const found = await data.mnist({ source: "files" });
    const cached = found.origin.startsWith(cacheDirectory());
    return ok(`${found.name} in ${cached ? "the cache" : "TACIT_DATA"}, checksums good`);
  } catch (cause) {
    const code = cause instanceof TacitError ? cause.code : "an error";
    if (code === "DATA_NOT_FOUND") {
      return note(
        "no MNIST: digits are drawn instead",
        "set TACIT_DATA to a directory that holds mnist/, or tacit train --data mnist",
      );
    }
    return lack(`MNIST is damaged or unreadable (${code})`, `tacit explain ${code}`);
  }
}

const listen = (): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });

async function ports(): Promise<Finding> {
  const servers = await Promise.allSettled(Array.from({ length: PORTS }, listen));
  const open = servers.filter((s) => s.status === "fulfilled").map((s) => s.value);
  await Promise.all(open.map((s) => new Promise((resolve) => s.close(resolve))));
  if (open.length === PORTS) return ok(`${PORTS} of ${PORTS} tried on 127.0.0.1`);
  return lack(
    `${open.length} of ${PORTS} on 127.0.0.1`,
    "allow listening on 127.0.0.1: a sandbox or a limit on open files forbids it",
  );
}

async function chromium(): Promise<Finding> {
  if ((await findChromium()) !== null) return ok("found");
  return note(
    "none: the browser tests of the repository are left out",
    "install one (Debian: apt-get install chromium; elsewhere: npx playwright-core install chromium) or set TACIT_CHROMIUM",
  );
}

export const CHECKS: readonly Check[] = [
  { name: "Node", look: () => node() },
  { name: "SIMD", look: simd },
  { name: "relaxed SIMD", look: relaxed },
  { name: "kernels", look: kernels },
  { name: "threads", look: threads },
  { name: "cores", look: () => cores() },
  { name: "speed", look: speed },
  { name: "WebGPU", look: () => webgpu() },
  { name: "memory", look: () => memory() },
  { name: "disk, here", look: () => disk(".") },
  { name: "disk, cache", look: cacheDisk },
  { name: "clock", look: () => clock() },
  { name: "data", look: mnist },
  { name: "ports", look: ports },
  { name: "Chromium", look: chromium },
];
