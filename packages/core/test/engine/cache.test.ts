/** @file ExecutableCache: the integers of a key decide, whatever their hash. */
import { expect, test } from "vitest";
import { ExecutableCache, hashOf } from "../../src/engine/cache.ts";

/** Two different keys of one hash: among 2^18 keys about 8 pairs share a 32-bit hash. */
function collision(): [Int32Array, Int32Array] {
  const seen = new Map<number, Int32Array>();
  for (let i = 0; i < 2 ** 18; i++) {
    const words = Int32Array.of(Math.imul(i, 0x9e3779b1), i ^ 0x5bd1e995, 3);
    const hash = hashOf({ words, length: 3 });
    const other = seen.get(hash);
    if (other !== undefined) return [other, words];
    seen.set(hash, words);
  }
  throw new Error("expected a collision among 2^18 keys");
}

test("two keys of one hash find their own executables, and are dropped one by one", () => {
  const [a, b] = collision();
  const dropped: string[] = [];
  const executable = (name: string): { run: () => []; release: () => void; name: string } => ({
    run: () => [],
    release: () => dropped.push(name),
    name,
  });
  const cache = new ExecutableCache(2);
  const find = (words: Int32Array): unknown => cache.find({ words, length: words.length });
  const [first, second] = [executable("a"), executable("b")];
  cache.add(a, first);
  expect(find(b)).toBeUndefined();
  cache.add(b, second);
  expect(find(a)).toBe(first);
  expect(find(b)).toBe(second);
  expect(find(a)).toBe(first);
  cache.add(Int32Array.of(1), executable("c"));
  expect(dropped).toEqual(["b"]);
  expect(find(b)).toBeUndefined();
  expect(find(a)).toBe(first);
  // A longer buffer is compared only up to the key's length.
  expect(cache.find({ words: Int32Array.of(...a, 9), length: 3 })).toBe(first);
  expect(cache.size).toBe(2);
});
