/** @file The files of a session's checkpoints in a party's data directory: names, what is there, what may go. Node only. */
import { open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { peekHead } from "./sealed-file.ts";

const FILE = /^[0-9a-f]{64}\.([0-9]{1,10})(-[0-9]{1,7})?\.(checkpoint|input)$/;
/** Most that a party tells of: the newest. */
const MOST_HELD = 64;

export class Folder {
  readonly #directory: string;
  readonly #session: string;

  /** `session`: its id in hexadecimal. */
  constructor(directory: string, session: string) {
    this.#directory = directory;
    this.#session = session;
  }

  checkpoint(number: number): string {
    return join(this.#directory, `${this.#session}.${number}.checkpoint`);
  }

  input({ checkpoint, part }: { readonly checkpoint: number; readonly part: number }): string {
    return join(this.#directory, `${this.#session}.${checkpoint}-${part}.input`);
  }

  async #own(ending: string): Promise<string[]> {
    return (await readdir(this.#directory)).filter((f) => f.startsWith(`${this.#session}.`) && f.endsWith(ending));
  }

  /** Numbers of the checkpoints whose files are there, the newest first. */
  async held(): Promise<number[]> {
    const numbers = (await this.#own(".checkpoint")).flatMap((f) => (FILE.test(f) ? [Number(f.split(".")[1])] : []));
    return numbers.toSorted((a, b) => b - a).slice(0, MOST_HELD);
  }

  /** Removes every checkpoint but `keep`; and, where `inputs` is known, every input but those. */
  async prune(keep: readonly number[], inputs: ReadonlySet<string> | null): Promise<void> {
    const kept = new Set(keep.map((n) => this.checkpoint(n)));
    for (const f of await this.#own(".checkpoint")) if (!kept.has(join(this.#directory, f))) await this.#remove(f);
    if (inputs === null) return;
    for (const f of await this.#own(".input")) if (!inputs.has(join(this.#directory, f))) await this.#remove(f);
    await this.sync();
  }

  /** Removes these paths. */
  async remove(paths: readonly string[]): Promise<void> {
    for (const path of paths) await rm(path, { force: true });
  }

  async #remove(file: string): Promise<void> {
    await rm(join(this.#directory, file), { force: true });
  }

  /** What a crash left half written, and files of sessions that have expired. `now` in seconds. */
  async sweep(now: number): Promise<void> {
    for (const f of await this.#own(".part")) await this.#remove(f);
    for (const f of (await readdir(this.#directory)).filter((name) => FILE.test(name))) {
      const head = await peekHead(join(this.#directory, f)).catch(() => undefined);
      if (head !== undefined && head.expires < now) await this.#remove(f);
    }
  }

  /** Names are durable once this has returned; where directories cannot be opened (Windows) the platform sees to it. */
  async sync(): Promise<void> {
    if (process.platform === "win32") return;
    const at = await open(this.#directory, "r");
    await at.sync().finally(() => at.close());
  }
}
