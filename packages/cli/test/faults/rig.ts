/** @file The rig: keys and a session made once; parties, people and the links between them started anew for each run. */
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mpc } from "@tacit/mpc";
import { WebSocket } from "ws";
import { encodeSafetensors } from "../process/safetensors.ts";
import type { Bundle } from "./bundle.ts";
import type { DriverOrders, Step } from "./driver.ts";
import { SHAPE, VALUES } from "./expressions.ts";
import type { Orders } from "./hook.ts";
import { Line } from "./line.ts";
import type { Recording } from "./outcome.ts";
import { type Partial, Proc, type Start } from "./process.ts";

export const PARTIES: readonly string[] = ["clinic-a", "clinic-b", "clinic-c"];
const PEOPLE = ["driver", "owner", "recipient"] as const;
/** Milliseconds that anyone waits for anyone: the least that a loaded machine keeps without a fault. */
export const TIMEOUT: number = Number(process.env.TACIT_FAULTS_TIMEOUT ?? 3000);

/** One party's ports: for parties, for people. */
interface Ports {
  readonly address: number;
  readonly client: number;
}

export interface Setting {
  /** The hook's orders, by process. */
  readonly orders?: Readonly<Record<string, Partial<Orders>>>;
  /** What stands otherwise in a party's configuration. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Seconds that parties wait for each other. */
  readonly wait?: number;
  /** The party whose data directory is a small disk of its own. */
  readonly smallDisk?: string;
}

/** How a person is started. */
export interface Person {
  readonly session: string;
  readonly keys: readonly string[];
  readonly orders: Partial<Orders>;
}

/** The processes and links of one run. */
export interface Run {
  readonly parties: readonly Proc[];
  /** By what they join: "2 0" (party 2 dials party 0), "driver 1". */
  readonly links: Map<string, Line>;
  readonly setting: Setting;
  /** The name of its input. */
  readonly input: string;
}

/** Inputs are numbered over all rigs of a process. */
let inputs = 0;
export class Rig {
  readonly code: Bundle;
  readonly path: string;
  readonly session: mpc.Session;
  readonly ports: readonly Ports[];
  readonly procs: Proc[] = [];
  hasCheckpoint = false;
  recording: Recording | null = null;
  /** Of the inputs that the rig gave itself. */
  readonly shares: Uint8Array[] = [];
  readonly #lines: Line[] = [];
  /** Small disks, by directory; null where this machine gives none. */
  readonly #disks = new Map<string, Disk | null>();

  private constructor(code: Bundle, path: string, session: mpc.Session, ports: readonly Ports[]) {
    this.code = code;
    this.path = path;
    this.session = session;
    this.ports = ports;
  }

