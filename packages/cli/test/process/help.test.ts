/** @file `tacit explain`, `tacit doctor` and help, as processes. */
import { mkdirSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { scratch, tacit } from "./tacit.ts";

const place = scratch();
afterAll(() => place[Symbol.dispose]());

describe("tacit explain", () => {
  test("prints meaning, remedy and an example of a code, whatever its case", async () => {
    const ran = await tacit(["explain", "loss_not_finite"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toMatch(/^LOSS_NOT_FINITE \(exit code 1/);
    expect(ran.stdout).toContain("What to do: Lower the learning rate");
    expect(ran.stdout).toContain("tacit: error[LOSS_NOT_FINITE]: step ");
  });

  test("names the nearest codes for an unknown one, on stderr, with exit 1", async () => {
    const ran = await tacit(["explain", "SHAPE_MISSMATCH"]);
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toContain("near it: SHAPE_MISMATCH,");
  });

  test("with --json prints schema 1, for one code and for the list", async () => {
    const one = JSON.parse((await tacit(["explain", "POLICY_REFUSED", "--json"])).stdout) as object;
    expect(one).toMatchObject({ schema: 1, kind: "error-code", code: "POLICY_REFUSED", exit: 3, warning: false });
    const list = JSON.parse((await tacit(["explain", "--json"])).stdout) as { codes: string[] };
    expect(list).toMatchObject({ schema: 1, kind: "error-codes" });
    expect(list.codes).toContain("TENSOR_STALE");
    expect(list.codes.toSorted()).toEqual(list.codes);
  });
});

describe("tacit doctor", () => {
  interface Report {
    readonly healthy: boolean;
    readonly findings: readonly {
      readonly name: string;
      readonly state: "ok" | "note" | "lack";
      readonly says: string;
      readonly fix?: string;
    }[];
  }
  const SECRET = "hunter2-do-not-print";

  test("looks at everything, gives a fix for all that is not ok, and prints no path and no setting", async () => {
    mkdirSync(place.file("nothing"));
    const ran = await tacit(["doctor", "--json"], {
      cwd: place.path,
      env: {
        TACIT_CHROMIUM: `/nowhere/${SECRET}`,
        TACIT_DATA: place.file("nothing"),
        XDG_CACHE_HOME: place.file(SECRET),
        TACIT_KEY: SECRET,
      },
    });
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    const report = JSON.parse(ran.stdout) as Report;
    expect(report).toMatchObject({ schema: 1, kind: "doctor", healthy: true });
    const names = [
      "Node",
      "SIMD",
      "relaxed SIMD",
      "kernels",
      "threads",
      "cores",
      "speed",
      "WebGPU",
      "memory",
      "disk, here",
      "disk, cache",
      "clock",
      "data",
      "ports",
      "Chromium",
    ];
    expect(report.findings.map((f) => f.name)).toEqual(names);
    for (const f of report.findings) expect(f.fix === undefined).toBe(f.state === "ok");
    const state = new Map(report.findings.map((f) => [f.name, f.state]));
    expect(report.findings.find((f) => f.name === "speed")?.says).toMatch(/^\d+\.\d GFLOP\/s on one thread/);
    expect(state.get("data")).toBe("note");
    expect(state.get("Chromium")).toBe("note");
    expect(ran.stdout).not.toContain(SECRET);
    expect(ran.stdout).not.toContain(place.path);
  });

  test("ends with 1 and says the fix when something is lacking: damaged data", async () => {
    mkdirSync(place.file("bad/mnist"), { recursive: true });
    for (const name of ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]) {
      place.write(`bad/mnist/${name}-ubyte`, "no MNIST");
    }
    const ran = await tacit(["doctor"], { env: { TACIT_DATA: place.file("bad") } });
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(
      /lack {2}data +MNIST is damaged or unreadable \(DATA_CHECKSUM\)\n +fix: tacit explain DATA_CHECKSUM/,
    );
    expect(ran.stdout).toMatch(/1 to mend\n$/);
  });
});

describe("help", () => {
  test("and version are results: stdout, exit 0", async () => {
    const [help, version] = await Promise.all([tacit(["train", "--help"]), tacit(["--version"])]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain("tacit train --data my.csv");
    expect(help.stdout).toContain("--threads <n>");
    expect(version).toMatchObject({ code: 0, stderr: "" });
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
