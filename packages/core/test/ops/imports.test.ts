/** @file The rows and the functions that make Exprs import each other; each public entry must load first without the others. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ENTRIES = [
  "ops/table",
  "ops/emit",
  "expr",
  "program/program",
  "transform/index",
  "transform/backward",
  "device/reference/index",
];

describe("modules of the op table", () => {
  it.each(ENTRIES)("load when %s is imported first", (entry) => {
    const url = new URL(`../../src/${entry}.ts`, import.meta.url);
    const script = `await import(${JSON.stringify(url.href)}); process.stdout.write("loaded")`;
    const out = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: fileURLToPath(new URL(".", import.meta.url)),
      encoding: "utf8",
    });
    expect(out).toBe("loaded");
  });
});
