/** @file A process that spends from a budget until it is refused. Arguments: path, mode. Prints how often it drew noise. */
import { Budget } from "../../src/budgets/index.ts";
import { ONE, TERMS } from "./terms.ts";

const [path = "", mode = ""] = process.argv.slice(2);
const budget = Budget.open(path, TERMS);
let drawn = 0;
const pause = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
// Whoever is to be killed has its turn first, however late it was started.
while (mode === "after" && budget.entries().length === 0) pause(2);
try {
  for (;;) {
    budget.release([ONE], `process ${process.pid}`, () => {
      drawn++;
      // Slow enough that all processes get their turn.
      pause(5);
      // Killed between the write and the end of the release: what was written stays spent.
      if (mode === "killed" && drawn === 1) process.kill(process.pid, "SIGKILL");
    });
  }
} catch (e) {
  if (!(e instanceof Error && "code" in e && e.code === "PRIVACY_BUDGET")) throw e;
}
process.stdout.write(`${drawn}\n`);
