/** @file What core imports statically must run in a browser: Node's modules only behind a dynamic import. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const STATIC = /^(?:import|export)\s(?!type\b)[^;]*?from\s+"([^"]+)"/gm;

/** Every module reached by static imports, and the outside packages among them. */
function reach(start: URL): { files: Set<string>; outside: Set<string> } {
  const files = new Set<string>();
  const outside = new Set<string>();
  const open = [start];
  for (let url = open.pop(); url !== undefined; url = open.pop()) {
    if (files.has(url.href)) continue;
    files.add(url.href);
    for (const [, target] of readFileSync(url, "utf8").matchAll(STATIC)) {
      if (target!.startsWith(".")) open.push(new URL(target!, url));
      else outside.add(target!);
    }
  }
  return { files, outside };
}

test("nn, optim, data and io reach no module of Node by static imports", () => {
  for (const room of ["nn", "optim", "data", "io"]) {
    const { files, outside } = reach(new URL(`../../src/${room}/index.ts`, import.meta.url));
    expect(files.size).toBeGreaterThan(20);
    expect([...outside].filter((m) => m.startsWith("node:"))).toEqual([]);
    expect([...files].filter((f) => f.endsWith("-node.ts"))).toEqual([]);
  }
});
