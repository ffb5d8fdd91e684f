/** @file What the parts share: NumPy's generator, tensors as the book makes them, its toy task, and ten steps of gradient descent. */
import { nn, optim, Tensor } from "@tacit/core";
import { NumpyRandom } from "./numpy-random.ts";

/** Numbers, truths and names, nested as they are printed. */
export type Printed = number | boolean | string | readonly Printed[];

/** One part of the chapter. */
export interface Part {
  readonly title: string;
  readonly shows: string;
  /** All that the book prints in this part, in its order. */
  run(): Promise<readonly Printed[]>;
}

export const f64 = (values: readonly number[] | Float64Array, shape: readonly number[]): Tensor =>
  Tensor.from(Float64Array.from(values), shape);

/** The values of a tensor, nested. */
export const show = async (x: Tensor): Promise<Printed> => (await x.tolist()) as Printed;

/**
 * The book's tensors each take a random id below 100,000 when they are made: a draw from the same stream as the weights.
 * Whoever leaves it out gets other weights from the second tensor on.
 */
export class Book {
  readonly random: NumpyRandom;

  constructor(seed = 0) {
    this.random = new NumpyRandom(seed);
  }

  tensor<T extends Tensor>(made: T): T {
    this.random.randint(0, 100_000);
    return made;
  }

  /** Four pairs of bits and what to say of each: the second bit. */
  bits(): [Tensor, Tensor] {
    return [this.tensor(f64([0, 0, 0, 1, 1, 0, 1, 1], [4, 2])), this.tensor(f64([0, 1, 0, 1], [4, 1]))];
  }

  /** Uniform in [0, 1), to be learnt. */
  uniform(...shape: readonly [number, number]): Tensor {
    return this.tensor(f64(this.random.rand(shape[0] * shape[1]), shape).requiresGrad_());
  }
}

/** Part 9's layer: x W + b, the weight [in, out] normal with variance 2/in, the bias zero. */
export class BookLinear extends nn.Module {
  weight: nn.Parameter;
  bias: nn.Parameter;

  constructor(book: Book, inputs: number, outputs: number) {
    super();
    const scale = Math.sqrt(2 / inputs);
    const drawn = book.random.randn(inputs * outputs).map((w) => w * scale);
    this.weight = book.tensor(nn.parameter(f64(drawn, [inputs, outputs])));
    this.bias = book.tensor(nn.parameter(f64(new Float64Array(outputs), [outputs])));
  }

  forward(x: Tensor): Tensor {
    return x.mm(this.weight).add(this.bias);
  }
}

/** Part 15's layer: the rows that indices name; at first uniform in ±1/(2·size), as word2vec has it. */
export class BookEmbedding extends nn.Module {
  weight: nn.Parameter;

  constructor(book: Book, words: number, size: number) {
    super();
    const drawn = book.random.rand(words * size).map((u) => (u - 0.5) / size);
    this.weight = book.tensor(nn.parameter(f64(drawn, [words, size])));
  }

  forward(index: Tensor): Tensor {
    return this.weight.indexSelect(0, index);
  }
}

/** Ten steps of gradient descent; the loss before each, divided by `per`. */
export async function tenSteps(params: optim.Parameters, lr: number, lossOf: () => Tensor, per = 1): Promise<number[]> {
  const opt = optim.sgd(params, { lr });
  const losses: number[] = [];
  for (let i = 0; i < 10; i++) {
    const loss = lossOf();
    await opt.step(loss);
    losses.push((await loss.item()) / per);
  }
  return losses;
}
