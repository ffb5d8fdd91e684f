/** @file Attention from scratch, with tensors alone; then a task that it solves only when it knows where things stand: saying a word backwards. */
import { nn, noGrad, optim, Random, randint, randn, Tensor, zeros } from "@tacit/core";
import { plot } from "@tacit/plot";

// 1. Each row of q asks, each row of k answers how well it fits, and what comes back is the mean of the rows of v by that fit.
// Dividing by √size keeps the scores near 1, where softmax still has a gradient.
function attend(q: Tensor, k: Tensor, v: Tensor): { out: Tensor; map: Tensor } {
  const scores = q.matmul(k.transpose(-2, -1)).div(Math.sqrt(q.shape.at(-1)!)); // [..., asked, answering]
  const map = scores.softmax(-1); // each row is positive and sums to 1
  return { out: map.matmul(v), map };
}

// The library's own, which never keeps the whole map in memory, says the same.
const random = new Random(0);
const [q, k, v] = [randn([2, 5, 8], random), randn([2, 7, 8], random), randn([2, 7, 3], random)];
const apart = await attend(q, k, v)
  .out.sub(nn.scaledDotProductAttention(q, k, v))
  .abs()
  .amax()
  .item();
console.log(`ours and nn.scaledDotProductAttention differ by ${apart.toExponential(1)} at most`);

// 2. A layer: q, k and v are three views of the same letters. It is a mean over a set: who stands where, it cannot see.
const [LETTERS, LENGTH, SIZE, BATCH] = [10, 8, 32, 64];
class Reverser extends nn.Module {
  letters = nn.embedding(LETTERS, SIZE); // a row of numbers for each letter
  places: nn.Parameter | null; // so we add to each letter a vector of its place, learnt as well
  toQ = nn.linear(SIZE, SIZE);
  toK = nn.linear(SIZE, SIZE);
  toV = nn.linear(SIZE, SIZE);
  toLetter = nn.linear(SIZE, LETTERS);

  constructor(placed: boolean) {
    super();
    this.places = placed ? nn.parameter(nn.init.normal_(zeros([LENGTH, SIZE]))) : null;
  }

  /** Letters [batch, length] -> scores [batch, length, letters] and who looked where [batch, length, length]. */
  forward(word: Tensor): { logits: Tensor; map: Tensor } {
    const letters = this.letters(word); // [batch, length, size]
    const x = this.places === null ? letters : letters.add(this.places);
    const { out, map } = attend(this.toQ(x), this.toK(x), this.toV(x));
    return { logits: this.toLetter(out), map };
  }
}

// 3. Letter i of the answer is letter 7 - i of the word.
const steps = 4 * Number(process.env.EXAMPLE_STEPS ?? 100);
async function train(model: Reverser): Promise<number> {
  const draw = new Random(1);
  const example = (n: number): Tensor => randint(0, LETTERS, [n, LENGTH], draw);
  const opt = optim.adam(model, { lr: 5e-3 });
  for (let step = 0; step < steps; step++) {
    const word = example(BATCH);
    await opt.step(nn.crossEntropy(model(word).logits.reshape(-1, LETTERS), word.flip(1).flatten()));
  }
  const unseen = example(500); // 10^8 words there are; it saw few
  return noGrad(() => model(unseen).logits.argmax(2).eq(unseen.flip(1)).float().mean()).item();
}

const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;
const blind = await train(new Reverser(false));
console.log(`without places: ${percent(blind)} of the letters right (by chance 10 %; the commonest letter of the word: 30 %)`);
const model = new Reverser(true);
const right = await train(model);
console.log(`with places:    ${percent(right)}`);

// 4. Who looks where, as a map: row i is letter i of the answer. It has found the other diagonal.
const map = noGrad(() =>
  model(
    Tensor.from(
      Int32Array.from({ length: LENGTH }, (_, i) => i),
      [1, LENGTH],
    ),
  ).map.squeeze(0),
);
console.log(await plot.heatmap(map, { x: "looks at letter", y: "of the answer", range: [0, 1], numbers: false }));
const looks = await map.argmax(1).tolist<number[]>();
if (apart > 1e-5) throw new Error("expected the same attention");
if (right < 0.99 || blind > 0.5 || looks.some((j, i) => j !== LENGTH - 1 - i))
  throw new Error("expected places to make the difference");
