/** @file The plan interpreter: a plan is a table of fixed-size instructions in memory; one call runs it, on every thread. */
import { dispatch } from "./dispatch.gen";
import { barrier, commandCount, commandNumber, nextPlan, post } from "./threads";
export { init } from "./threads";

/** Bytes of one instruction: opcode, then 31 words of arguments. */
const INSTRUCTION: usize = 128;

function steps(plan: usize, n: i32): void {
  for (let i = 0; i < n; ++i) {
    dispatch(load<i32>(plan), plan + 4);
    barrier();
    plan += INSTRUCTION;
  }
}

export function run(plan: usize, n: i32): void {
  if (n <= 0) return;
  post(plan, n);
  steps(plan, n);
}

export function stop(): void {
  post(0, 0);
}

/** A worker's life: it runs every plan that is posted, until the address is 0. */
export function serve(): void {
  if (!SHARED_MEMORY) return;
  let seen = 0;
  for (;;) {
    const plan = nextPlan(seen);
    seen = commandNumber();
    if (!plan) return;
    steps(plan, commandCount());
  }
}
