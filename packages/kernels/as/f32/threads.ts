/** @file Threads: every thread runs the same plan; kernels split their own work by (tid, nt) and meet at barriers. */

/** Control block in the last KiB of page 0; one 64-byte line per word that is written often. Layout shared with src/f32/engine.ts. */
const BLOCK: usize = 64512;
const ARRIVED: usize = BLOCK;
const GENERATION: usize = BLOCK + 64;
const PARKED: usize = BLOCK + 128;
const COMMAND: usize = BLOCK + 192; // generation of commands, then plan address and instruction count
const TICKET: usize = BLOCK + 256;
const ERROR: usize = BLOCK + 320;
const SCRATCH: usize = BLOCK + 384; // base, then bytes per thread

// Loads of the barrier word before a thread parks: 10 to 50 microseconds, against 5 for a futex wake.
const SPIN: i32 = 20000;

export let tid: i32 = 0;
export let nt: i32 = 1;

export function init(id: i32, threads: i32): void {
  tid = id;
  nt = threads;
}

/** This thread's scratch memory, 64-byte aligned. */
@inline
export function scratch(): usize {
  return <usize>load<i32>(SCRATCH) + <usize>tid * <usize>load<i32>(SCRATCH, 4);
}

/** Scratch memory of thread 0, for partial results that all threads see after a barrier. */
@inline
export function commonScratch(): usize {
  return <usize>load<i32>(SCRATCH);
}

/** First unit of thread t when n units are shared out evenly. */
@inline
export function part(n: i32, t: i32): i32 {
  return SHARED_MEMORY ? <i32>((<i64>n * <i64>t) / <i64>nt) : t * n;
}

/** Reports bad data (see ERRORS in src/f32/instruction.ts); the first report stays. */
export function fail(code: i32): void {
  if (SHARED_MEMORY) atomic.cmpxchg<i32>(ERROR, 0, code);
  else if (load<i32>(ERROR) == 0) store<i32>(ERROR, code);
}

function waitChange(p: usize, old: i32): void {
  for (let s = 0; s < SPIN; ++s) if (atomic.load<i32>(p) != old) return;
  atomic.add<i32>(PARKED, 1);
  while (atomic.load<i32>(p) == old) atomic.wait<i32>(p, old, -1);
  atomic.sub<i32>(PARKED, 1);
}

/** Hands out units 0, 1, 2, ... of this instruction to whichever thread asks next; a barrier starts again at 0.
 *  Only for units whose results do not depend on who computes them (never for sums over units). */
export function take(): i32 {
  if (SHARED_MEMORY) return atomic.add<i32>(TICKET, 1);
  const t = load<i32>(TICKET);
  store<i32>(TICKET, t + 1);
  return t;
}

export function barrier(): void {
  if (!SHARED_MEMORY || nt == 1) {
    store<i32>(TICKET, 0);
    return;
  }
  const generation = atomic.load<i32>(GENERATION);
  if (atomic.add<i32>(ARRIVED, 1) == nt - 1) {
    atomic.store<i32>(ARRIVED, 0);
    atomic.store<i32>(TICKET, 0);
    atomic.add<i32>(GENERATION, 1);
    if (atomic.load<i32>(PARKED)) atomic.notify(GENERATION, -1);
  } else waitChange(GENERATION, generation);
}

/** Tells the workers to run a plan (address 0: to stop). */
export function post(plan: usize, n: i32): void {
  if (!SHARED_MEMORY || nt == 1) return;
  atomic.store<i32>(COMMAND + 4, <i32>plan);
  atomic.store<i32>(COMMAND + 8, n);
  atomic.add<i32>(COMMAND, 1);
  if (atomic.load<i32>(PARKED)) atomic.notify(COMMAND, -1);
}

/** Waits for a command after number `seen`; returns the plan's address. */
export function nextPlan(seen: i32): usize {
  waitChange(COMMAND, seen);
  return <usize>atomic.load<i32>(COMMAND + 4);
}
@inline
export function commandNumber(): i32 {
  return atomic.load<i32>(COMMAND);
}
@inline
export function commandCount(): i32 {
  return atomic.load<i32>(COMMAND + 8);
}
