/** @file `tacit keygen` as a process, and the question for a passphrase. */
import { EventEmitter } from "node:events";
import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { mpc } from "@tacit/mpc";
import { afterAll, describe, expect, test } from "vitest";
import { askPassphrase, passphraseFrom, passphraseFromCommand, type Terminal } from "../../src/passphrase.ts";
import { scratch, tacit } from "./tacit.ts";

const place = scratch();
afterAll(() => place[Symbol.dispose]());
const SECRET = "a phrase of some length";

describe("tacit keygen", () => {
  test("keeps the private half sealed in a file and prints the public half alone", async () => {
    const words = [
      "--passphrase-file",
      place.write("a.pass", `${SECRET}\n`),
      "--address",
      "a.example:7001",
      "--client",
      "a.example:7002",
    ];
    chmodSync(place.file("a.pass"), 0o600);
    const ran = await tacit(["keygen", "clinic-a", ...words], { cwd: place.path });
    expect(ran).toMatchObject({ code: 0, signal: null });
    const { identity, reached } = mpc.parsePublic(ran.stdout);
    expect(reached).toEqual({ address: "a.example:7001", client: "a.example:7002" });
    expect(statSync(place.file("clinic-a.key")).mode & 0o777).toBe(0o600);
    const kept = await mpc.readKeyFile(place.file("clinic-a.key"), SECRET);
    expect(kept.public).toEqual(identity);
    expect(ran.stderr).toContain(mpc.fingerprint(identity));
    const secret = await kept.exportPrivate();
    for (const hidden of [secret.sign.private, secret.seal.private, SECRET])
      expect(ran.stdout + ran.stderr).not.toContain(hidden);
  });

  test("refuses what would lose or weaken a key", async () => {
    const made = await tacit(["keygen", "driver", "--no-passphrase", "--json"], { cwd: place.path });
    expect(JSON.parse(made.stdout)).toMatchObject({ schema: 1, kind: "identity", name: "driver" });
    const before = readFileSync(place.file("driver.key"), "utf8");
    const faults: readonly (readonly [readonly string[], string])[] = [
      [["driver", "--no-passphrase"], "KEY_FILE"],
      [["other"], "KEY_PASSPHRASE"],
      [["other", "--passphrase-file", place.write("short", "1234567")], "KEY_PASSPHRASE"],
      [["other", "--passphrase-file", place.file("none")], "FILE_READ"],
      [["other", "--passphrase-file", "x", "--no-passphrase"], "ARGUMENT_INVALID"],
      [["other", "--no-passphrase", "--address", "a.example:7001"], "ARGUMENT_INVALID"],
      [["No Name", "--no-passphrase"], "IDENTITY_INVALID"],
    ];
    for (const [words, code] of faults) {
      const ran = await tacit(["keygen", ...words], { cwd: place.path });
      expect(ran, words.join(" ")).toMatchObject({ code: 1, stdout: "" });
      expect(ran.stderr, words.join(" ")).toContain(`tacit: error[${code}]`);
    }
    const unasked = await tacit(["keygen", "other"], { cwd: place.path });
    expect(unasked.stderr).toMatch(/hint: .*--passphrase-file.*--passphrase-command.*--no-passphrase/);
    expect(readFileSync(place.file("driver.key"), "utf8")).toBe(before);
    expect(existsSync(place.file("other.key"))).toBe(false);
    const forced = await tacit(["keygen", "driver", "--no-passphrase", "--force"], { cwd: place.path });
    expect(forced.code).toBe(0);
    expect(readFileSync(place.file("driver.key"), "utf8")).not.toBe(before);
  });
});

describe("tacit session", () => {
  test("makes one file of the members' public files, and says what stands in it", async () => {
    const pub = async (name: string, reached?: mpc.Reached): Promise<string> => {
      const identity = (await mpc.Identity.generate(name)).public;
      place.write(`${name}.pub`, JSON.stringify(mpc.publicEntry({ identity, ...(reached && { reached }) })));
      return `${name}.pub`;
    };
    const reached = (n: number): mpc.Reached => ({ address: `c${n}.example:7001`, client: `c${n}.example:7002` });
    const parties = [await pub("c1", reached(1)), await pub("c2", reached(2)), await pub("c3", reached(3))];
    const people = [await pub("driver"), await pub("owner")];
    const words = ["session", "new", "--parties", ...parties, "--people", ...people, "--days", "2", "--memory", "500"];
    const made = await tacit([...words, "--out", "s.json"], { cwd: place.path });
    expect(made.code).toBe(0);
    const session = await mpc.readSession(place.file("s.json"));
    expect(session.file).toMatchObject({ driver: "driver", limits: { memory: 5e8, timeout: 30_000 } });
    const shown = await tacit(["session", "show", "s.json"], { cwd: place.path });
    expect(shown.stdout).toBe(made.stdout);
    for (const said of [
      session.hex,
      "c2.example:7001",
      mpc.fingerprint(session.everyone.get("owner")!),
      "in 2.0 days",
      "no grant",
    ])
      expect(shown.stdout).toContain(said);
    expect((await tacit([...words, "--out", "s.json"], { cwd: place.path })).stderr).toContain("error[FILE_WRITE]");
    const [a, b] = parties;
    const faults: readonly (readonly [readonly string[], string])[] = [
      [["--parties", a!, b!, people[0]!, "--people", people[1]!], "SESSION_INVALID"],
      [["--parties", a!, b!, b!, "--people", people[0]!], "SESSION_INVALID"],
      [["--parties", a!, b!, "--people", people[0]!], "PROTOCOL_UNKNOWN"],
      [["--parties", ...parties, "--people", "driver.key"], "IDENTITY_INVALID"],
    ];
    for (const [given, code] of faults) {
      const ran = await tacit(["session", "new", ...given, "--out", "never.json"], { cwd: place.path });
      expect(ran, given.join(" ")).toMatchObject({ code: 1, stdout: "" });
      expect(ran.stderr, given.join(" ")).toContain(`error[${code}]`);
    }
    expect(existsSync(place.file("never.json"))).toBe(false);
  });
});

