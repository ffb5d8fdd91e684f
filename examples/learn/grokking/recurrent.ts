/**
 * @file Part 17: a recurrent layer reads five words and says the sixth. The book takes its sentences from the bAbI tasks (Weston et al.
 * 2015), which are not ours to ship: GROKKING_BABI=path/to/qa1_single-supporting-fact_train.txt trains on them, else on sentences of
 * our own. f32 on the default device: the book's numbers depend on the order of a Python set, new in every run, and cannot be met.
 */
import { readFileSync } from "node:fs";
import { nn, noGrad, optim, Random, Tensor, zeros } from "@tacit/core";

const WORDS = 6;

/** A recurrent cell: the new state is a function of a word and the old state; the output is read off the state. */
class Cell extends nn.Module {
  fromInput: nn.Linear;
  fromState: nn.Linear;
  toOutput: nn.Linear;

  constructor(inputs: number, hidden: number, outputs: number) {
    super();
    this.fromInput = nn.linear(inputs, hidden);
    this.fromState = nn.linear(hidden, hidden);
    this.toOutput = nn.linear(hidden, outputs);
    // As the book: weights normal with variance 2/inputs, biases zero.
    for (const layer of [this.fromInput, this.fromState, this.toOutput]) {
      nn.init.normal_(layer.weight, 0, Math.sqrt(2 / layer.inFeatures));
      nn.init.zeros_(layer.bias!);
    }
  }

  forward(input: Tensor, state: Tensor): [output: Tensor, state: Tensor] {
    const next = this.fromInput(input).add(this.fromState(state)).sigmoid();
    return [this.toOutput(next), next];
  }
}

/** Rows of six words, padded in front; lines of bAbI lose the number that they begin with. */
export function babi(text: string): string[][] {
  const lines = text.split("\n").slice(0, 1000);
  const rows = lines.map((line) => line.toLowerCase().split(" ").slice(1));
  return rows.map((words) => [...new Array<string>(Math.max(0, WORDS - words.length)).fill("-"), ...words]);
}

/** Our own: the last word follows from the second, four words back, so a guess from the word before is right one time in five. */
export function ownSentences(count: number, seed = 0): string[][] {
  const workshops = { baker: "bakery", smith: "forge", miller: "mill", sailor: "harbour", judge: "court" };
  const people = Object.entries(workshops);
  const verbs = ["walks", "rides", "returns"];
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const [person, place] = people[random.integer(0, people.length)]!;
    return ["the", person, verbs[random.integer(0, verbs.length)]!, "to", "the", place];
  });
}

export interface Reading {
  /** Mean cross-entropy at the sixth word before the first step and after the last, in nats. */
  readonly first: number;
  readonly last: number;
  /** Share of the sentences whose sixth word is the most likely one. */
  readonly right: number;
}

export interface Sentences {
  readonly rows: readonly (readonly string[])[];
  /** Learning rate along the summed gradient of a hundred sentences. */
  readonly lr: number;
}

/** Trains on the first hundred sentences, all at once. */
export async function readSentences({ rows, lr }: Sentences, steps: number, seed = 0): Promise<Reading> {
  const names = [...new Set(rows.flat())];
  const index = new Map(names.map((w, i) => [w, i]));
  const batch = rows.slice(0, 100);
  const column = (t: number): Tensor => Tensor.from(Int32Array.from(batch, (row) => index.get(row[t]!)!));
  const words = Array.from({ length: WORDS }, (_, t) => column(t));
  nn.manualSeed(seed);
  const table = nn.parameter(nn.init.uniform_(zeros([names.length, 16]), -1 / 32, 1 / 32));
  const cell = new Cell(16, 16, names.length);
  const opt = optim.sgd([...cell.parameters(), table], { lr });
  const predict = (): Tensor => {
    let [output, state] = [zeros([batch.length, names.length]), zeros([batch.length, 16])];
    for (let t = 0; t < WORDS - 1; t++) [output, state] = cell(table.indexSelect(0, words[t]!), state);
    return output;
  };
  const lossNow = (): Promise<number> => noGrad(() => nn.crossEntropy(predict(), words[WORDS - 1]!)).item();
  const first = await lossNow();
  for (let i = 0; i < steps; i++) await opt.step(nn.crossEntropy(predict(), words[WORDS - 1]!, { reduction: "sum" }));
  const right = await noGrad(() =>
    predict()
      .argmax(1)
      .eq(words[WORDS - 1]!)
      .float()
      .mean(),
  ).item();
  return { first, last: await lossNow(), right };
}

/** The sentences that GROKKING_BABI names at the book's rate, or our own; those diverge at 0.05. */
export function sentences(): Sentences {
  const path = process.env.GROKKING_BABI;
  return path === undefined ? { rows: ownSentences(100), lr: 0.01 } : { rows: babi(readFileSync(path, "utf8")), lr: 0.05 };
}
