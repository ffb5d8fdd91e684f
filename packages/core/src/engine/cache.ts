/** @file ExecutableCache: executables by key, the least recently used one dropped. The integers decide, not their hash. */
import type { Executable } from "../device/device.ts";
import type { Key } from "./trace.ts";

/** Executables kept per device: a training loop needs 2 to 4. */
export const CACHE_LIMIT = 64;

interface Entry {
  readonly words: Int32Array;
  readonly hash: number;
  readonly executable: Executable;
  used: number;
}

/** FNV-1a over words, with a shift so that high bits reach low ones. */
export function hashOf({ words, length }: Key): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < length; i++) {
    h = Math.imul(h ^ words[i]!, 0x01000193);
    h ^= h >>> 15;
  }
  return h;
}

function matches(entry: Entry, { words, length }: Key): boolean {
  const mine = entry.words;
  if (mine.length !== length) return false;
  for (let i = 0; i < length; i++) if (mine[i] !== words[i]) return false;
  return true;
}

export class ExecutableCache {
  private readonly byHash = new Map<number, Entry[]>();
  private readonly limit: number;
  private clock = 0;
  /** Entries held now. */
  size = 0;

  constructor(limit: number = CACHE_LIMIT) {
    this.limit = limit;
  }

  find(key: Key): Executable | undefined {
    const bucket = this.byHash.get(hashOf(key));
    if (bucket === undefined) return undefined;
    for (const entry of bucket) {
      if (matches(entry, key)) {
        entry.used = ++this.clock;
        return entry.executable;
      }
    }
    return undefined;
  }

  /** Keeps an executable under a key (`words` exactly as long as the key), and drops the least recently used beyond the limit. */
  add(words: Int32Array, executable: Executable): void {
    const hash = hashOf({ words, length: words.length });
    const entry = { words, hash, executable, used: ++this.clock };
    const bucket = this.byHash.get(hash);
    if (bucket === undefined) this.byHash.set(hash, [entry]);
    else bucket.push(entry);
    if (++this.size > this.limit) this.evict();
  }

  private evict(): void {
    let oldest: Entry | null = null;
    for (const bucket of this.byHash.values()) for (const e of bucket) if (oldest === null || e.used < oldest.used) oldest = e;
    if (oldest === null) return;
    const gone = oldest;
    const rest = this.byHash.get(gone.hash)!.filter((e) => e !== gone);
    if (rest.length === 0) this.byHash.delete(gone.hash);
    else this.byHash.set(gone.hash, rest);
    this.size--;
    gone.executable.release?.();
  }
}
