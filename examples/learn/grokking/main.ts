/** @file Runs the seventeen parts and compares with the book: `npx node examples/learn/grokking/main.ts`. */
import { setDefaultDevice } from "@tacit/core";
import { referenceDevice } from "@tacit/core/device";
import { compare, PARTS } from "./printed.ts";
import { readSentences, sentences } from "./recurrent.ts";

setDefaultDevice(referenceDevice("f64"));
let missed = 0;
for (const [i, part] of PARTS.entries()) {
  const got = await part.run();
  const { met, of } = compare(got, part.printed);
  missed += of - met;
  const numbers = of === 0 ? "the book prints nothing" : `${met} of ${of} printed values`;
  console.log(`${`${i + 1}`.padStart(2)} ${part.title}: ${part.shows} (${numbers})`);
}
setDefaultDevice(null);

const text = sentences();
const { first, last, right } = await readSentences(text, 1000);
console.log(`17 recurrence: a state carries what was read to where it is needed (${text.rows.length} sentences)`);
console.log(
  `   loss ${first.toFixed(3)} -> ${last.toFixed(3)}, the sixth word right in ${(100 * right).toFixed(0)} of 100 sentences`,
);
if (missed > 0) throw new Error(`${missed} numbers differ from the book's`);
