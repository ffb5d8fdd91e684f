/** @file Passphrases: from a file, from stdin, from a program such as a keyring's, or from a terminal that does not show them; never from arguments. */
import { spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { expected, TacitError } from "@tacit/core/errors";
import { type Command, InvalidArgumentError } from "commander";
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

/** Where a passphrase comes from, as the command line or a configuration says. */
export interface PassphraseWords {
  readonly passphraseFile?: string | undefined;
  /** A program and its words. */
  readonly passphraseCommand?: readonly string[] | undefined;
}

/** The passphrase that the words name; null where they name none. @throws TacitError KEY_PASSPHRASE, ARGUMENT_INVALID for both */
export async function namedPassphrase({ passphraseFile, passphraseCommand }: PassphraseWords): Promise<string | null> {
  if (passphraseFile !== undefined && passphraseCommand !== undefined)
    expected("ARGUMENT_INVALID", "passphrase", "a file or a command", "both");
  if (passphraseCommand !== undefined) return passphraseFromCommand(passphraseCommand);
  return passphraseFile === undefined ? null : passphraseFrom(passphraseFile);
}

/** Milliseconds for a keyring to answer: some ask a person first. */
export const COMMAND_MS = 60_000;
const MOST_WORDS = 64;
const LAST_WORDS_MS = 500;

/** Words of `--passphrase-command`: a JSON array, so that no shell is needed to take them apart. */
export function commandWords(text: string): readonly string[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const words = Array.isArray(json) ? json.filter((x) => typeof x === "string" && !x.includes("\0")) : [];
  if (Array.isArray(json) && words.length === json.length && words.length >= 1 && words.length <= MOST_WORDS && words[0] !== "")
    return words;
  throw new InvalidArgumentError(`expected a program and its words as JSON, like '["secret-tool","lookup","tacit","clinic-a"]'`);
}

/**
 * The first line that a program writes to stdout: `secret-tool lookup tacit clinic-a`, for instance. It runs without a shell, with
 * nothing on stdin, and may write to stderr what it likes.
 * @throws TacitError KEY_PASSPHRASE where it cannot be started, fails, takes too long, or writes nothing or more than 1024 bytes
 */
export async function passphraseFromCommand(words: readonly string[], timeout: number = COMMAND_MS): Promise<string> {
  const [program, ...rest] = words;
  const got = await new Promise<{ readonly bytes: Buffer; readonly end: string }>((resolve) => {
    const child = spawn(program!, rest, { stdio: ["ignore", "pipe", "inherit"], windowsHide: true });
    const parts: Buffer[] = [];
    let [size, late] = [0, false];
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeout);
    const done = (end: string): void => {
      clearTimeout(timer);
      // Whoever was left behind with it would keep this process from its end.
      child.stdout.destroy();
      const bytes = Buffer.concat(parts);
      for (const part of parts) part.fill(0);
      resolve({ bytes, end });
    };
    child.stdout.on("data", (part: Buffer) => {
      size += part.length;
      parts.push(part);
      if (size > MOST_BYTES) child.kill("SIGKILL");
    });
    child.once("error", (e) => done("code" in e ? String(e.code) : "an error"));
    let end = "an error";
    child.once("exit", (code) => {
      end = late ? "no end" : size > MOST_BYTES ? "too much" : code === 0 ? "" : `code ${code}`;
      // A program that left a child behind with its stdout is not waited for.
      setTimeout(() => done(end), LAST_WORDS_MS).unref();
    });
    child.once("close", () => done(end));
  });
  const line = got.bytes.toString("utf8").split("\n")[0]!.replace(/\r$/, "");
  got.bytes.fill(0);
  if (got.end === "" && line !== "") return line;
  const said = got.end === "no end" ? `no end for ${timeout / 1000} s` : got.end === "" ? "an empty line" : got.end;
  throw new TacitError(CODE, `passphrase: expected a line from ${JSON.stringify(program)}, got ${said}`, {
    hint: "run the same command in a terminal: it must print the passphrase and end with code 0",
  });
}

/** Options of every command that opens a key file. */
export const withPassphraseOptions = (command: Command): Command =>
  command
    .option("--passphrase-file <file>", "the key file's passphrase; - reads stdin. Without it, it is asked for on the terminal")
    .option(
      "--passphrase-command <json>",
      "a program that prints it, as a JSON array of words: of the system's keyring",
      commandWords,
    );

/** What to do where nobody can be asked. */
const INSTEAD =
  "name a file with --passphrase-file, or a program with --passphrase-command (passphraseFile, passphraseCommand in party.json)";
const INSTEAD_NEW =
  "name a file with --passphrase-file, a program with --passphrase-command, or leave the key file open with --no-passphrase";

/** Asks on a terminal without showing what is typed. @throws TacitError KEY_PASSPHRASE without a terminal; Ctrl-C ends the process with 130 */
export function askPassphrase(
  question: string,
  terminal: Terminal = process.stdin,
  write: (text: string) => unknown = (text) => process.stderr.write(text),
  interrupted: () => void = () => process.exit(EXIT.interrupted),
  instead: string = INSTEAD,
): Promise<string> {
  if (terminal.isTTY !== true || terminal.setRawMode === undefined) {
    throw new TacitError(CODE, "passphrase: expected a terminal to ask on, got none", {
      hint: instead,
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
  const ask = (question: string): Promise<string> => askPassphrase(question, undefined, undefined, undefined, INSTEAD_NEW);
  const first = await ask(`passphrase for the key of ${name}`);
  if (first === (await ask("again"))) return first;
  throw new TacitError(CODE, "passphrase: expected the same twice, got two");
}
