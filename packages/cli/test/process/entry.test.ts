/** @file The entry of the `tacit` command, which an older Node than it needs can read. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const BIN = fileURLToPath(new URL("../../bin/tacit.js", import.meta.url));
/** Nodes of the system, older than ours. */
const old = ["/usr/bin/node", "/usr/local/bin/node"].find(
  (path) => existsSync(path) && Number(/^v(\d+)/.exec(execFileSync(path, ["--version"], { encoding: "utf8" }))?.[1]) < 24,
);

/** What the entry does where `process` says that it is Node `version`. */
const as = (version: string): ReturnType<typeof spawnSync> => {
  const versions = `{ ...process.versions, node: ${JSON.stringify(version)} }`;
  const lie = `for (const [k, value] of [["versions", ${versions}], ["version", "v${version}"]]) Object.defineProperty(process, k, { value });`;
  const preload = `data:text/javascript,${encodeURIComponent(lie)}`;
  return spawnSync(process.execPath, ["--import", preload, BIN, "--version"], { encoding: "utf8" });
};

describe("the entry of the command", () => {
  test("says which Node it needs to an older one, and exits with 1", () => {
    for (const version of ["20.20.2", "8.0.0", "23.11.1"]) {
      const ran = as(version);
      expect(ran).toMatchObject({ status: 1, stdout: "" });
      expect(ran.stderr).toMatch(`tacit needs Node 24 or newer, this is v${version}\n`);
    }
    expect(as("25.0.0")).toMatchObject({ status: 0, stderr: "" });
  });

  test.runIf(old !== undefined)("says it to the older Node of this machine as well", () => {
    const ran = spawnSync(old!, [BIN, "train"], { encoding: "utf8" });
    expect(ran).toMatchObject({ status: 1, stdout: "" });
    expect(ran.stderr).toMatch(/^tacit needs Node 24 or newer, this is v\d+\.\d+\.\d+\nhint: .*npx tacit/);
  });

  test("holds nothing that an older Node cannot parse", () => {
    expect(readFileSync(BIN, "utf8")).not.toMatch(/\busing\b|\?\?=|\.ts"\s*;|^import [^"]*"\./m);
  });
});
