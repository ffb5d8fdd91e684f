/**
 * @file Words as vectors: skip-gram with negative sampling (Mikolov et al. 2013), and analogies by adding and subtracting. On a small
 * world of animals, or on a text of yours: `npx node examples/learn/word2vec.ts text.txt questions.txt`, where a line of questions is
 * "man king woman queen": man is to king as woman is to the last word.
 */
import { readFileSync } from "node:fs";
import { nn, noGrad, optim, Random, Tensor, zeros } from "@tacit/core";
import { animalQuestions, animalText } from "./data/animals.ts";

const SIZE = 32; // numbers per word
const WINDOW = 4; // how far a word sees
const NEGATIVES = 5; // random words per true neighbour
const BATCH = 512;
const [, , textFile, questionFile] = process.argv;
const text = textFile === undefined ? animalText(3000) : readFileSync(textFile, "utf8");
const asked = questionFile === undefined ? animalQuestions() : readFileSync(questionFile, "utf8");

// 1. Words become numbers. A word seen less than five times teaches nothing about itself, so it is left out.
const sentences = text.split(/[.!?\n]+/).map((s) => s.toLowerCase().match(/\p{L}+/gu) ?? []);
const counts = new Map<string, number>();
for (const word of sentences.flat()) counts.set(word, (counts.get(word) ?? 0) + 1);
const vocabulary = [...counts.keys()].filter((w) => counts.get(w)! >= 5);
const index = new Map(vocabulary.map((w, i) => [w, i]));
const random = new Random(0);
// Of words as frequent as "the" most are left out as well: they stand near everything, so they say little about their neighbours.
const usual = (20 * sentences.flat().length) / vocabulary.length;
const kept = (w: string): boolean => index.has(w) && random.next() < Math.sqrt(usual / counts.get(w)!);
const known = sentences.map((s) => s.filter(kept).map((w) => index.get(w)!)).filter((s) => s.length > 1);

// 2. What is learnt from: a word and one that stands near it, and words drawn at random, as often as their count^¾ says.
const pick = <X>(list: readonly X[]): X => list[random.integer(0, list.length)]!;
const places = known.flatMap((s) => s.map((_, i) => [s, i] as const));
const pool = vocabulary.flatMap((w, i) => new Array<number>(Math.ceil(counts.get(w)! ** 0.75)).fill(i));
function pair(): [number, number] {
  const [sentence, i] = pick(places);
  const from = Math.max(0, i - WINDOW);
  const j = random.integer(from, Math.min(sentence.length - 1, i + WINDOW)); // one fewer than there are: the word itself is no choice
  return [sentence[i]!, sentence[j < i ? j : j + 1]!];
}

// 3. The model is two tables: a vector for each word in the middle, one for each word as a neighbour. The score of a pair is the
// product of the two. True pairs are to score high, pairs with random words low; that is all.
const table = (): nn.Parameter => nn.parameter(nn.init.normal_(zeros([vocabulary.length, SIZE]), 0, 0.1));
const [middle, neighbour] = [table(), table()];
function loss(words: Tensor, near: Tensor, others: Tensor): Tensor {
  const w = middle.indexSelect(0, words).unsqueeze(2); // [batch, size, 1]
  const good = neighbour.indexSelect(0, near).unsqueeze(1).matmul(w); // [batch, 1, 1]
  const bad = neighbour.indexSelect(0, others).reshape(-1, NEGATIVES, SIZE).matmul(w); // [batch, negatives, 1]
  return good.logSigmoid().sum().add(bad.neg().logSigmoid().sum()).div(-words.numel);
}
const opt = optim.adam([middle, neighbour], { lr: 0.03 });
const list = (n: number, of: (i: number) => number): Tensor => Tensor.from(Int32Array.from({ length: n }, (_, i) => of(i)));
const steps = 4 * Number(process.env.EXAMPLE_STEPS ?? 100); // a book wants 20,000
console.log(`${vocabulary.length} words, ${places.length} places in the text, ${steps} steps of ${BATCH} pairs`);
for (let step = 1; step <= steps; step++) {
  const drawn = Array.from({ length: BATCH }, pair);
  const [words, near] = [list(BATCH, (i) => drawn[i]![0]), list(BATCH, (i) => drawn[i]![1])];
  const now = loss(
    words,
    near,
    list(BATCH * NEGATIVES, () => pick(pool)),
  );
  await opt.step(now);
  if (step % (steps / 4) === 0) console.log(`step ${step}  loss ${(await now.item()).toFixed(3)}`);
}

// 4. Two words are near when the angle between their vectors is small. An analogy: go from c the way that leads from a to b.
const vectors = noGrad(() => middle.div(middle.norm(2, 1, { keepdim: true })));
const vector = (word: string): Tensor => vectors.select(0, index.get(word)!);
async function answer(a: string, b: string, c: string): Promise<string> {
  const goal = vector(b).sub(vector(a)).add(vector(c));
  const scores = (await vectors.matmul(goal.unsqueeze(1)).flatten().tolist()) as number[];
  for (const w of [a, b, c]) scores[index.get(w)!] = Number.NEGATIVE_INFINITY;
  return vocabulary[scores.indexOf(Math.max(...scores))]!;
}
const questions = asked.split("\n").map((line) => line.toLowerCase().trim().split(/\s+/));
let [right, total] = [0, 0];
for (const [a, b, c, d] of questions) {
  if (![a, b, c, d].every((w) => w !== undefined && index.has(w))) continue;
  const got = await answer(a!, b!, c!);
  if (got === d) right++;
  if (total++ % 40 === 0) console.log(`${a} : ${b} = ${c} : ${got}${got === d ? "" : `, expected ${d}`}`);
}
const chance = 100 / (vocabulary.length - 3);
console.log(`${right} of ${total} analogies: ${((100 * right) / total).toFixed(0)} %, by chance ${chance.toFixed(1)} %`);
if (textFile === undefined && right < 0.9 * total) throw new Error("expected nine of ten analogies");
