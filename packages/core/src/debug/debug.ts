/** @file debug: what a program can be asked to say about itself while it runs. Off unless asked for, and free then. */
import { expected } from "../errors.ts";
import { detectAnomaly } from "./anomaly.ts";
import { ladderLevel, onLine, readSetting, setLadderLevel } from "./ladder.ts";

/** The switches of debugging. */
export interface Debug {
  /**
   * 0 off; 1 each Program that is prepared, and why it had to be; 2 each run with its time and bytes; 3 Programs and plans as text;
   * 4 each step of a run with its time and the user's line. Each includes those below. At first what TACIT_DEBUG says.
   * Lines go to stderr, in a page to the console; they hold shapes, sizes and times, and of values only the literals of a Program.
   * @throws ARGUMENT_INVALID for another number
   */
  level: number;
  /** Sends the lines to `handler` (null: to stderr again). Returns the former handler. */
  onLine(handler: ((line: string) => void) | null): (line: string) => void;
  /**
   * Looks into every run for the first op that makes NaN or infinity; it throws ANOMALY_FOUND with the user's line. Runs then take
   * several times as long. Returns whether it was on before.
   */
  detectAnomaly(on?: boolean): boolean;
}

export const debug: Debug = {
  get level() {
    readSetting();
    return ladderLevel();
  },
  set level(level: number) {
    if (!Number.isInteger(level) || level < 0 || level > 4)
      expected("ARGUMENT_INVALID", "debug", "a level of 0 to 4", `${level}`);
    readSetting();
    setLadderLevel(level);
  },
  onLine,
  detectAnomaly,
};
