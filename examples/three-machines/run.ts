/**
 * @file Three real parties, each `tacit party` with its own keys and address, in three network namespaces where the machine allows it. A
 * model owner, two hospitals, a driver and a recipient, each with a directory and a key of its own, train a small model there; none waits
 * for another to start.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { digits, encodeIdx } from "@tacit/core/data";

const TACIT = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));
/** Compiled sources, kept from process to process as the tests keep them: halves the start of each. */
const COMPILED = fileURLToPath(new URL("../../node_modules/.cache/tacit-tests", import.meta.url));
const NAMES = ["clinic-a", "clinic-b", "clinic-c"];
const PEOPLE = ["driver", "model-owner", "hospital-a", "hospital-b", "clinic"];
const QUIET = ["--no-warnings"];

/** What one machine is here: a prefix for commands that run on it, and its address. */
interface Machine {
  readonly prefix: readonly string[];
  readonly host: string;
  readonly port: number;
}

const ip = (...words: readonly string[]): unknown => execFileSync("ip", words, { stdio: "ignore" });

/** Three namespaces on a bridge in a fourth, where the driver is; nothing outside them changes. Needs root. */
function makeNamespaces(label: string, made: string[]): Machine[] {
  const add = (name: string): string => {
    ip("netns", "add", name);
    made.push(name);
    ip("-n", name, "link", "set", "lo", "up");
    return name;
  };
  const hub = add(`${label}-hub`);
  ip("netns", "exec", hub, "true"); // some containers let one be made and not be entered
  ip("-n", hub, "link", "add", "bridge", "type", "bridge");
  ip("-n", hub, "addr", "add", "10.77.0.254/24", "dev", "bridge");
  ip("-n", hub, "link", "set", "bridge", "up");
  const machines = NAMES.map((_, i) => {
    const name = add(`${label}-${i}`);
    ip("-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", `to${i}`, "netns", hub);
    ip("-n", hub, "link", "set", `to${i}`, "master", "bridge", "up");
    ip("-n", name, "addr", "add", `10.77.0.${i + 1}/24`, "dev", "eth0");
    ip("-n", name, "link", "set", "eth0", "up");
    return { prefix: ["ip", "netns", "exec", name], host: `10.77.0.${i + 1}`, port: 7001 };
  });
  return [...machines, { prefix: ["ip", "netns", "exec", hub], host: "10.77.0.254", port: 0 }];
}

/** Namespaces, or loopback with different ports. */
function makeMachines(made: string[]): Machine[] {
  try {
    if (process.platform === "linux" && process.env.EXAMPLE_NETNS !== "0") return makeNamespaces(`tacit${process.pid}`, made);
  } catch {
    for (const name of made.splice(0)) ip("netns", "del", name);
  }
  const first = 20_000 + (process.pid % 4000) * 8;
  const here = (i: number): Machine => ({ prefix: [], host: "127.0.0.1", port: first + 2 * i });
  return [...NAMES.map((_, i) => here(i)), here(3)];
}

const started = new Set<ChildProcess>();

/** Starts a command on a machine; resolves with its output, fails with its errors. */
function start({ prefix }: Machine, words: readonly string[], cwd: string): Promise<string> {
  const [file, ...rest] = [...prefix, process.execPath, ...QUIET, ...words];
  const env = { ...process.env, NODE_COMPILE_CACHE: COMPILED };
  const child = spawn(file!, rest, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  started.add(child);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (d: Buffer) => {
    stdout += d.toString();
  });
  child.stderr.on("data", (d: Buffer) => {
    stderr += d.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      started.delete(child);
      if (code === 0) resolve(stdout + stderr);
      else reject(new Error(`${words.join(" ")} ended with ${code}\n${stderr}`));
    });
  });
}

/** Keys: each is made on its owner's machine, and only the public half leaves it. */
async function makeKeys(machines: readonly Machine[], home: string): Promise<void> {
  const party = async (name: string, i: number): Promise<void> => {
    const { host, port } = machines[i]!;
    writeFileSync(join(home, `${name}.pass`), `the passphrase of ${name}\n`, { mode: 0o600 });
    const reached = ["--address", `${host}:${port}`, "--client", `${host}:${port + 1}`];
    const printed = await start(
      machines[i]!,
      [TACIT, "keygen", name, "--passphrase-file", `${name}.pass`, ...reached, "--json"],
      home,
    );
    writeFileSync(join(home, `${name}.pub`), printed.slice(0, printed.indexOf("\n")));
  };
  const person = async (name: string): Promise<void> => {
    mkdirSync(join(home, name), { mode: 0o700 });
    const printed = await start(machines[3]!, [TACIT, "keygen", name, "--no-passphrase", "--json"], join(home, name));
    writeFileSync(join(home, `${name}.pub`), printed.slice(0, printed.indexOf("\n")));
  };
  await Promise.all([...NAMES.map(party), ...PEOPLE.map(person)]);
}

