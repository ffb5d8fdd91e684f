#!/usr/bin/env node
/** @file The `tacit` command, in JavaScript that old versions of Node read too: they are told what is needed, not what they cannot parse. */
import { existsSync } from "node:fs";

const NEEDED = 24;

if (Number(process.versions.node.split(".")[0]) < NEEDED) {
  process.stderr.write(`tacit needs Node ${NEEDED} or newer, this is ${process.version}\n`);
  process.stderr.write("hint: Node 24 comes with npm ci; npx tacit, or the folder node_modules/.bin first in PATH, finds it\n");
  process.exitCode = 1;
} else {
  // The sources in the repository; what was built from them in the published package.
  const sources = new URL("../src/main.ts", import.meta.url);
  await import((existsSync(sources) ? sources : new URL("../dist/main.js", import.meta.url)).href);
}
