/**
 * @file A recurrent network that writes: an LSTM reads a text letter by letter and learns to guess the next one. On the project's pages
 * of errors, or on a text of yours: `npx node examples/learn/char-lstm.ts text.txt`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { nn, noGrad, optim, Random, realize, Tensor } from "@tacit/core";

const [HIDDEN, LENGTH, BATCH] = [128, 32, 16];
const folder = new URL("../../docs/errors/", import.meta.url);
const pages = readdirSync(folder)
  .sort()
  .map((f) => new URL(f, folder));
const file = process.argv[2];
const text = file === undefined ? pages.map((p) => readFileSync(p, "utf8")).join("\n") : readFileSync(file, "utf8");

// 1. Letters become numbers; the last tenth of the text is kept aside, to see what was learnt and not only remembered.
const letters = [...new Set(text)].sort();
const index = new Map(letters.map((c, i) => [c, i]));
const ids = Int32Array.from(text, (c) => index.get(c)!);
const cut = Math.floor(0.9 * ids.length);
const random = new Random(0);

/** Windows of LENGTH letters from random places, and for each letter the one after it: both [batch, LENGTH]. */
function windows(count: number, from: number, to: number): [Tensor, Tensor] {
  const starts = Array.from({ length: count }, () => random.integer(from, to - LENGTH));
  const shifted = (by: number): Tensor =>
    Tensor.from(
      Int32Array.from({ length: count * LENGTH }, (_, i) => ids[starts[Math.floor(i / LENGTH)]! + (i % LENGTH) + by]!),
      [count, LENGTH],
    );
  return [shifted(0), shifted(1)];
}

// 2. The LSTM carries two vectors from letter to letter: h, what it says, and c, what it keeps. Gates, learnt as well, decide what
// is written to c, what is forgotten and what is said; that is how a bracket can be remembered until it is closed.
class Writer extends nn.Module {
  letters = nn.embedding(letters.length, 32);
  lstm = nn.lstm(32, HIDDEN, { batchFirst: true });
  toLetter = nn.linear(HIDDEN, letters.length);

  /** [batch, length] letters, and the state of an earlier call -> scores [batch, length, letters] and the new state. */
  forward(x: Tensor, state?: readonly [Tensor, Tensor]): [Tensor, readonly [Tensor, Tensor]] {
    const [out, next] = this.lstm(this.letters(x), state);
    return [this.toLetter(out), next];
  }
}
const model = new Writer();
const loss = (x: Tensor, y: Tensor): Tensor => nn.crossEntropy(model(x)[0].reshape(-1, letters.length), y.flatten());

// 3. The loss in bits: how many yes-or-no questions the next letter is worth. Who knows only how frequent each letter is needs:
const counts = letters.map((_, i) => ids.filter((x) => x === i).length / ids.length);
const frequencies = counts.reduce((sum, p) => sum - p * Math.log2(p), 0);
const heldOut = windows(64, cut, ids.length - 1);
const bits = async (): Promise<number> => (await noGrad(() => loss(...heldOut)).item()) / Math.LN2;
console.log(`${ids.length} letters, ${letters.length} different; bits per letter by their frequencies ${frequencies.toFixed(2)}`);

const steps = 4 * Number(process.env.EXAMPLE_STEPS ?? 150);
const opt = optim.adam(model, { lr: 1e-2 });
for (let step = 1; step <= steps; step++) {
  await opt.step(loss(...windows(BATCH, 0, cut)));
  if (step % (steps / 4) === 0) console.log(`step ${step}  bits per letter, on unseen text: ${(await bits()).toFixed(2)}`);
}

// 4. Writing: one letter at a time, drawn by its probability, and fed back in. Temperature divides the scores: below 1 the likely
// letters become likelier and the text safer, above 1 it grows wild.
async function write(start: string, count: number, temperature: number): Promise<string> {
  let [written, next] = ["", start];
  let state: readonly [Tensor, Tensor] | undefined;
  for (let i = 0; i < count; i++) {
    const input = Tensor.from(
      Int32Array.from(next, (c) => index.get(c)!),
      [1, next.length],
    );
    const [scores, after] = noGrad(() => model(input, state));
    const chances = scores.select(1, -1).div(temperature).softmax(1).flatten();
    await realize(chances, ...after); // in one run; a state left lazy would drag all earlier letters along
    state = after;
    let left = random.next();
    next = letters[(await chances.tolist<number[]>()).findIndex((p) => (left -= p) < 0)] ?? " ";
    written += next;
  }
  return JSON.stringify(start + written);
}
const start = text.slice(0, 5);
for (const temperature of [0.5, 1]) console.log(`temperature ${temperature}: ${await write(start, 150, temperature)}`);
if (file === undefined && (await bits()) > 0.6 * frequencies)
  throw new Error("expected much less than letters' frequencies need");
