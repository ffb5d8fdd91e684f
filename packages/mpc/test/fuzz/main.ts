/** @file Fuzzes parsers and prints a table: npm run fuzz -- [--inputs 1000000] [--seed 1] [--only part-of-a-name] [--hex input]. */
import { parseArgs } from "node:util";
import { Finding, fuzz, judge, showTally, TABLE_HEAD } from "./judge.ts";
import { PARSERS } from "./registry.ts";

const { values } = parseArgs({
  options: { inputs: { type: "string" }, seed: { type: "string" }, only: { type: "string" }, hex: { type: "string" } },
});
const inputs = Number(values.inputs ?? 1_000_000);
const seed = Number(values.seed ?? 1);
const chosen = PARSERS.filter((p) => p.name.includes(values.only ?? ""));

if (values.hex !== undefined) {
  const input = new Uint8Array(Buffer.from(values.hex, "hex"));
  for (const p of chosen) console.log(`${p.name}: ${(await judge(p, input)) ?? "accepted"}`);
} else {
  console.log(`seed ${seed}\n${TABLE_HEAD}`);
  for (const p of chosen) {
    try {
      console.log(showTally(await fuzz(p, Math.ceil(inputs * (p.share ?? 1)), seed)));
    } catch (e) {
      if (!(e instanceof Finding)) throw e;
      process.exitCode = 1;
      console.log(`FINDING ${e.message}`);
      if (e.cause instanceof Error) console.log(e.cause.stack);
    }
  }
}
process.exit();
