/** @file Finds a Chromium for the browser tests: TACIT_CHROMIUM, the usual places, or what Playwright has installed. */
import { accessSync, constants, existsSync } from "node:fs";
import { chromium } from "playwright-core";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

function runnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path of a Chromium, or null where there is none. */
export function findChromium(): string | null {
  const named = process.env.TACIT_CHROMIUM;
  if (named !== undefined && named !== "") return named;
  const installed = chromium.executablePath();
  return [...PLACES, installed].find((p) => existsSync(p) && runnable(p)) ?? null;
}

/** One sentence for a machine without one. */
export const HOW_TO_GET_ONE: string =
  "no Chromium found: install one (Debian: apt-get install chromium; elsewhere: npx playwright-core install chromium) or set TACIT_CHROMIUM";
