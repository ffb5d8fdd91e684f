/**
 * @file Locks: a file that names the process that holds it, by id, start and id space. A number that a later process got is no longer
 * that process. What cannot be looked at (another container, machine or boot) holds its lock while the file is fresh. Node only.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, readlinkSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { isRecord } from "../identity/identity.ts";

/** Who holds a lock. `start` and `space` are "" where the platform does not tell. */
export interface Holder {
  readonly pid: number;
  /** When it was started: boot and ticks since then on Linux, else seconds since 1970. */
  readonly start: string;
  /** In which space of process ids; containers have their own. */
  readonly space: string;
}

/** Locks of this process, and the timers that keep them fresh. */
const held = new Map<string, NodeJS.Timeout>();

/** A holder in another space of ids, or of another boot, cannot be looked at: it says that it lives by touching its file this often. */
const TOUCH_MS = 10_000;
/** And is gone when it has not done so for this long. */
const STALE_MS = 60_000;
/** How often it says that it lives, and how long it may be silent, in milliseconds. */
export interface LockTimes {
  readonly touch: number;
  readonly stale: number;
}

const TIMES: LockTimes = { touch: TOUCH_MS, stale: STALE_MS };
/** `ps` tells whole seconds, and this process counts its own. */
const START_SECONDS = 5;
const LOOK_MS = 5000;
/** A lock that is waited for is looked at so often in the time between two touches. */
const LOOKS = 10;

export function dropLock(lock: string): void {
  if (!held.has(lock)) return;
  clearInterval(held.get(lock));
  held.delete(lock);
  rmSync(lock, { force: true });
}

/** Whether the lock is now this process's. One left by a process that is gone is taken over. */
export function takeLock(lock: string, { touch, stale }: LockTimes = TIMES): boolean {
  if (held.has(lock)) return false;
  if (place(lock)) return keep(lock, touch);
  // One at a time decides that a lock is left over: else the second would take away what the first has just made.
  const deciding = `${lock}.taking`;
  if (!place(deciding)) {
    if (isHeld(deciding, stale)) return false;
    rmSync(deciding, { force: true });
    if (!place(deciding)) return false;
  }
  try {
    if (isHeld(lock, stale)) return false;
    rmSync(lock, { force: true });
    return place(lock) && keep(lock, touch);
  } finally {
    rmSync(deciding, { force: true });
  }
}

/**
 * The same, with patience: a holder that cannot be looked at (of another boot, as after a power cut, or of another container) gets the
 * time in which it would touch its file. False at once where the holder is a process that runs here, or has touched it meanwhile.
 */
export async function awaitLock(lock: string, times: LockTimes = TIMES): Promise<boolean> {
  const until = performance.now() + times.stale + times.touch;
  let seen = touchedAt(lock);
  for (;;) {
    if (takeLock(lock, times)) return true;
    const at = touchedAt(lock);
    seen ??= at;
    // None: somebody is taking it over, and is the holder when it is looked at again.
    const touched = at !== undefined && at !== seen;
    if (held.has(lock) || touched || lookAt(lock) === "runs" || performance.now() >= until) return false;
    await new Promise((resolve) => setTimeout(resolve, times.touch / LOOKS));
  }
}

/** The holder that a lock names; null for none, or for a file of another form. */
export function holderOf(lock: string): Holder | null {
  try {
    const json: unknown = JSON.parse(readFileSync(lock, "utf8").slice(0, 4096));
    if (!isRecord(json)) return null;
    const { pid, start, space } = json;
    const whole = typeof pid === "number" && typeof start === "string" && typeof space === "string";
    return whole ? { pid, start, space } : null;
  } catch {
    return null;
  }
}

function keep(lock: string, every: number): true {
  const touch = (): void => {
    try {
      utimesSync(lock, new Date(), new Date());
    } catch {
      // The directory is gone: so is what the lock was for.
    }
  };
  held.set(lock, setInterval(touch, every).unref());
  return true;
}

/** Makes the file, whole or not at all; false where one is there. */
function place(lock: string): boolean {
  const part = `${lock}.${process.pid}.${randomBytes(4).toString("hex")}`;
  writeFileSync(part, JSON.stringify(thisProcess()), { mode: 0o600, flag: "wx" });
  try {
    linkSync(part, lock);
    return true;
  } catch (e) {
    if (isRecord(e) && e.code === "EEXIST") return false;
    throw e;
  } finally {
    rmSync(part, { force: true });
  }
}

function isHeld(lock: string, stale: number): boolean {
  const found = lookAt(lock);
  return found === "unknown" ? isFresh(lock, stale) : found === "runs";
}

/** Whether the holder runs, as far as it can be looked at from here. */
function lookAt(lock: string): "runs" | "gone" | "unknown" {
  const holder = holderOf(lock);
  // Torn by a power cut, or a bare number of an earlier version: who reads one of those in a hurry is safe rather than early.
  if (holder === null) return "unknown";
  // Another container, another machine on the same storage (the first space of ids has one number on all), or this one before a restart.
  if (holder.space !== idSpace() || bootOf(holder.start) !== bootOf(startOf(process.pid))) return "unknown";
  if (!isRunning(holder.pid)) return "gone";
  const start = startOf(holder.pid);
  return holder.start === "" || start === "" || isSame(holder.start, start) ? "runs" : "gone";
}

const touchedAt = (lock: string): number | undefined => statSync(lock, { throwIfNoEntry: false })?.mtimeMs;

function isFresh(lock: string, stale: number): boolean {
  const at = touchedAt(lock);
  return at !== undefined && Date.now() - at < stale;
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

const thisProcess = (): Holder => ({ pid: process.pid, start: startOf(process.pid), space: idSpace() });
/** "" where the platform does not tell. */
const bootOf = (start: string): string => (start.includes(" ") ? start.slice(0, start.indexOf(" ")) : "");
const isSame = (a: string, b: string): boolean =>
  a === b || (!a.includes(" ") && !b.includes(" ") && Math.abs(Number(a) - Number(b)) <= START_SECONDS);

const textOf = (path: string): string => {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
};

/** Linux: which namespace the ids are of. Elsewhere there is one. */
function idSpace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

/** Linux: the boot's id and field 22 of stat (proc(5)); elsewhere seconds since 1970, for others as the system's own tool tells. */
function startOf(pid: number): string {
  const stat = textOf(`/proc/${pid}/stat`);
  // The command's name, in brackets, may hold anything.
  const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  if (stat !== "" && ticks !== undefined) return `${textOf("/proc/sys/kernel/random/boot_id")} ${ticks}`;
  if (pid === process.pid) return String(Math.round(Date.now() / 1000 - process.uptime()));
  const windows = process.platform === "win32";
  const [tool, words] = windows
    ? ["powershell", ["-NoProfile", "-Command", `(Get-Process -Id ${pid}).StartTime.ToUniversalTime().ToString('o')`]]
    : ["ps", ["-o", "lstart=", "-p", String(pid)]];
  const ran = spawnSync(tool as string, words as string[], {
    encoding: "utf8",
    timeout: LOOK_MS,
    env: { ...process.env, LC_ALL: "C" },
  });
  const seconds = Math.round(Date.parse((ran.stdout ?? "").trim()) / 1000);
  return Number.isFinite(seconds) ? String(seconds) : "";
}
