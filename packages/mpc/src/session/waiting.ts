/** @file Waiting is said: for whom, how many are here, and since when; at moments that neither hide nor flood. Portable. */

/** Who is waited for. `missing` are names; `here` of `of` are there. */
export interface Waiting {
  readonly missing: readonly string[];
  readonly here: number;
  readonly of: number;
  /** Whole seconds since the waiting began. */
  readonly seconds: number;
}

/** Hears of a wait: the sentence for people, and what it was made of. */
export type OnWaiting = (words: string, waiting: Waiting) => void;

/** "waiting for clinic-c (2 of 3), 14 s" */
export const showWaiting = ({ missing, here, of, seconds }: Waiting): string =>
  `waiting for ${missing.join(", ")} (${here} of ${of}), ${seconds} s`;

/** After 1, 5 and 10 s, then every 10. */
const [FIRST_MS, SECOND_MS, PERIOD_MS] = [1000, 5000, 10_000];
/** How often `whileWaiting` looks. */
const LOOK_MS = 250;

const nextAfter = (ms: number): number =>
  ms < FIRST_MS ? FIRST_MS : ms < SECOND_MS ? SECOND_MS : PERIOD_MS * (Math.floor(ms / PERIOD_MS) + 1);

/**
 * What to call, as often as one likes, with the names that are missing and the milliseconds so far: it says it at the right
 * moments. Nothing within the first second; then who is missing, at once when that changes, and again after 5 s, 10 s and every 10.
 */
export function sayWaiting(of: number, say: OnWaiting): (missing: readonly string[], milliseconds: number) => void {
  let [before, due] = ["", FIRST_MS];
  return (missing, milliseconds) => {
    const names = missing.join("\n");
    if (names === "") before = "";
    if (names === "" || milliseconds < FIRST_MS || (names === before && milliseconds < due)) return;
    [before, due] = [names, nextAfter(milliseconds)];
    const waiting = { missing: [...missing], here: of - missing.length, of, seconds: Math.round(milliseconds / 1000) };
    say(showWaiting(waiting), waiting);
  };
}

/** Awaits `work`, and says meanwhile for whom. */
export async function whileWaiting<T>(
  work: Promise<T>,
  of: number,
  missing: () => readonly string[],
  say?: OnWaiting,
): Promise<T> {
  if (say === undefined) return work;
  const began = performance.now();
  const tell = sayWaiting(of, say);
  const timer = setInterval(() => tell(missing(), performance.now() - began), LOOK_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
