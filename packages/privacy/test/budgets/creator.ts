/**
 * @file A process that creates budgets. Arguments: folder, then
 *  - `race`, how many, and when to begin (ms since 1970): budget i of the folder at its own moment, i beats later, and
 *    opens it. Writes the file `begun` first. Prints a line for each: "created" or the error's code, and "open";
 *  - `killed`, n: budget 0, and the process is killed before the n-th thing that it asks of SQLite. Prints "created" where it got to the end;
 *  - `held`, n: budget 0; before the n-th thing it writes the file `held` and waits for a file `go`. Prints "created" or the error's code.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Budget } from "../../src/budgets/index.ts";
import { TERMS } from "./terms.ts";

const [folder = "", mode = "", number = "", start = ""] = process.argv.slice(2);
const BEAT_MS = 20;

/** Creates budget `i`: what came of it. */
function create(i: number): string {
  try {
    Budget.create(join(folder, `${i}.sqlite`), TERMS)[Symbol.dispose]();
    return "created";
  } catch (e) {
    if (e instanceof Error && "code" in e) return String(e.code);
    throw e;
  }
}

/** Waits for `go`, in the middle of a call. */
function hold(): void {
  writeFileSync(join(folder, "held"), "");
  const cell = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(join(folder, "go"))) Atomics.wait(cell, 0, 0, 2);
}

if (mode === "killed" || mode === "held") {
  let left = Number(number);
  const count = (): void => {
    if (left-- !== 0) return;
    if (mode === "killed") process.kill(process.pid, "SIGKILL");
    else hold();
  };
  const { exec, prepare } = DatabaseSync.prototype;
  // Statements one by one, so that the process may also die between two of the same text.
  DatabaseSync.prototype.exec = function (sql: string): void {
    for (const one of sql.split(";").filter((s) => s.trim() !== "")) {
      count();
      exec.call(this, one);
    }
  };
  DatabaseSync.prototype.prepare = function (...args: Parameters<typeof prepare>): ReturnType<typeof prepare> {
    count();
    return prepare.apply(this, args);
  };
  process.stdout.write(create(0));
} else {
  writeFileSync(join(folder, "begun"), "");
  for (let i = 0; i < Number(number); i++) {
    // Everybody waits for the same moment without sleeping: nobody wakes up later than the others.
    while (Date.now() < Number(start) + i * BEAT_MS);
    process.stdout.write(`${create(i)}`);
    Budget.open(join(folder, `${i}.sqlite`), TERMS)[Symbol.dispose]();
    process.stdout.write(" open\n");
  }
}