function writeConfig(name: string, home: string): string {
  mkdirSync(join(home, `${name}-data`), { mode: 0o700 });
  const config = { session: "session.json", key: `${name}.key`, passphraseFile: `${name}.pass`, data: `${name}-data`, wait: 60 };
  writeFileSync(join(home, `${name}.json`), JSON.stringify(config, null, 2));
  return `${name}.json`;
}

/** Pictures and labels of a hospital, as files in its own directory. */
function writeDigits(name: string, seed: number): void {
  const { images, labels } = digits({ count: 64, seed });
  const pixels = Uint8Array.from(images.values, Number);
  writeFileSync(join(home, name, "images.idx"), encodeIdx({ values: pixels, shape: [64, 28, 28], dtype: "u8" }));
  writeFileSync(
    join(home, name, "labels.idx"),
    encodeIdx({ values: Uint8Array.from(labels.values, Number), shape: [64], dtype: "u8" }),
  );
}

/** The training that the owners agree on: losses go to the clinic alone. */
const JOB = [
  ...["--model", "mlp", "--weights", "model-owner/model", "--data", "hospital-a/train,hospital-b/train"],
  ...["--steps", "20", "--batch", "32", "--lr", "0.1", "--to", "clinic"],
];

/** What people do, each with its own key, while the parties serve. Returns what the recipient got. */
async function people(machine: Machine): Promise<string> {
  const run = (who: string, ...words: readonly string[]): Promise<string> =>
    start(machine, [TACIT, ...words, "--session", "../session.json", "--as", who, "--wait", "300"], join(home, who));
  // All of these start at once, before the parties do: who is early waits.
  const driver = run("driver", "train", "--private", ...JOB);
  const gave = [
    run("model-owner", "give", "--model", "mlp"),
    ...["hospital-a", "hospital-b"].map((name) => run(name, "give", "images.idx", "--labels", "labels.idx", "--classes", "10")),
  ];
  driver.catch(() => undefined);
  console.log((await Promise.all(gave)).map((text) => text.trim()).join("\n\n"));
  // Each owner reads the plan before it signs; --yes is for scripts.
  const plan = await start(machine, [TACIT, "plan", ...JOB, "--session", "../session.json", "--json"], join(home, "driver"));
  writeFileSync(join(home, "plan.json"), plan.slice(0, plan.indexOf("\n")));
  await Promise.all(["model-owner", "hospital-a", "hospital-b"].map((name) => run(name, "approve", "../plan.json", "--yes")));
  console.log((await driver).trim());
  return run("clinic", "receive", "--json");
}

const namespaces: string[] = [];
const home = mkdtempSync(join(tmpdir(), "tacit-three-"));
try {
  const machines = makeMachines(namespaces);
  await makeKeys(machines, home);
  const pub = (names: readonly string[]): string[] => names.map((n) => `${n}.pub`);
  await start(machines[3]!, [TACIT, "session", "new", "--parties", ...pub(NAMES), "--people", ...pub(PEOPLE)], home);
  for (const [i, name] of ["hospital-a", "hospital-b"].entries()) writeDigits(name, i);
  const work = people(machines[3]!);
  work.catch(() => undefined);
  for (const [i, name] of NAMES.entries()) {
    start(machines[i]!, [TACIT, "party", "--config", writeConfig(name, home)], home).catch(() => undefined);
  }
  const got = await work;
  console.log(
    namespaces.length > 0 ? "three network namespaces, addresses 10.77.0.1 to 10.77.0.3" : "three processes on loopback",
  );
  const { deliveries } = JSON.parse(got.slice(0, got.indexOf("\n"))) as { deliveries: { why: string; values: number[] }[] };
  const losses = deliveries.map((d) => d.values[0]!);
  console.log(
    `the clinic learnt: ${deliveries.map((d) => `${d.why} ${d.values[0]!.toFixed(3)}`).join(", ")} (chance ${Math.log(10).toFixed(3)})`,
  );
  if (!(losses.length === 2 && losses[1]! < losses[0]!)) throw new Error("expected two losses, the second below the first");
} finally {
  for (const child of started) child.kill("SIGKILL");
  for (const name of namespaces) ip("netns", "del", name);
  rmSync(home, { recursive: true, force: true });
}
