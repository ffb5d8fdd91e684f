/** @file npm run bench -- [SUITE ...] [--only NAME,NAME] [--json] [--write] */
import { parseArgs } from "node:util";
import { measure } from "./harness.ts";
import { makeReport, table, writeReport } from "./report.ts";
import { makeRow, type Row } from "./rows.ts";
import { SUITES } from "./suites/index.ts";
import type { Suite } from "./suites/suite.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string" }, json: { type: "boolean" }, write: { type: "boolean" } },
});

async function runSuite(suite: Suite): Promise<readonly Row[]> {
  const only = options.only?.split(",");
  const rows: Row[] = [];
  for (const spec of await suite.rows()) {
    if (only !== undefined && !only.includes(spec.name)) continue;
    process.stderr.write(`bench: ${suite.name} ${spec.name} …\n`);
    if ("compute" in spec) {
      rows.push(await spec.compute());
      continue;
    }
    const samples = await measure(spec.name, [spec.ours, ...spec.peers], spec.runs);
    const ours = samples.get(spec.ours.name);
    if (ours === undefined) {
      process.stderr.write(`bench: ${spec.name}: no figure, the contender failed\n`);
      process.exitCode = 1;
      continue;
    }
    rows.push(makeRow(spec, ours, new Map([...samples].filter(([name]) => name !== spec.ours.name))));
  }
  return rows;
}

const wanted = positionals.length === 0 ? SUITES : SUITES.filter((s) => positionals.includes(s.name));
if (wanted.length === 0) {
  process.stderr.write(`bench: expected a suite among ${SUITES.map((s) => s.name).join(", ")}, got ${positionals.join(" ")}\n`);
  process.exit(1);
}
for (const suite of wanted) {
  const report = makeReport(suite.name, await runSuite(suite));
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : `${table(report)}\n`);
  if (options.write)
    writeReport(
      report,
      new URL("../../docs/benchmarks.md", import.meta.url).pathname,
      `npm run bench -- ${suite.name}`,
      options.only !== undefined,
    );
}
