/**
 * @file A turn of the event loop now and then. A training on a synchronous device awaits promises that are settled already, so that a loop of
 * thousands of steps would be one job for the host: no timer, signal or message is seen, and whatever a WeakRef was made for (each lazy tensor that
 * outlives its job) stays in memory until the end: 0.3 MB for each mapped batch of 100 MNIST pictures.
 */

/** Between turns. One costs some µs. */
const EVERY_MS = 20;

/** As they were when this was loaded: a test may put a clock of its own in their place. */
const { setImmediate: immediate, MessageChannel: Channel, setTimeout: timer } = globalThis;

/** What hosts have, the fastest first: Node, browsers (a timer there waits 4 ms), others. */
function taskOf(): (then: () => void) => void {
  if (typeof immediate === "function") return (then) => void immediate(then);
  if (typeof Channel !== "function") return (then) => void timer(then, 0);
  const { port1, port2 } = new Channel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return (then) => {
    waiting.push(then);
    port2.postMessage(null);
  };
}

let last = performance.now();
let task: ((then: () => void) => void) | undefined;

/** Lets the host do what waits, where it could not for `EVERY_MS`; else undefined, and nothing is to be awaited. */
export function turn(): Promise<void> | undefined {
  if (performance.now() - last < EVERY_MS) return undefined;
  const run = (task ??= taskOf());
  return new Promise((resolve) =>
    run(() => {
      last = performance.now();
      resolve();
    }),
  );
}
