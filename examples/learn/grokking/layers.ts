/** @file Parts 8 to 16: the optimizer, layers, losses, activations, embeddings, cross-entropy. */
import { nn, type Tensor } from "@tacit/core";
import { Book, BookEmbedding, BookLinear, f64, type Part, show, tenSteps } from "./book.ts";

/** Sum of squares, as the book's loss. */
const squares = (prediction: Tensor, target: Tensor): Tensor => prediction.sub(target).square().sum();

export const part8: Part = {
  title: "the optimizer",
  shows: "who updates the weights need not know what they are for",
  async run() {
    const book = new Book();
    const [x, y] = book.bits();
    const weights = [book.uniform(2, 3), book.uniform(3, 1)] as const;
    return tenSteps(weights, 0.1, () => squares(x.mm(weights[0]).mm(weights[1]), y));
  },
};

export const part9: Part = {
  title: "a layer",
  shows: "a layer is a function together with the weights that it owns",
  async run() {
    const layer = new BookLinear(new Book(), 2, 3);
    const plain = f64([1, 10], [1, 2]).mm(layer.weight);
    const same = await layer(f64([1, 10], [1, 2]))
      .eq(plain)
      .all()
      .item();
    return [layer.namedParameters().map(([name]) => name), same === 1];
  },
};

export const part10: Part = {
  title: "layers of layers",
  shows: "a stack of layers is a layer again: it runs them in turn and owns what they own",
  async run() {
    const book = new Book();
    const [x, y] = book.bits();
    const model = nn.sequential(new BookLinear(book, 2, 3), new BookLinear(book, 3, 1));
    return tenSteps(model, 0.05, () => squares(model(x), y));
  },
};

export const part11: Part = {
  title: "losses",
  shows: "a loss is one function more at the end",
  async run() {
    const book = new Book();
    const [x, y] = book.bits();
    const model = nn.sequential(new BookLinear(book, 2, 3), new BookLinear(book, 3, 1));
    return tenSteps(model, 0.05, () => nn.mseLoss(model(x), y, { reduction: "sum" }));
  },
};

export const part12: Part = {
  title: "nonlinearities",
  shows: "tanh between the layers and a sigmoid at the end: a network that is more than one matrix",
  async run() {
    const book = new Book();
    const [x, y] = book.bits();
    const model = nn.sequential(new BookLinear(book, 2, 3), nn.tanh(), new BookLinear(book, 3, 1), nn.sigmoid());
    return tenSteps(model, 1, () => nn.mseLoss(model(x), y, { reduction: "sum" }));
  },
};

export const part13: Part = {
  title: "an embedding",
  shows: "to look up a row is to multiply by a one-hot vector, without the multiplications by zero",
  async run() {
    const table = new BookEmbedding(new Book(), 5, 3);
    const index = f64([4, 0, 4], [3]).int();
    const product = index.oneHot(5, "f64").mm(table.weight);
    return [(await table(index).eq(product).all().item()) === 1];
  },
};

export const part14: Part = {
  title: "gradients of a look-up",
  shows: "the gradient of a look-up goes back to the row it came from; a row read twice gets two",
  async run() {
    const x = f64(
      Float64Array.from({ length: 25 }, (_, i) => (i % 6 === 0 ? 1 : 0)),
      [5, 5],
    ).requiresGrad_();
    x.indexSelect(0, f64([1, 2, 3, 2, 3, 4], [6]).int())
      .sum()
      .backward();
    return [await show(x.grad!)];
  },
};

export const part15: Part = {
  title: "an embedding that learns",
  shows: "words are numbers without order; each learns a vector of its own from what is to be said of it",
  async run() {
    const book = new Book();
    const x = book.tensor(f64([1, 2, 1, 2], [4]).int());
    const y = book.tensor(f64([0, 1, 0, 1], [4, 1]));
    const model = nn.sequential(new BookEmbedding(book, 5, 3), nn.tanh(), new BookLinear(book, 3, 1), nn.sigmoid());
    return tenSteps(model, 0.5, () => nn.mseLoss(model(x), y, { reduction: "sum" }));
  },
};

export const part16: Part = {
  title: "cross-entropy",
  shows: "one output per class and a loss on all of them; the book prints the mean and descends along the sum",
  async run() {
    const book = new Book();
    const x = book.tensor(f64([1, 2, 1, 2], [4]).int());
    const y = book.tensor(f64([0, 1, 0, 1], [4]).int());
    const model = nn.sequential(new BookEmbedding(book, 3, 3), nn.tanh(), new BookLinear(book, 3, 4));
    return tenSteps(model, 0.1, () => nn.crossEntropy(model(x), y, { reduction: "sum" }), 4);
  },
};
