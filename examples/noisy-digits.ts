/**
 * @file A data set on which a network overfits, for `tacit audit membership`: drawn digits, a fifth of them with a random label, as CSV.
 * `npx node examples/noisy-digits.ts noisy.csv`, then `tacit train --data noisy.csv --model mlp --epochs 20 --out noisy.safetensors`, then
 * `tacit audit membership --model noisy.safetensors --data noisy.csv --shadows 8 --epochs 10`. EXAMPLE_STEPS is the number of digits (8000; CI sets it).
 */
import { writeFileSync } from "node:fs";
import { data, Random } from "@tacit/core";

const file = process.argv[2];
const count = Number(process.env.EXAMPLE_STEPS ?? 8000);
const WRONG = 0.2;
const { images, labels } = data.digits({ count, seed: 0 });
const random = new Random(0);
let moved = 0;
const rows = Array.from({ length: count }, (_, i) => {
  const label = random.next() < WRONG ? random.integer(0, 10) : labels.values[i]!;
  if (label !== labels.values[i]) moved++;
  return `${label},${images.values.subarray(784 * i, 784 * (i + 1)).join(",")}\n`;
});
if (moved === 0 || moved > 0.3 * count) throw new Error(`expected about ${0.9 * WRONG * count} wrong labels, got ${moved}`);
if (file !== undefined) writeFileSync(file, rows.join(""));
console.log(`${count} digits, ${moved} with a wrong label${file === undefined ? "" : `: ${file}`}`);
