import { playwright } from "@vitest/browser-playwright";
import { defineConfig, type TestProjectConfiguration, type ViteUserConfig } from "vitest/config";
import { findChromium, HOW_TO_GET_ONE } from "./tools/chromium.ts";

const executablePath = findChromium();

/** The core tests in a real Chromium; with cross-origin isolation SharedArrayBuffer, and so threads, are there. */
function browser(name: string, headers: Record<string, string>): TestProjectConfiguration {
  return {
    server: { headers },
    optimizeDeps: { include: ["@hpke/core", "@noble/hashes/scrypt.js", "@noble/hashes/sha2.js", "cborg", "fast-png"] },
    test: {
      name,
      include: ["packages/*/test/**/*.browser.test.ts"],
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

const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
if (executablePath === null) process.stderr.write(`browser tests left out: ${HOW_TO_GET_ONE}\n`);
const browsers = executablePath === null ? [] : [browser("chromium", {}), browser("chromium-isolated", isolation)];

const config: ViteUserConfig = defineConfig({
  test: {
    // By default one core of the machine is left over: of the two that continuous integration has, half.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          name: "node",
          include: ["packages/*/{src,test}/**/*.test.ts", "bench/**/*.test.ts", "tools/**/*.test.ts", "examples/**/*.test.ts"],
          exclude: ["**/*.browser.test.ts", "**/node_modules/**"],
          environment: "node",
          testTimeout: process.env.TACIT_LONG === undefined ? 60_000 : 3_600_000,
          hookTimeout: 60_000, // some start processes or train first
        },
      },
      ...browsers,
    ],
  },
});

export default config;
