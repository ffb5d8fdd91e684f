/** @file Passphrases: from a file, from stdin, or from a terminal that does not show them; never from arguments. */
import { stat } from "node:fs/promises";
import { TacitError } from "@tacit/core/errors";
import { readBounded } from "./files.ts";
import { EXIT } from "./output/streams.ts";

const MOST_BYTES = 1024;
const CODE = "KEY_PASSPHRASE";

/** A terminal, or what a test puts in its place. */
export interface Terminal {
  readonly isTTY?: boolean | undefined;
  setRawMode?(on: boolean): unknown;
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  off(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/**
 * The one line of a file ("-": of stdin), at most 1024 bytes.
 * @throws TacitError KEY_PASSPHRASE where everybody may read the file, or it holds more than a line; FILE_READ, SIZE_LIMIT
 */
export async function passphraseFrom(path: string): Promise<string> {
  if (path !== "-" && process.platform !== "win32") {
    const mode = (await stat(path).catch(() => undefined))?.mode ?? 0;
    if ((mode & 0o007) !== 0) {
      throw new TacitError(
        CODE,
        `passphrase: expected a file that not everybody may read, got mode 0${(mode & 0o777).toString(8)}`,
        {
          hint: `chmod 600 ${path}`,
        },
      );
    }
  }
  const bytes = await readBounded("passphrase", path === "-" ? "/dev/stdin" : path, MOST_BYTES);
  const text = new TextDecoder().decode(bytes).replace(/\r?\n$/, "");
  bytes.fill(0);
  if (text !== "" && !text.includes("\n")) return text;
  throw new TacitError(CODE, `passphrase: expected one line, got ${text === "" ? "nothing" : "more"}`);
}

/** Asks on a terminal without showing what is typed. @throws TacitError KEY_PASSPHRASE without a terminal; Ctrl-C ends the process with 130 */
export function askPassphrase(
  question: string,
  terminal: Terminal = process.stdin,
  write: (text: string) => unknown = (text) => process.stderr.write(text),
  interrupted: () => void = () => process.exit(EXIT.interrupted),
): Promise<string> {
  if (terminal.isTTY !== true || terminal.setRawMode === undefined) {
    throw new TacitError(CODE, "passphrase: expected a terminal to ask on, got none", {
      hint: "name a file with --passphrase-file (in a party's configuration: passphraseFile); - reads stdin",
    });
  }
  write(`${question}: `);
  terminal.setRawMode(true);
  terminal.resume();
  return new Promise<string>((resolve) => {
    let typed: number[] = [];
    const take = (bytes: Uint8Array): void => {
      for (const b of bytes) {
        if (b === RETURN || b === NEWLINE || b === CONTROL_C || b === CONTROL_D) {
          terminal.off("data", take);
          terminal.setRawMode?.(false);
          terminal.pause();
          write("\n");
          // The terminal is in raw mode, where Ctrl-C is a letter like any other.
          if (b === CONTROL_C || b === CONTROL_D) interrupted();
          else resolve(new TextDecoder().decode(Uint8Array.from(typed)));
          return;
        }
        if (b === DELETE || b === BACKSPACE) typed = withoutLast(typed);
        else if (typed.length < MOST_BYTES) typed.push(b);
      }
    };
    terminal.on("data", take);
  });
}

const [CONTROL_C, CONTROL_D, BACKSPACE, NEWLINE, RETURN, DELETE] = [3, 4, 8, 10, 13, 127];

/** Without the last character: in UTF-8 all its bytes. */
function withoutLast(bytes: readonly number[]): number[] {
  let n = bytes.length - 1;
  while (n > 0 && (bytes[n]! & 0xc0) === 0x80) n--;
  return bytes.slice(0, Math.max(0, n));
}

/** A new passphrase, typed twice. @throws TacitError KEY_PASSPHRASE */
export async function askNewPassphrase(name: string): Promise<string> {
  const first = await askPassphrase(`passphrase for the key of ${name}`);
  if (first === (await askPassphrase("again"))) return first;
  throw new TacitError(CODE, "passphrase: expected the same twice, got two");
}
