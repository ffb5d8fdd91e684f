/** @file `node packages/mpc/test/replicated3/programs/sweep/main.ts FIRST COUNT`: judges the Programs of these seeds and prints what is wrong. */
import { sweep } from "./sweep.ts";

const [first, count] = process.argv.slice(2).map(Number) as [number, number];
const { counts } = await sweep(first, count, (s) => process.stdout.write(`${s}\n`));
process.stdout.write(`${JSON.stringify(counts)}\n`);
