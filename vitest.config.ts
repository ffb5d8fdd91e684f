import { playwright } from "@vitest/browser-playwright";
import { defineConfig, type TestProjectConfiguration, type ViteUserConfig } from "vitest/config";
import { findChromium, HOW_TO_GET_ONE } from "./tools/chromium.ts";

const executablePath = findChromium();

/** Projects of one group run together, groups one after the other. */
const [TOGETHER, ALONE, BROWSERS] = [0, 1, 2];
/** By default one core of the machine is left over: of the two that continuous integration has, half. */
const EVERY_CORE = "100%";

/** The core tests in a real Chromium; with cross-origin isolation SharedArrayBuffer, and so threads, are there. */
function browser(name: string, headers: Record<string, string>): TestProjectConfiguration {
  return {
    server: { headers },
    optimizeDeps: { include: ["@hpke/core", "@noble/hashes/scrypt.js", "@noble/hashes/sha2.js", "cborg", "fast-png"] },
    test: {
      name,
      include: ["packages/*/test/**/*.browser.test.ts"],
      maxWorkers: EVERY_CORE,
      sequence: { groupOrder: BROWSERS },
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath: executablePath ?? "", args: ["--no-sandbox"] } }),
        instances: [{ browser: "chromium" }],
      },
    },
  };
}

const EVERY_FILE = ["packages/*/{src,test}/**/*.test.ts", "bench/**/*.test.ts", "tools/**/*.test.ts", "examples/**/*.test.ts"];
/** In these, parties meet deadlines of a second and less on as many cores as there are: nothing runs beside them. */
const TIMED = [
  "packages/mpc/test/{client,driver,party,release,session,transport}/**/*.test.ts",
  "packages/cli/test/{faults,private,process,soak}/**/*.test.ts",
  "examples/{browser-private,three-machines}/*.test.ts",
];

function node(name: string, include: string[], exclude: string[], group: number): TestProjectConfiguration {
  return {
    test: {
      name,
      include,
      exclude: ["**/*.browser.test.ts", "**/node_modules/**", ...exclude],
      environment: "node",
      maxWorkers: group === TOGETHER ? EVERY_CORE : 1,
      sequence: { groupOrder: group },
      testTimeout: process.env.TACIT_LONG === undefined ? 60_000 : 3_600_000,
      hookTimeout: 60_000, // some start processes or train first
    },
  };
}

/** Whoever names a project gets all of Node's files in it, one at a time; the whole run has two, of which the second is timed. */
const named = process.argv.some((word) => word.startsWith("--project"));
const nodes = named
  ? [node("node", EVERY_FILE, [], ALONE)]
  : [node("node", EVERY_FILE, TIMED, TOGETHER), node("node, timed", TIMED, [], ALONE)];

const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
if (executablePath === null) process.stderr.write(`browser tests left out: ${HOW_TO_GET_ONE}\n`);
const browsers = executablePath === null ? [] : [browser("chromium", {}), browser("chromium-isolated", isolation)];

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [...nodes, ...browsers],
  },
});

export default config;
