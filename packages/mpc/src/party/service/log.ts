/** @file A party's log: what it does and whom it waits for, as JSON lines or in words. Never a key, a share or a value. */
import type { LogLevel } from "./config.ts";

/** Fields are names, counts, addresses and codes: what stands in the session file or the catalogue of errors. */
export type LogFields = Readonly<Record<string, string | number | readonly string[]>>;

export interface Log {
  info(event: string, words: string, fields?: LogFields): void;
  error(event: string, words: string, fields?: LogFields): void;
}

/** Control characters never reach a terminal, whoever sent them. */
const printable = (text: string): string => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");

/** Writes one line for each event: with `json` an object of time, level, event, message and fields. */
export function makeLog(
  write: (line: string) => unknown,
  { json, level }: { readonly json: boolean; readonly level: LogLevel },
): Log {
  const say = (kind: LogLevel, event: string, words: string, fields: LogFields = {}): void => {
    const time = new Date().toISOString();
    const message = printable(words);
    write(json ? `${JSON.stringify({ time, level: kind, event, message, ...fields })}\n` : `${time} ${message}\n`);
  };
  return {
    info: (event, words, fields) => level === "info" && say("info", event, words, fields),
    error: (event, words, fields) => say("error", event, words, fields),
  };
}
