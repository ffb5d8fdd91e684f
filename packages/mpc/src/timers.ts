/** @file Timers that keep no process alive: Node's have a switch for it, a browser's are numbers. */

const isHandle = (timer: unknown): timer is { unref(): void } => typeof timer === "object" && timer !== null && "unref" in timer;

/** `timer`, which from now on keeps no process alive. */
export function unref<T>(timer: T): T {
  if (isHandle(timer)) timer.unref();
  return timer;
}

/** Resolves after `ms` milliseconds, in a process that lives that long. */
export const idle = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    unref(setTimeout(resolve, ms));
  });