describe("a passphrase", () => {
  /** A terminal on which `typed` is typed. */
  class Typing extends EventEmitter implements Terminal {
    readonly isTTY = true;
    readonly modes: boolean[] = [];
    constructor(typed: readonly string[]) {
      super();
      this.on("newListener", (event) => {
        if (event === "data") setImmediate(() => typed.forEach((t) => void this.emit("data", new TextEncoder().encode(t))));
      });
    }
    setRawMode(on: boolean): void {
      this.modes.push(on);
    }
    resume(): void {}
    pause(): void {}
  }

  test("is asked for without showing it, with letters taken back", async () => {
    const terminal = new Typing(["secretX\u007fé", "é\u007f\r", "later"]);
    let shown = "";
    const answer = await askPassphrase("passphrase", terminal, (t) => {
      shown += t;
    });
    expect(answer).toBe("secreté");
    expect(shown).toBe("passphrase: \n");
    expect(terminal.modes).toEqual([true, false]);
    expect(terminal.listenerCount("data")).toBe(0);
  });

  test("that is broken off with Ctrl-C leaves the terminal as it was", async () => {
    const terminal = new Typing(["half\u0003"]);
    await new Promise<void>((resolve) => void askPassphrase("p", terminal, () => undefined, resolve));
    expect(terminal.modes).toEqual([true, false]);
  });

  test("from a file is one line that not everybody may read", async () => {
    const file = place.write("line", "one line\r\n");
    chmodSync(file, 0o644);
    await expect(passphraseFrom(file)).rejects.toMatchObject({ code: "KEY_PASSPHRASE" });
    chmodSync(file, 0o600);
    expect(await passphraseFrom(file)).toBe("one line");
    for (const bad of ["", "\n", "two\nlines\n"]) {
      chmodSync(place.write("line", bad), 0o600);
      await expect(passphraseFrom(file)).rejects.toMatchObject({ code: "KEY_PASSPHRASE" });
    }
    place.write("line", "x".repeat(2000));
    await expect(passphraseFrom(file)).rejects.toMatchObject({ code: "SIZE_LIMIT" });
  });
});

describe("a passphrase from a program", () => {
  const program = (name: string, script: string): readonly string[] => {
    chmodSync(place.write(name, `#!/bin/sh\n${script}\n`), 0o700);
    return [place.file(name)];
  };

  test("seals a key file and opens it again, without a shell: its words come as they are", async () => {
    const words = [...program("keyring", 'echo "correct horse $1"; echo "second line"; echo unlocked >&2'), "; rm -rf / #"];
    const json = JSON.stringify(words);
    const made = await tacit(["keygen", "ringed", "--passphrase-command", json], { cwd: place.path });
    expect(made.code).toBe(0);
    expect(made.stderr).toContain("under the passphrase");
    const opened = await mpc.readKeyFile(place.file("ringed.key"), "correct horse ; rm -rf / #");
    expect(opened.name).toBe("ringed");
    expect(`${made.stdout}${made.stderr}`).not.toContain("horse");
    await expect(passphraseFromCommand(words)).resolves.toBe("correct horse ; rm -rf / #");
  });

  test("that fails, hangs, says nothing or too much, or is not there is named, and what it said is not", async () => {
    const cases: readonly (readonly [readonly string[], string])[] = [
      [program("fails", "echo secret; exit 3"), "code 3"],
      [program("hangs", "exec sleep 60"), "no end for 0.5 s"],
      [program("silent", "echo"), "an empty line"],
      [program("loud", "head -c 100000 /dev/zero"), "too much"],
      [["/no/such/program"], "ENOENT"],
    ];
    for (const [words, says] of cases) {
      const e = await passphraseFromCommand(words, 500 * (words[0]!.endsWith("hangs") ? 1 : 40)).catch((x: unknown) => x);
      expect(e).toMatchObject({ code: "KEY_PASSPHRASE" });
      expect((e as Error).message).toContain(`got ${says}`);
      expect((e as Error).message).not.toContain("secret");
    }
  });

  test("that leaves a process behind with its stdout does not keep this one from its end", async () => {
    const pipes = (): number => process.getActiveResourcesInfo().filter((x) => x === "PipeWrap").length;
    const before = pipes();
    await expect(passphraseFromCommand(program("daemon", "echo ring; sleep 3 &"))).resolves.toBe("ring");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(pipes()).toBeLessThanOrEqual(before);
  });

  test("is given as a JSON array of words, and not together with a file", async () => {
    for (const text of ["secret-tool lookup", "[]", "[1]", '""']) {
      const ran = await tacit(["keygen", "nobody", "--passphrase-command", text], { cwd: place.path });
      expect([ran.code, ran.stderr.includes("expected a program and its words as JSON")]).toEqual([1, true]);
    }
    const both = await tacit(["keygen", "nobody", "--passphrase-command", '["true"]', "--passphrase-file", "x"], {
      cwd: place.path,
    });
    expect(both.stderr).toContain("ARGUMENT_INVALID");
  });
});
