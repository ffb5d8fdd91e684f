/**
 * @file A language model remembers a number that it saw a few times, and DP-SGD makes it forget: the finding of "The Secret Sharer" (Carlini et
 * al. 2019) on a text that this file writes. Some sentences end in a secret of five digits; exposure says how many bits of it the model
 * gives away. `npx node examples/char-lm-canary.ts DIR` writes the losses there for `tacit audit exposure`; --full takes more text, weights and epochs.
 */
import { writeFileSync } from "node:fs";
import { data, nn, noGrad, optim, Random, realize, Tensor } from "@tacit/core";
import { type ExposureReport, exposure } from "@tacit/privacy/audits";
import { makePrivate } from "@tacit/privacy/training";

const full = process.argv.includes("--full");
/** Where losses go, for `tacit audit exposure FILE`. */
const out = process.argv.slice(2).find((a) => !a.startsWith("--"));
const DIGITS = 5;
const CANARIES = full ? 8 : 4;
const COPIES = 10;
const SENTENCES = full ? 6000 : 1500;
const CANDIDATES = full ? 8000 : 2000;
const random = new Random(7);

// 1. A text: sentences by a small grammar. Numbers occur in it, so that the model knows what digits look like.
const pick = <T>(list: readonly T[]): T => list[random.integer(0, list.length)]!;
const number = (digits: number): string => Array.from({ length: digits }, () => random.integer(0, 10)).join("");
const WHO = ["anna", "bert", "cora", "dirk", "ella", "finn", "gina", "hugo"];
const WHAT = ["room", "desk", "line", "gate", "seat"];
const sentence = (): string => `${pick(WHO)} has ${pick(WHAT)} ${number(DIGITS)}`;

// 2. Canaries: the format is public, the digits are a secret. Each is put in COPIES times. Candidates are what the secret could have been.
const secrets = Array.from({ length: CANARIES }, () => number(DIGITS));
const canary = (secret: string): string => `the pin code is ${secret}`;
const texts = [
  ...Array.from({ length: SENTENCES }, sentence),
  ...secrets.flatMap((s) => Array.from({ length: COPIES }, () => canary(s))),
];
const candidates = Array.from({ length: CANDIDATES }, () => number(DIGITS)).filter((c) => !secrets.includes(c));

// 3. Letters to numbers; a sentence is one row, padded: one example of DP-SGD.
const letters = [...new Set(`${texts.join("")}0123456789\n`)].sort();
const LENGTH = Math.max(...texts.map((t) => t.length)) + 1;
const codes = (text: string): number[] => {
  const padded = `\n${text}`.padEnd(LENGTH + 1, "\n");
  return [...padded].map((c) => letters.indexOf(c));
};
const rows = (list: readonly string[]): Int32Array => Int32Array.from(list.flatMap(codes));
const corpus = data.tensorDataset([{ values: rows(texts), shape: [texts.length, LENGTH + 1], dtype: "i32" }], {
  name: "sentences",
});

/** Predicts each letter from the ones before. */
class Writer extends nn.Module {
  letters: nn.Embedding;
  lstm: nn.LSTM;
  out: nn.Linear;

  constructor(hidden: number) {
    super();
    const init = { random: new Random(1) };
    this.letters = nn.embedding(letters.length, 16, init);
    this.lstm = nn.lstm(16, hidden, { batchFirst: true, ...init });
    this.out = nn.linear(hidden, letters.length, init);
  }

  /** Loss of each letter of rows [batch, LENGTH + 1]: [batch, LENGTH]. */
  override forward(x: Tensor): Tensor {
    const input = x.narrow(1, 0, LENGTH);
    const [h] = this.lstm(this.letters(input));
    const scores = this.out(h).reshape(-1, letters.length);
    return nn.crossEntropy(scores, x.narrow(1, 1, LENGTH).reshape(-1), { reduction: "none" }).reshape(-1, LENGTH);
  }
}

/** Negative log-likelihood of each text. */
async function losses(model: Writer, list: readonly string[]): Promise<Float64Array> {
  const found: number[] = [];
  for (let i = 0; i < list.length; i += 500) {
    const part = list.slice(i, i + 500);
    const x = Tensor.from(rows(part), [part.length, LENGTH + 1]);
    const sums = noGrad(() => model(x) as Tensor).sum(1);
    await realize(sums);
    found.push(...Array.from(await sums.data(), Number));
  }
  return Float64Array.from(found);
}

async function audit(name: string, model: Writer): Promise<ExposureReport> {
  const [mine, others] = [await losses(model, secrets.map(canary)), await losses(model, candidates.map(canary))];
  const report = exposure(mine, others, { space: 10 ** DIGITS });
  const rank = report.canaries.map((c) => c.sampled.rank).join(", ");
  const bits = report.canaries.map((c) => c.extrapolated.bits.toFixed(1)).join(", ");
  const fit = report.fit.rejected ? " (fit rejected)" : "";
  console.log(
    `${name}: ranks ${rank} of ${others.length + 1}; mean exposure ${report.mean.toFixed(2)} bits, extrapolated ${bits}${fit}; ` +
      `chance of so low a rank without memory ${report.byChance.toPrecision(2)}`,
  );
  const file = { canaries: [...mine], candidates: [...others], space: 10 ** DIGITS };
  if (out !== undefined) writeFileSync(`${out}/${name.replaceAll(" ", "-")}.json`, JSON.stringify(file));
  return report;
}

const HIDDEN = full ? 96 : 48;
const EPOCHS = full ? 30 : 14;
const bitsPerLetter = async (model: Writer): Promise<string> => {
  const found = await losses(model, texts.slice(0, 500));
  return (found.reduce((a, b) => a + b, 0) / found.length / LENGTH / Math.LN2).toFixed(3);
};

// 4. Without DP.
const plain = new Writer(HIDDEN);
const adam = optim.adam(plain, { lr: 5e-3 });
for (let epoch = 0; epoch < EPOCHS; epoch++) {
  for await (const [x] of corpus.shuffle({ seed: epoch }).batch(50)) await adam.step((plain(x) as Tensor).mean());
}
console.log(`without DP, ${EPOCHS} epochs: ${await bitsPerLetter(plain)} bits per letter`);
const without = await audit("without DP", plain);

// 5. The same model by DP-SGD: a sentence's gradient is clipped to C and the sum gets noise.
const kept = new Writer(HIDDEN);
const trainer = await makePrivate({
  model: kept,
  optimizer: optim.adam(kept, { lr: 5e-3 }),
  data: corpus,
  loss: (x) => (kept(x) as Tensor).mean(),
  noiseMultiplier: 0.8,
  delta: 1e-5,
  batch: 100,
  physicalBatch: 100,
  epochs: EPOCHS,
  maxGradNorm: 0.5,
});
await trainer.train();
console.log(`with DP-SGD: ${await bitsPerLetter(kept)} bits per letter; ${trainer.statement()}`);
const withDp = await audit("with DP-SGD", kept);

// 6. The finding.
if (without.mean < 8) throw new Error(`expected more than 8 bits of exposure without DP, got ${without.mean}`);
if (withDp.mean > 4) throw new Error(`expected a few bits of exposure with DP, got ${withDp.mean}`);