  static async make(code: Bundle): Promise<Rig> {
    const path = mkdtempSync(join(tmpdir(), "tacit-faults-"));
    const free = await quietPorts(6);
    const ports = PARTIES.map((_, i) => ({ address: free[2 * i]!, client: free[2 * i + 1]! }));
    const identities = new Map(await Promise.all([...PARTIES, ...PEOPLE, "stranger"].map(newIdentity)));
    const draft = mpc.newSession({
      parties: PARTIES.map((name, i) => ({
        identity: identities.get(name)!.public,
        address: `127.0.0.1:${ports[i]!.address}`,
        client: `127.0.0.1:${ports[i]!.client}`,
      })),
      people: PEOPLE.map((name) => identities.get(name)!.public),
      driver: "driver",
      protocol: mpc.PROTOCOLS[0]!,
      limits: { timeout: TIMEOUT, message: 2 ** 20, memory: 2 ** 26 },
    });
    // An hour: a clock that is five hours ahead is past its end.
    const expires = Math.floor(Date.now() / 1000) + 3600;
    const session = new mpc.Session({ ...draft.file, expires });
    const rig = new Rig(code, path, session, ports);
    rig.write("session.json", session.toJson());
    // The same but for one letter of its policy.
    rig.write("other.json", new mpc.Session({ ...session.file, expires: expires + 1 }).toJson());
    const bytes = new Uint8Array(VALUES.buffer);
    writeFileSync(rig.file("x.safetensors"), encodeSafetensors([{ name: "v", dtype: "F32", shape: [...SHAPE], bytes }]));
    for (const [name, identity] of identities) await mpc.writeKeyFile(rig.file(`${name}.key`), identity);
    for (const name of [...PARTIES.map((p) => `${p}-data`), "results"]) mkdirSync(rig.file(name), { mode: 0o700 });
    return rig;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  write(name: string, text: string): void {
    writeFileSync(this.file(name), text, { mode: 0o600 });
  }

  /** Starts the parties; people are started apart, and wait for `go`. */
  async begin(setting: Setting = {}): Promise<Run> {
    const links = new Map<string, Line>();
    for (const [from, to] of [
      [1, 0],
      [2, 0],
      [2, 1],
    ] as const)
      links.set(`${from} ${to}`, await this.#link(this.ports[to]!.address));
    const run = { parties: [] as Proc[], links, setting, input: this.newInput() };
    for (const i of PARTIES.keys()) run.parties.push(this.startParty(i, run));
    return run;
  }

  /** A name that no input had. */
  newInput(): string {
    return `owner/x${++inputs}.v`;
  }

  /** Where party i listens. */
  addressesOf(i: number): { readonly address: string; readonly client: string } {
    const { address, client } = this.ports[i]!;
    return { address: `127.0.0.1:${address}`, client: `127.0.0.1:${client}` };
  }

  /** Gives a run's input from here, where no provider does. */
  async give({ input }: Run): Promise<void> {
    const [protocol] = mpc.PROTOCOLS;
    const share: mpc.Protocol["share"] = (...args) => {
      const payloads = protocol!.share(...args);
      this.shares.push(...payloads.map((p) => p.slice()));
      return payloads;
    };
    const identity = await mpc.readKeyFile(this.file("owner.key"));
    const gift = { name: input, values: VALUES, shape: SHAPE };
    await mpc.give(this.session, [gift], { identity, protocols: [{ ...protocol!, share }] });
  }

  startDriver(run: Run, steps: readonly Step[], more: Partial<Person> & { readonly close?: boolean } = {}): Promise<Proc> {
    const { session = "session.json", keys = ["driver.key", "owner.key"], close = true } = more;
    const orders: DriverOrders = { session, keys, input: run.input, steps, close };
    return this.#person(run, "driver", "driver", [JSON.stringify(orders)], more);
  }

  /** `tacit give`. */
  startProvider(run: Run, input: string, more: Partial<Person> = {}): Promise<Proc> {
    const { session = "session.json", keys = ["owner.key"] } = more;
    const name = /x\d+/.exec(input)![0];
    const words = ["give", "x.safetensors", "--session", session, "--as", "owner", "--key", keys[0]!, "--name", name];
    return this.#person(run, "provider", "tacit", words, { ...more, orders: { tellShares: true, ...more.orders } });
  }

  /** `tacit receive`, which waits for a delivery. */
  startRecipient(run: Run, more: Partial<Person> & { readonly out?: string } = {}): Promise<Proc> {
    const { session = "session.json", keys = ["recipient.key"] } = more;
    const words = [
      "receive",
      "--session",
      session,
      "--as",
      "recipient",
      "--key",
      keys[0]!,
      "--wait",
      "15",
      "--out",
      more.out ?? "-",
    ];
    const disk = more.out === undefined ? null : this.#small(more.out);
    if (more.out !== undefined && disk === null) throw new Error("this machine gives no mount namespace for a small disk");
    disk?.fill();
    return this.#person(run, "recipient", "tacit", words, more, disk?.within ?? []);
  }

  async #link(target: number): Promise<Line> {
    const line = await Line.to(target);
    this.#lines.push(line);
    return line;
  }

  /** With its orders, or `anew` without: whoever starts again has nothing in its way. */
  startParty(i: number, { links, setting }: Run, anew = false): Proc {
    const name = PARTIES[i]!;
    const peers = Object.fromEntries(
      PARTIES.flatMap((p, j) => (j < i ? [[p, `127.0.0.1:${links.get(`${i} ${j}`)!.port}`]] : [])),
    );
    const config = { session: "session.json", key: `${name}.key`, data: `${name}-data`, wait: setting.wait ?? 20, peers };
    this.write(`${name}.json`, JSON.stringify({ ...config, ...setting.config?.[name] }));
    const within = setting.smallDisk === name ? (this.#small(`${name}-data`)?.within ?? []) : [];
    const orders = anew ? undefined : setting.orders?.[name];
    return this.#start({
      name,
      script: "tacit",
      args: ["party", "--config", `${name}.json`, "--log", "json"],
      within,
      ...(orders !== undefined && { orders }),
    });
  }

