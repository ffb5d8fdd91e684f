/** @file Locks: a file that names the process that holds it. Node only. */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { isRecord } from "../identity/identity.ts";

/** Locks of this process. */
const held = new Set<string>();

export function dropLock(lock: string): void {
  held.delete(lock);
  rmSync(lock, { force: true });
}

/**
 * Whether the lock is now this process's. One left by a process that is gone is taken over. Process ids say nothing across
 * containers: two of them must not share a directory.
 */
export function takeLock(lock: string): boolean {
  for (let i = 0; i < 2; i++) {
    try {
      const file = openSync(lock, "wx", 0o600);
      writeSync(file, String(process.pid));
      closeSync(file);
      held.add(lock);
      return true;
    } catch (e) {
      if (!isRecord(e) || e.code !== "EEXIST") throw e;
      const pid = Number(readFileSync(lock, "utf8"));
      if (held.has(lock) || (pid !== process.pid && isRunning(pid))) return false;
      rmSync(lock, { force: true });
    }
  }
  return false;
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return isRecord(e) && e.code === "EPERM";
  }
}
