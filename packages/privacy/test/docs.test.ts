/** @file What the pages print runs as it is printed. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const page = (path: string): string => readFileSync(join(root, path), "utf8");

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tacit-docs-"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What a reader's file prints, in a folder of its own where the packages are installed. */
function run(code: string): string {
  writeFileSync(join(folder, "mine.ts"), code);
  return execFileSync(process.execPath, ["--no-warnings", "mine.ts"], { cwd: folder, encoding: "utf8" });
}

it("the first block of docs/privacy.md", () => {
  const block = /(?:^ {4}.*\n|^\n)+/m.exec(page("docs/privacy.md").slice(page("docs/privacy.md").indexOf("    import ")))![0];
  expect(run(block.replace(/^ {4}/gm, ""))).toMatch(/^-?\d+ \{[\s\S]*visits in May/);
}, 60_000);

it("the example of the package's README", () => {
  const code = /```ts\n([\s\S]*?)```/.exec(page("packages/privacy/README.md"))![1]!;
  expect(run(code)).toMatch(/mean of age of people, per person[\s\S]*spent/);
}, 60_000);

it("the README's private training is the example that CI runs", () => {
  const example = page("examples/private-first.ts").split("\n").slice(1).join("\n");
  expect(page("README.md")).toContain(`\`\`\`ts\n${example}\`\`\``);
});