  #start(start: Omit<Start, "cwd" | "code">): Proc {
    const proc = new Proc({ ...start, cwd: this.path, code: this.code });
    this.procs.push(proc);
    return proc;
  }

  /** A person's links are its own: one to each party's end for people. */
  async #person(
    run: Run,
    name: string,
    script: Start["script"],
    args: readonly string[],
    more: Partial<Person>,
    within: readonly string[] = [],
  ): Promise<Proc> {
    const via: Record<string, number> = {};
    for (const [i, p] of this.ports.entries()) {
      const link = await this.#link(p.client);
      via[p.client] = link.port;
      run.links.set(`${name} ${i}`, link);
    }
    return this.#start({ name, script, args, within, orders: { ...more.orders, via, gate: true } });
  }

  /** Says `messages` to a party's end for people, as the network would that had them; resolves when the party has hung up. */
  async say(port: number, messages: readonly Uint8Array[]): Promise<void> {
    const socket = new WebSocket(`wss://127.0.0.1:${port}`, { rejectUnauthorized: false });
    const over = new Promise<void>((resolve) => socket.on("error", () => resolve()).on("close", () => resolve()));
    socket.on("open", () => {
      for (const m of messages) socket.send(m);
    });
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, TIMEOUT))]);
    socket.terminate();
  }

  /** The small disk at `directory`, once a process was started on it. */
  disk(directory: string): Disk | null {
    return this.#disks.get(directory) ?? null;
  }

  #small(directory: string): Disk | null {
    const known = this.#disks.get(directory);
    const disk = known === undefined ? Disk.at(this.file(directory)) : known;
    disk?.load();
    this.#disks.set(directory, disk);
    return disk;
  }

  /** Ends what is left of a run. */
  async end(): Promise<void> {
    for (const p of this.procs) p.signal("SIGKILL");
    await Promise.all(this.procs.map((p) => p.ended));
    this.procs.length = 0;
    await Promise.all(this.#lines.splice(0).map((p) => p.close()));
  }

  /** Ports of parties at which somebody listens. */
  async bound(): Promise<number[]> {
    const all = this.ports.flatMap((p) => [p.address, p.client]);
    const open = await Promise.all(all.map(listens));
    return all.filter((_, i) => open[i]);
  }

  /** Files of everybody, but for keys and the provider's own: name and content. */
  files(): { readonly name: string; readonly bytes: Buffer }[] {
    const out: { readonly name: string; readonly bytes: Buffer }[] = [];
    const look = (directory: string): void => {
      for (const f of readdirSync(directory)) {
        const at = join(directory, f);
        if (statSync(at).isDirectory()) look(at);
        else if (!f.endsWith(".key") && f !== "x.safetensors")
          out.push({ name: at.slice(this.path.length + 1), bytes: readFileSync(at) });
      }
    };
    look(this.path);
    for (const disk of this.#disks.values()) if (disk !== null) look(disk.seen);
    return out;
  }

  async close(): Promise<void> {
    for (const p of this.procs) await p.kill();
    await Promise.all(this.#lines.splice(0).map((p) => p.close()));
    for (const disk of this.#disks.values()) disk?.close();
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Free ports below those that the system gives to connections: they stay free between two runs of the rig. */
async function quietPorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = 12_000 + (crypto.getRandomValues(new Uint16Array(1))[0]! % 20_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    found.add(port);
    await new Promise((resolve) => server.close(resolve));
  }
  return [...found];
}

const newIdentity = async (name: string): Promise<readonly [string, mpc.Identity]> => [name, await mpc.Identity.generate(name)];

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });

/** 16 MiB of memory as a file system over a directory, in a mount namespace that a sleeping process holds. */
export class Disk {
  readonly within: readonly string[];
  /** Where this process sees it. */
  readonly seen: string;
  readonly #holder: number;
  readonly #at: string;

  private constructor(holder: number, at: string) {
    this.#holder = holder;
    this.#at = at;
    // A directory that is entered before the namespace is not the one inside it: relative paths would lead past the disk.
    this.within = ["nsenter", "--mount", "--target", String(holder), "sh", "-c", 'cd "$0" && exec "$@"', join(at, "..")];
    this.seen = `/proc/${holder}/root${at}`;
  }

  /** Null where this machine gives no namespace. */
  static at(directory: string): Disk | null {
    try {
      execFileSync("unshare", ["--mount", "true"], { stdio: "ignore" });
    } catch {
      return null;
    }
    const mount = `mount -t tmpfs -o size=16m,mode=700 none "$0" && touch "$0/ready" && exec sleep 3600`;
    const holder = spawn("unshare", ["--mount", "sh", "-c", mount, directory], { stdio: "ignore" });
    const disk = new Disk(holder.pid!, directory);
    const late = Date.now() + 5000;
    while (Date.now() < late) {
      if (statSync(join(disk.seen, "ready"), { throwIfNoEntry: false }) !== undefined) return disk;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
    disk.close();
    return null;
  }

  /** It holds what the directory holds that it covers. */
  load(): void {
    for (const f of readdirSync(this.seen)) rmSync(join(this.seen, f), { recursive: true, force: true });
    cpSync(this.#at, this.seen, { recursive: true });
  }

  /** Until nothing more fits. */
  fill(): void {
    for (const bytes of [65_536, 4096, 1]) {
      try {
        for (;;) writeFileSync(join(this.seen, "filler"), new Uint8Array(bytes), { flag: "a" });
      } catch {
        // It is full, which was the aim.
      }
    }
  }

  /** Room again; whoever starts without it finds what was written meanwhile. */
  room(): void {
    rmSync(join(this.seen, "filler"), { force: true });
    cpSync(this.seen, this.#at, { recursive: true });
  }

  close(): void {
    process.kill(this.#holder, "SIGKILL");
  }
}
