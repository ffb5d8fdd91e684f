/** @file The systemd unit and the container file: checked by systemd where it is, and run step by step as an unprivileged user in a clean directory. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { mpc } from "@tacit/mpc";
import { afterAll, describe, expect, it } from "vitest";
import { freePorts } from "../../packages/cli/test/process/parties.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const HERE = join(ROOT, "examples/three-machines");
const place = mkdtempSync(join(tmpdir(), "tacit-machine-"));
chmodSync(place, 0o755);
afterAll(() => rmSync(place, { recursive: true, force: true }));

const unit = readFileSync(join(HERE, "tacit-party.service"), "utf8");
const config = JSON.parse(readFileSync(join(HERE, "party.json"), "utf8")) as Readonly<Record<string, string>>;
const setting = (name: string): string[] =>
  unit.split("\n").flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []));
const systemd = spawnSync("systemd-analyze", ["--version"], { encoding: "utf8" }).status === 0;

/** The steps of the container file, in order. */
const steps = readFileSync(join(HERE, "Containerfile"), "utf8")
  .replace(/\\\n/g, " ")
  .split("\n")
  .filter((line) => /^[A-Z]+ /.test(line))
  .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1).trim()] as const);
const step = (name: string): string => steps.find(([n]) => n === name)?.[1] ?? "";

/** As root another user who may do nothing; else whoever runs the tests. */
const NOBODY = 65_534;
const root = process.getuid?.() === 0;
const as = root ? { uid: NOBODY, gid: NOBODY } : {};

/** Bytes: two halves of 2 MiB, one of them twice while it is copied. */
const YOUNG = 10e6;
/** Bytes of Node's space for young objects after a program that fills it. */
function youngSpace(flags: readonly string[], env: Record<string, string> = {}): number {
  const script = `let keep = [];
    for (let i = 0; i < 1e6; i++) { keep.push([i]); if (keep.length > 50000) keep = []; }
    console.log(require("node:v8").getHeapSpaceStatistics().find((s) => s.space_name === "new_space").space_size);`;
  return Number(
    execFileSync(process.execPath, [...flags, "-e", script], { encoding: "utf8", env: { PATH: process.env.PATH ?? "", ...env } }),
  );
}

