/** @file The error catalogue is complete, and its pages are the ones in docs/errors. */
import { describe, expect, test } from "vitest";
import { CATALOGUE } from "../../packages/cli/src/errors/catalogue.ts";
import { CORE } from "../../packages/cli/src/errors/core.ts";
import { FILES } from "../../packages/cli/src/errors/files.ts";
import { KERNELS } from "../../packages/cli/src/errors/kernels.ts";
import { MPC } from "../../packages/cli/src/errors/mpc.ts";
import { codesInSources, errorPages, writtenPages } from "../write-error-pages.ts";

const WHERE = "packages/cli/src/errors (core, files, kernels or mpc.ts), then npm run docs:errors";

describe("the error catalogue", () => {
  test("has every code that the sources use", () => {
    const missing = [...codesInSources()].filter(([code]) => !Object.hasOwn(CATALOGUE, code));
    expect(missing.map(([code, place]) => `add ${code} (used in ${place}) to ${WHERE}`)).toEqual([]);
  });

  test("has no code that no source uses any more", () => {
    const used = codesInSources();
    expect(
      Object.keys(CATALOGUE)
        .filter((code) => !used.has(code))
        .map((code) => `delete ${code} from ${WHERE}`),
    ).toEqual([]);
  });

  test("names a code in one file only", () => {
    const all = [CORE, FILES, KERNELS, MPC].flatMap((entries) => Object.keys(entries));
    expect(all.length).toBe(new Set(all).size);
  });

  test.each(Object.entries(CATALOGUE))("%s: sentences for people, an example by the house's rule", (_, entry) => {
    for (const sentence of [entry.means, entry.fix]) expect(sentence).toMatch(/^[A-Za-z][^\n]{8,260}\.$/);
    expect(entry.example).not.toMatch(/\.$|\n/);
    expect(entry.example.length).toBeLessThan(200);
    if (entry.exit === 2) expect(entry.fix).toMatch(/[Rr]eport/);
  });
});

describe("docs/errors", () => {
  test("holds exactly the pages that npm run docs:errors writes", () => {
    const [want, have] = [errorPages(), writtenPages()];
    const stale = [...want].filter(([name, text]) => have.get(name) !== text).map(([name]) => name);
    const extra = [...have.keys()].filter((name) => !want.has(name));
    expect({ stale, extra, mend: "npm run docs:errors" }).toEqual({ stale: [], extra: [], mend: "npm run docs:errors" });
  });
});
