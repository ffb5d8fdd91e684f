/** @file Expiry: a session whose time is over ends by itself, so that shares do not rest in memory until somebody comes who may close it. */
import { TacitError } from "@tacit/core/errors";
import type { Session } from "../session/session-file.ts";
import { unref } from "../timers.ts";

/** The most that a timer can wait: 24 days. */
const LONGEST = 2 ** 31 - 1;

/** Calls `ended` once when `session` has expired, going by this machine's clock; not after what this returns was called. */
export function atExpiry(session: Session, ended: (error: TacitError) => void): () => void {
  let timer: NodeJS.Timeout | number = 0;
  const look = (): void => {
    try {
      session.checkTime();
    } catch (e) {
      if (!(e instanceof TacitError)) throw e;
      ended(e);
      return;
    }
    const left = session.file.expires * 1000 - Date.now();
    timer = unref(setTimeout(look, Math.min(Math.max(left, 1), LONGEST)));
  };
  look();
  return () => clearTimeout(timer);
}