describe("the unit", () => {
  it("names what the configuration and the command line really have", () => {
    const [start] = setting("ExecStart");
    const words = start!.split(" ");
    expect(words.slice(1, 4)).toEqual(["party", "--config", "/etc/tacit/party.json"]);
    const [credential, file] = setting("LoadCredentialEncrypted")[0]!.split(":");
    expect(config.passphraseFile).toBe(`/run/credentials/tacit-party.service/${credential}`);
    expect(readFileSync(join(HERE, "README.md"), "utf8")).toContain(file!);
    expect(config.data).toBe(`/var/lib/${setting("StateDirectory")[0]}`);
    expect(setting("StateDirectoryMode")).toEqual(["0700"]);
    expect(setting("NoNewPrivileges")).toEqual(["yes"]);
    expect(setting("LimitCORE")).toEqual(["0"]);
    const [environment = ""] = setting("Environment");
    expect(environment).toMatch(/^NODE_OPTIONS=/);
    expect(youngSpace([], { NODE_OPTIONS: environment.slice("NODE_OPTIONS=".length) })).toBeLessThan(YOUNG);
    // The measure can tell: without the setting there is more.
    expect(youngSpace([])).toBeGreaterThan(YOUNG);
  });

  it(systemd
    ? "is valid, and little is exposed, by systemd's own judgement"
    : "has a form that its settings allow (no systemd here to judge)", () => {
    if (!systemd) {
      for (const line of unit.split("\n")) expect(line).toMatch(/^(#.*|\[[A-Z][a-z]+\]|[A-Za-z]+=.*)?$/);
      return;
    }
    // The program is not installed on this machine: another one stands in its place.
    const copy = join(place, "tacit-party.service");
    writeFileSync(copy, unit.replace("ExecStart=/usr/local/bin/tacit", `ExecStart=${process.execPath}`));
    const verified = spawnSync("systemd-analyze", ["verify", "--man=no", copy], { encoding: "utf8" });
    expect([verified.status, verified.stderr.split("\n").filter((l) => l.includes("tacit-party"))]).toEqual([0, []]);
    const judged = spawnSync("systemd-analyze", ["security", "--offline=yes", "--threshold=20", "--no-pager", copy], {
      encoding: "utf8",
    });
    expect([judged.status, judged.stderr]).toEqual([0, ""]);
    expect(judged.stdout).toMatch(/Overall exposure level for tacit-party\.service: [01]\.\d OK/);
  }, 60_000);
});

/** What `COPY . .` takes along, in a directory of its own, with what `npm ci` and `build:kernels` would make. */
function copied(): string {
  const to = join(place, "tacit");
  const files = execFileSync(
    "git",
    ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "packages", "package.json", "tsconfig.json"],
    {
      cwd: ROOT,
      encoding: "utf8",
    },
  )
    .split("\0")
    .filter((f) => f !== "" && !f.includes("/test/") && existsSync(join(ROOT, f)));
  for (const f of files) {
    mkdirSync(dirname(join(to, f)), { recursive: true });
    cpSync(join(ROOT, f), join(to, f));
  }
  cpSync(join(ROOT, "packages/kernels/build"), join(to, "packages/kernels/build"), { recursive: true });
  mkdirSync(join(to, "node_modules/@tacit"), { recursive: true });
  for (const name of readdirSync(join(ROOT, "node_modules")).filter((n) => n !== "@tacit"))
    symlinkSync(join(ROOT, "node_modules", name), join(to, "node_modules", name));
  for (const name of readdirSync(join(to, "packages")))
    symlinkSync(join(to, "packages", name), join(to, "node_modules/@tacit", name));
  return to;
}

describe("the container file", () => {
  it("copies, runs and drops what is there: user, port, volume and entry fit each other and the configuration", () => {
    expect(steps.map(([name]) => name)).toEqual([
      "FROM",
      "WORKDIR",
      "COPY",
      "RUN",
      "USER",
      "VOLUME",
      "EXPOSE",
      "HEALTHCHECK",
      "STOPSIGNAL",
      "ENTRYPOINT",
    ]);
    expect(step("FROM")).toMatch(/node:24/);
    const scripts = (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: Record<string, string> }).scripts;
    for (const [, name] of step("RUN").matchAll(/npm run (?:--silent )?([a-z:]+)/g)) expect(Object.keys(scripts)).toContain(name);
    expect(existsSync(join(ROOT, "package-lock.json"))).toBe(true);
    expect(step("USER")).toBe("node");
    expect(step("RUN")).toContain(`install -d -m 700 -o node -g node ${step("VOLUME")}`);
    const entry = JSON.parse(step("ENTRYPOINT")) as string[];
    expect(existsSync(join(ROOT, entry[2]!))).toBe(true);
    expect(youngSpace([entry[1]!])).toBeLessThan(YOUNG);
    expect(step("HEALTHCHECK")).toContain(`127.0.0.1:${config.health}/health`);
    const ignored = readFileSync(join(ROOT, ".dockerignore"), "utf8").split("\n");
    for (const name of ["**/node_modules", ".git", "**/*.key"]) expect(ignored).toContain(name);
  });

  it("starts a party in a clean directory as a user who may write nothing but its data", async () => {
    const at = copied();
    const etc = join(place, "etc");
    const data = join(place, "data");
    for (const d of [etc, data]) mkdirSync(d, { mode: 0o700 });
    const ports = await freePorts(7);
    const parties = await Promise.all(["clinic-a", "clinic-b", "clinic-c"].map((n) => mpc.Identity.generate(n)));
    const driver = await mpc.Identity.generate("driver");
    const session = mpc.newSession({
      parties: parties.map((p, i) => ({
        identity: p.public,
        address: `127.0.0.1:${ports[2 * i]}`,
        client: `127.0.0.1:${ports[2 * i + 1]}`,
      })),
      people: [driver.public],
      driver: "driver",
      protocol: mpc.PROTOCOLS[0]!,
    });
    writeFileSync(join(etc, "session.json"), session.toJson());
    await mpc.writeKeyFile(join(etc, "party.key"), parties[0]!, { passphrase: "a phrase of some length" });
    writeFileSync(join(etc, "passphrase"), "a phrase of some length\n", { mode: 0o600 });
    const health = ports[6]!;
    const own = { session: "session.json", key: "party.key", passphraseFile: "passphrase", data, health, wait: 60 };
    writeFileSync(join(etc, "party.json"), JSON.stringify({ ...own, limits: config.limits, log: "info" }));
    if (root) execFileSync("chown", ["-R", `${NOBODY}:${NOBODY}`, etc, data]);
    const entry = (JSON.parse(step("ENTRYPOINT")) as string[]).map((w) =>
      w === "/etc/tacit/party.json" ? join(etc, "party.json") : w,
    );
    const env = { PATH: process.env.PATH ?? "", HOME: "/nonexistent" };
    const party = spawn(process.execPath, entry.slice(1), { cwd: at, env, stdio: ["ignore", "ignore", "pipe"], ...as });
    let log = "";
    party.stderr.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
    const ended = new Promise<number | null>((resolve) => party.once("exit", resolve));
    try {
      await expect.poll(() => log, { timeout: 60_000 }).toContain('"event":"waiting"');
      // The container asks itself: it is alive and not ready, as long as the others are missing.
      const check = JSON.parse(step("HEALTHCHECK").slice(step("HEALTHCHECK").indexOf("["))) as string[];
      const script = check[2]!.replace(String(config.health), String(health));
      expect(spawnSync(process.execPath, ["-e", script], { env, ...as }).status).toBe(1);
      expect((await fetch(`http://127.0.0.1:${health}/health`)).status).toBe(503);
      party.kill(step("STOPSIGNAL") as NodeJS.Signals);
      expect(await ended).toBe(0);
      expect(log).not.toContain("phrase");
    } finally {
      party.kill("SIGKILL");
    }
  }, 120_000);
});
