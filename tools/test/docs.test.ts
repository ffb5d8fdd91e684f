/** @file The snippets of docs/debugging.md run as a reader would run them, and print what the page says. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const PAGES = ["docs/debugging.md"];

interface Snippet {
  readonly name: string;
  readonly code: string;
  readonly env: Readonly<Record<string, string>>;
  /** Lines that the output holds, in this order; `…` is anything. */
  readonly prints: readonly string[];
}

/** Fenced `ts` blocks (settings after the language), each with the `text` block right after it. */
function snippets(page: string): Snippet[] {
  const text = readFileSync(join(root, page), "utf8");
  const fence = /^```ts ?([^\n]*)\n(.*?)^```\n(?:\n^```text\n(.*?)^```$)?/gms;
  return [...text.matchAll(fence)].map(([, settings, code, prints], i) => ({
    name: `${page} ${i + 1}`,
    code: code!,
    env: Object.fromEntries(settings!.split(" ").flatMap((s) => (s === "" ? [] : [s.split("=") as [string, string]]))),
    prints: (prints ?? "").split("\n").filter((line) => line !== ""),
  }));
}

const place = mkdtempSync(join(tmpdir(), "tacit-docs-"));
symlinkSync(join(root, "node_modules"), join(place, "node_modules"), "junction");
afterAll(() => rmSync(place, { recursive: true }));

/** Runs a snippet as `my-model.ts` in a folder of its own; what it printed. */
function run({ code, env }: Snippet, index: number): Promise<{ readonly code: number | null; readonly output: string }> {
  const folder = join(place, String(index));
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "my-model.ts"), code);
  const child = spawn(process.execPath, ["--no-warnings", "my-model.ts"], { cwd: folder, env: { ...process.env, ...env } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  return new Promise((resolve) => child.on("close", (exit) => resolve({ code: exit, output })));
}

const pattern = (line: string): RegExp =>
  new RegExp(
    line
      .split("…")
      .map((part) => RegExp.escape(part.trim()))
      .join("[^\\n]*"),
  );

describe.each(PAGES)("%s", (page) => {
  const all = snippets(page);

  test("has snippets that say what they print", () => {
    expect(all.filter((s) => s.prints.length > 0).length).toBeGreaterThan(4);
  });

  test.concurrent.each(all.map((s, i) => [s.name, s, i] as const))(
    "%s runs and prints what the page says",
    async (_, snippet, i) => {
      const { code, output } = await run(snippet, i);
      expect(code, output).toBe(0);
      let rest = output;
      for (const line of snippet.prints) {
        const found = pattern(line).exec(rest);
        expect(found, `${line}\n\nin\n\n${output}`).not.toBeNull();
        rest = rest.slice(found!.index + found![0].length);
      }
    },
  );
});
