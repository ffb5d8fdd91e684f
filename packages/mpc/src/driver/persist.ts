/** @file Work that goes on after a party was lost: a new session with the same parties, a bounded number of times. */
import { TacitError } from "@tacit/core/errors";
import type { MpcSession } from "./mpc-session.ts";

export interface PersistOptions {
  /** Opens the session, and again whenever parties were lost: `() => mpc.connect("session.json")`. */
  readonly open: () => Promise<MpcSession>;
  /** How often the work is taken up again at most. Default: 10. */
  readonly times?: number;
  /** Milliseconds for all parties to be there again. Default: 600,000. */
  readonly patience?: number;
  /** Hears what was lost, and that the work goes on. */
  readonly said?: (words: string) => void;
  /** Ends a session. Default: `close`, at all parties; `leave` lets them serve. */
  readonly end?: (session: MpcSession) => Promise<void>;
  /** Whether the user wants no more. */
  readonly stopped?: () => boolean;
}

/** How often work is taken up again unless it is said. */
export const TIMES = 10;
/** What a supervisor may cure by starting a party again. */
const CURABLE: ReadonlySet<string> = new Set([
  "MPC_PARTY_LOST",
  "MPC_TIMEOUT",
  "MPC_HANDSHAKE",
  "MPC_ADDRESS",
  "DRIVER_BUSY",
  "SESSION_CLOSED",
]);
const isCurable = (e: unknown): e is TacitError => e instanceof TacitError && CURABLE.has(e.code);
const PAUSE = 500;

/**
 * Does `work` in a session and closes it. Where a party is lost meanwhile, opens another and does `work` again: it must begin with
 * `restoreTraining` or `session.resume()`, and then do what is left. `again` counts from 0.
 * @throws TacitError what ended the last try; anything but a loss at once
 */
export async function persist<T>(options: PersistOptions, work: (session: MpcSession, again: number) => Promise<T>): Promise<T> {
  const { times = TIMES, said = () => undefined, stopped = () => false, end = (s) => s.close() } = options;
  for (let again = 0; ; again++) {
    const session = again === 0 ? await options.open() : await reopen(options);
    try {
      const done = await work(session, again);
      await end(session);
      return done;
    } catch (e) {
      await end(session).catch(() => undefined);
      if (!isCurable(e) || again >= times || stopped()) throw e;
      said(`${e.message}; going on from the last checkpoint (${again + 1} of at most ${times} times)`);
    }
  }
}

/** Parties come back at their own pace: one that ends at this moment still answers. */
async function reopen({ open, patience = 600_000, stopped = () => false }: PersistOptions): Promise<MpcSession> {
  const until = Date.now() + patience;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    try {
      return await open();
    } catch (e) {
      if (!isCurable(e) || Date.now() > until || stopped()) throw e;
    }
  }
}
