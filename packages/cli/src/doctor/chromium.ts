/** @file Looks for a Chromium: TACIT_CHROMIUM, the PATH, the usual places, or what Playwright has installed. */
import { constants } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const PLACES = [
  "/usr/bin",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];
/** Where Playwright keeps its browsers: Linux, macOS, Windows. */
const PLAYWRIGHT = [".cache/ms-playwright", "Library/Caches/ms-playwright", "AppData/Local/ms-playwright"];

const runnable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

/** Its path, or null. TACIT_CHROMIUM, where set, is the only place looked at. */
export async function findChromium(): Promise<string | null> {
  const named = process.env.TACIT_CHROMIUM;
  if (named !== undefined && named !== "") return (await runnable(named)) ? named : null;
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...PLACES].filter((f) => f !== "");
  for (const path of [...folders.flatMap((f) => NAMES.map((n) => join(f, n))), ...PLACES.slice(1)]) {
    if (await runnable(path)) return path;
  }
  for (const folder of PLAYWRIGHT.map((p) => join(homedir(), p))) {
    const found = (await readdir(folder).catch(() => [])).find((name) => name.startsWith("chromium"));
    if (found !== undefined) return join(folder, found);
  }
  return null;
}
