/** @file House rules that the linter cannot see: core's dependencies, imports that point upward, generated sizes, paths outside the repository. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** What a room may import from the workspace; dependencies point downward (docs/design.md, section 3). */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  kernels: [],
  core: ["kernels"],
  mpc: ["core", "kernels", "privacy"],
  plot: ["core"],
  privacy: ["core"],
  vision: ["core"],
  cli: ["core", "kernels", "mpc", "plot", "privacy", "vision"],
};
const CORE_DEPENDENCIES = ["@noble/hashes", "@tacit/kernels"];
const SEEDABLE = /\bfrom "@tacit\/core\/random"|\bMath\.random\b|\bRandom\b(?=.*from "@tacit\/core")|\bnew Random\(/;
/** Rooms where everything random is secret. */
const SECRET_ROOMS = ["packages/mpc/src/", "packages/privacy/src/"];

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { encoding: "utf8" })
  .split("\n")
  .filter((f) => f !== "");
const problems: string[] = [];
const say = (file: string, line: number, what: string): void => {
  problems.push(`${file}${line > 0 ? `:${line}` : ""}: ${what}`);
};

function checkDependencies(): void {
  const manifest = JSON.parse(readFileSync("packages/core/package.json", "utf8")) as { dependencies?: Record<string, string> };
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    if (!CORE_DEPENDENCIES.includes(name)) say("packages/core/package.json", 0, `core must not depend on ${name}`);
  }
  for (const f of files.filter((x) => /^packages\/[^/]+\/package\.json$/.test(x))) {
    const scripts = (JSON.parse(readFileSync(f, "utf8")) as { scripts?: Record<string, string> }).scripts ?? {};
    for (const s of ["preinstall", "install", "postinstall"])
      if (s in scripts) say(f, 0, `a published package has no ${s} script`);
  }
}

function checkSource(file: string): void {
  const room = /^packages\/([^/]+)\//.exec(file)?.[1];
  const lines = readFileSync(file, "utf8").split("\n");
  if (!file.endsWith(".gen.ts") && lines.length > 451) say(file, 0, `expected at most 450 lines, got ${lines.length - 1}`);
  const product = room !== undefined && file.startsWith(`packages/${room}/src/`);
  lines.forEach((text, i) => {
    if (product) {
      const from = /from "@tacit\/([a-z0-9]+)/.exec(text)?.[1] ?? /import\("@tacit\/([a-z0-9]+)/.exec(text)?.[1];
      if (from !== undefined && from !== room && !(MAY_IMPORT[room] ?? []).includes(from))
        say(file, i + 1, `${room} must not import @tacit/${from}`);
      if (SECRET_ROOMS.some((r) => file.startsWith(r)) && SEEDABLE.test(text))
        say(file, i + 1, "seedable randomness in a room of secrets");
    }
    if (/@ts-(ignore|expect-error|nocheck)/.test(text) && !file.startsWith("tools/"))
      say(file, i + 1, "type errors are mended, not silenced");
    if (/\b(it|test|describe)\.(skip|only|todo)\(/.test(text)) say(file, i + 1, "a test runs or is deleted");
  });
}

function checkPaths(file: string): void {
  if (file === ".ci/run" || file === "package-lock.json" || file === "tools/check-house.ts") return;
  const text = readFileSync(file, "utf8");
  const at = /(^|["'`\s(])\/(work|root|home)\//m.exec(text);
  if (at !== null) say(file, text.slice(0, at.index).split("\n").length, "a path outside the repository");
}

checkDependencies();
const authored = files.filter((f) => f.endsWith(".ts") && !f.includes("/as/"));
for (const f of authored) checkSource(f);
for (const f of files.filter((x) => /\.(ts|md|json|sh|py|html)$/.test(x) || x === ".ci/run")) checkPaths(f);
for (const p of problems) console.error(`house: ${p}`);
if (problems.length > 0) process.exit(1);
console.error(`house: ${files.length} files, no problem`);
