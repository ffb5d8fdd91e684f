/**
 * @file Writes docs/errors from the catalogue: node tools/write-error-pages.ts (npm run docs:errors). Also finds the codes that the
 * sources use, so that a test can say what the catalogue lacks.
 */
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CATALOGUE, type Entry } from "../packages/cli/src/errors/catalogue.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "docs/errors");

/** Quoted words in upper case with an underscore; names of settings, and of the 8-bit floats of safetensors, are not codes. */
const CODE = /"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"/g;
const SETTING = /^(TACIT|NODE|XDG|ERR|NO|SIG|F8)_/;
/** Said without quotes, by the function that reports what nobody expected. */
const UNQUOTED = ["BUG_UNEXPECTED"];

/** The codes that the packages' sources use, with one place of each (`packages/x/src/y.ts:12`). */
export function codesInSources(): Map<string, string> {
  const found = new Map<string, string>(UNQUOTED.map((code) => [code, "packages/cli/src/output/streams.ts"]));
  for (const file of globSync("packages/*/src/**/*.ts", { cwd: root }).sort()) {
    if (file.includes("/as/") || file.startsWith("packages/cli/src/errors/")) continue;
    const lines = readFileSync(join(root, file), "utf8").split("\n");
    lines.forEach((line, i) => {
      for (const [, code] of line.matchAll(CODE))
        if (!SETTING.test(code!) && !found.has(code!)) found.set(code!, `${file}:${i + 1}`);
    });
  }
  return found;
}

const EXIT_WORDS: Readonly<Record<number, string>> = {
  1: "1, something to put right on this machine",
  2: "2, a bug of Tacit",
  3: "3, refused by policy",
  4: "4, a peer or the network",
  5: "5, a verification failed",
};

function page(code: string, entry: Entry): string {
  const kind = entry.warning
    ? "A warning: the program goes on."
    : `Exit code of the command line: ${EXIT_WORDS[entry.exit ?? 1]}.`;
  const word = entry.warning ? "warning" : "error";
  return `# ${code}

${entry.means}

**What to do.** ${entry.fix}

${kind}

\`\`\`
tacit: ${word}[${code}]: ${entry.example}
\`\`\`

Offline: \`tacit explain ${code}\`. Written by \`npm run docs:errors\` from the catalogue in \`packages/cli/src/errors\`.
`;
}

function index(codes: readonly string[]): string {
  const rows = codes.map((code) => `| [${code}](${code}.md) | ${CATALOGUE[code]!.means.replaceAll("|", "\\|")} |`);
  return `# Error codes

Every error of Tacit has a stable code. \`tacit explain CODE\` prints its page offline.

| code | what it means |
|---|---|
${rows.join("\n")}
`;
}

/** Name and contents of every page that the catalogue asks for. */
export function errorPages(): Map<string, string> {
  const codes = Object.keys(CATALOGUE).sort();
  const pages = new Map<string, string>([["README.md", index(codes)]]);
  for (const code of codes) pages.set(`${code}.md`, page(code, CATALOGUE[code]!));
  return pages;
}

/** Name and contents of every page that is there. */
export function writtenPages(): Map<string, string> {
  const names = readdirSync(folder).filter((name) => name.endsWith(".md"));
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

if (import.meta.main) {
  mkdirSync(folder, { recursive: true });
  const pages = errorPages();
  for (const name of writtenPages().keys()) if (!pages.has(name)) rmSync(join(folder, name));
  for (const [name, text] of pages) writeFileSync(join(folder, name), text);
  process.stderr.write(`docs/errors: ${pages.size} pages\n`);
}
