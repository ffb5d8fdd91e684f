/** @file A budget is made once: not by opening a path that holds none, not by two who create at once, not again after a crash. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Budget, PeopleBudget } from "../../src/budgets/index.ts";
import { ONE, TERMS } from "./terms.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tacit-creation-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const path = (i = 0): string => join(directory, `${i}.sqlite`);
const coded = (code: string): unknown => expect.objectContaining({ code, hint: expect.stringMatching(/create|open/) });

const CREATOR = fileURLToPath(new URL("creator.ts", import.meta.url));

/** Runs a creator to its end: [how it ended, what it printed]. */
function creator(folder: string, ...args: readonly (string | number)[]): Promise<readonly [string, string]> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CREATOR, folder, ...args.map(String)], { stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    child.stdout.on("data", (text: Buffer) => {
      out += text.toString();
    });
    child.on("close", (code, signal) => resolve([signal ?? `${code}`, out]));
  });
}

const people = { dataset: "visits", unit: "person", neighbours: "add-remove", measure: "rho", limit: 1 } as const;

it("a path that holds no budget is not opened, and nothing is made there", () => {
  expect(() => Budget.open(path(), TERMS)).toThrow(coded("PRIVACY_LEDGER_MISSING"));
  expect(() => PeopleBudget.open(path(), people)).toThrow(coded("PRIVACY_LEDGER_MISSING"));
  expect(() => Budget.open(path(), TERMS)).toThrow(`expected a budget at ${path()}, got none`);
  expect(readdirSync(directory)).toEqual([]);
  writeFileSync(path(), "");
  expect(() => Budget.open(path(), TERMS)).toThrow(coded("PRIVACY_LEDGER_MISSING"));
});

it("a path that holds a budget is not created at again: what was spent stays spent", () => {
  {
    using made = Budget.create(path(), TERMS);
    made.release([ONE], "count", () => 0);
    expect(() => Budget.create(path(), TERMS)).toThrow(coded("PRIVACY_LEDGER_EXISTS"));
  }
  expect(() => Budget.create(path(), { ...TERMS, epsilon: 50 })).toThrow(coded("PRIVACY_LEDGER_EXISTS"));
  expect(() => PeopleBudget.create(path(), people)).toThrow(coded("PRIVACY_LEDGER_EXISTS"));
  using budget = Budget.open(path(), TERMS);
  expect(budget.entries()).toHaveLength(1);
});

it("a database of somebody else is neither opened nor created in, and stays as it was", () => {
  const other = new DatabaseSync(path());
  other.exec("CREATE TABLE visits (id INTEGER)");
  for (const act of ["create", "open"] as const)
    expect(() => Budget[act](path(), TERMS)).toThrow(expect.objectContaining({ code: "PRIVACY_LEDGER" }));
  expect(other.prepare("SELECT name FROM sqlite_schema").all()).toEqual([expect.objectContaining({ name: "visits" })]);
  expect(other.prepare("PRAGMA journal_mode").get()).toMatchObject({ journal_mode: "delete" });
  other.close();
});

it("a path may hold what an address would not: spaces, ?, #, % and letters", () => {
  const odd = join(directory, "visits 50% of ?x=1#é&mode=memory.sqlite");
  Budget.create(odd, TERMS)[Symbol.dispose]();
  expect(existsSync(odd)).toBe(true);
  Budget.open(odd, TERMS)[Symbol.dispose]();
});

const passes = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
async function appears(file: string): Promise<void> {
  while (!existsSync(file)) await passes(5);
}

it("a process that is overtaken at any step of a creation fails, or the other does", async () => {
  /** Another creates while the first is held before step n, or waits for it. */
  const overtake = async (n: number): Promise<readonly string[]> => {
    const folder = mkdtempSync(join(directory, `${n}-`));
    const first = creator(folder, "held", n);
    await appears(join(folder, "held"));
    const second = creator(folder, "race", 1, 0);
    await appears(join(folder, "begun"));
    // It takes some milliseconds now, or waits where the first holds the file; that it waits cannot be seen.
    await Promise.race([second, passes(500)]);
    writeFileSync(join(folder, "go"), "");
    return (await Promise.all([first, second])).map(([how, said]) => `${how} ${said}`.replace(" open\n", "")).sort();
  };
  // 3: BEGIN; 4, 5: looking, and the first write; 11: COMMIT; 12: opening it.
  const came = await Promise.all([3, 4, 5, 11, 12].map(overtake));
  expect(came).toEqual(Array(5).fill(["0 PRIVACY_LEDGER_EXISTS", "0 created"]));
}, 120_000);

it("of 4 processes that create at once exactly one succeeds, and all can open it, 20 times", async () => {
  const [ROUNDS, BEGIN_MS] = [20, 1000];
  const begin = Date.now() + BEGIN_MS;
  const ended = await Promise.all([1, 2, 3, 4].map(() => creator(directory, "race", ROUNDS, begin)));
  expect(ended.map(([how]) => how)).toEqual(["0", "0", "0", "0"]);
  for (let i = 0; i < ROUNDS; i++) {
    const came = ended.map(([, out]) => out.split("\n")[i]!).sort();
    expect(came).toEqual([...Array(3).fill("PRIVACY_LEDGER_EXISTS open"), "created open"]);
    using budget = Budget.open(path(i), TERMS);
    expect(budget.entries()).toEqual([]);
  }
}, 120_000);

/** Whether a whole budget is there; otherwise there must be none at all. */
function stands(at: string): boolean {
  try {
    Budget.open(at, TERMS)[Symbol.dispose]();
    return true;
  } catch (e) {
    expect(e).toEqual(coded("PRIVACY_LEDGER_MISSING"));
    return false;
  }
}

it("a process that is killed at any step of a creation leaves a whole budget, or none: it is created once", async () => {
  const AT_ONCE = 6;
  const left: boolean[] = [];
  let made = false;
  /** Step n, in a folder of its own. */
  const die = async (n: number): Promise<boolean> => {
    const folder = mkdtempSync(join(directory, `${n}-`));
    const at = join(folder, "0.sqlite");
    const [how, said] = await creator(folder, "killed", n);
    if (how === "SIGKILL") expect(said).toBe("");
    else expect([how, said, (made = true)]).toEqual(["0", "created", true]);
    const whole = stands(at);
    if (!whole) Budget.create(at, TERMS)[Symbol.dispose]();
    expect(() => Budget.create(at, TERMS)).toThrow(coded("PRIVACY_LEDGER_EXISTS"));
    using budget = Budget.open(at, TERMS);
    expect(budget.state).toMatchObject({ spent: 0 });
    return whole;
  };
  while (!made) left.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => die(left.length + i)))));
  // Deaths before the commit, between any two statements, and after it.
  const before = left.indexOf(true);
  expect(before).toBeGreaterThanOrEqual(10);
  expect(left.slice(before).every(Boolean)).toBe(true);
  expect(left.length - before).toBeGreaterThanOrEqual(4);
}, 120_000);
