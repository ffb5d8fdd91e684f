/** @file Parts 1 to 7: tensors, and gradients that find their own way. */
import { gradients, noGrad, Tensor, tensor } from "@tacit/core";
import { Book, f64, type Part, show } from "./book.ts";
import { NumpyRandom } from "./numpy-random.ts";

const leaf = (...values: number[]): Tensor => f64(values, [values.length]).requiresGrad_();
const ones = (): Tensor => f64([1, 1, 1, 1, 1], [5]);

export const part1: Part = {
  title: "tensors",
  shows: "a tensor is an array of numbers that knows how to add",
  async run() {
    const x = tensor([1, 2, 3, 4, 5]);
    return [await show(x), await show(x.add(x))];
  },
};

export const part2: Part = {
  title: "a graph remembers",
  shows: "the result of an addition keeps what it was made of, so a gradient can go back to both",
  async run() {
    const [x, y] = [leaf(1, 2, 3, 4, 5), leaf(2, 2, 2, 2, 2)];
    const z = x.add(y);
    const made = await Promise.all(z.expr.args.map((e) => show(new Tensor(e))));
    const name = z.expr.op!.name;
    z.backward(ones());
    const [a, b, c, d] = [leaf(1, 2, 3, 4, 5), leaf(2, 2, 2, 2, 2), leaf(5, 4, 3, 2, 1), leaf(-1, -2, -3, -4, -5)];
    a.add(b).add(c.add(d)).backward(ones());
    return [await show(x.grad!), await show(y.grad!), made, name, await show(a.grad!)];
  },
};

/** b is read twice on the way to f. */
function diamond(): { b: Tensor; d: Tensor; f: Tensor } {
  const [a, b, c] = [leaf(1, 2, 3, 4, 5), leaf(2, 2, 2, 2, 2), leaf(5, 4, 3, 2, 1)];
  const d = a.add(b);
  return { b, d, f: d.add(b.add(c)) };
}

export const part3: Part = {
  title: "used twice",
  shows: "what comes back along one of two uses is only half of the gradient, so an engine that keeps the last one is wrong",
  async run() {
    const { b, d } = diamond();
    const [half] = gradients(d, [b], { gradient: ones() });
    return [await show(half!.eq(2))];
  },
};

export const part4: Part = {
  title: "gradients add up",
  shows: "an engine that waits for all uses and adds gets it right",
  async run() {
    const { b, f } = diamond();
    f.backward(ones());
    return [await show(b.grad!.eq(2))];
  },
};

export const part5: Part = {
  title: "a second op",
  shows: "an op more is a rule more: the gradient of a negation is negated",
  async run() {
    const [a, b, c] = [leaf(1, 2, 3, 4, 5), leaf(2, 2, 2, 2, 2), leaf(5, 4, 3, 2, 1)];
    a.add(b.neg()).add(b.neg().add(c)).backward(ones());
    return [await show(b.grad!.eq(-2))];
  },
};

export const part6: Part = {
  title: "the other ops",
  shows: "sum and expand undo each other's shapes, and so each is the other's gradient",
  async run() {
    const { b, f } = diamond();
    f.backward(ones());
    const x = f64([1, 2, 3, 4, 5, 6], [2, 3]);
    const copies = x.unsqueeze(2).expand(2, 3, 4);
    return [await show(b.grad!.eq(2)), await show(x.sum(0)), await show(x.sum(1)), await show(copies)];
  },
};

/** Two layers by hand: the programmer writes the gradient of every matrix. (Half the true one: the 2 of the square is left out.) */
async function byHand(): Promise<number[]> {
  const random = new NumpyRandom(0);
  const [x, y] = new Book().bits();
  let [w1, w2] = [f64(random.rand(6), [2, 3]), f64(random.rand(3), [3, 1])];
  const losses: number[] = [];
  for (let i = 0; i < 10; i++) {
    const hidden = x.mm(w1);
    const error = hidden.mm(w2).sub(y);
    losses.push(await error.square().sum().item());
    const hiddenGrad = error.mm(w2.transpose(0, 1));
    w2 = w2.sub(hidden.transpose(0, 1).mm(error).mul(0.1));
    w1 = w1.sub(x.transpose(0, 1).mm(hiddenGrad).mul(0.1));
  }
  return losses;
}

/** The same with backward(): the programmer writes the loss alone. */
async function byAutograd(): Promise<number[]> {
  const book = new Book();
  const [x, y] = book.bits();
  const weights = [book.uniform(2, 3), book.uniform(3, 1)] as const;
  const losses: number[] = [];
  for (let i = 0; i < 10; i++) {
    const loss = x.mm(weights[0]).mm(weights[1]).sub(y).square().sum();
    loss.backward();
    losses.push(await loss.item());
    for (const w of weights) {
      noGrad(() => w.copy_(w.sub(w.grad!.mul(0.1))));
      w.grad = null;
    }
  }
  return losses;
}

export const part7: Part = {
  title: "autograd trains a network",
  shows: "two layers learn to repeat the second of two bits: first with gradients by hand, then without",
  run: async () => [...(await byHand()), ...(await byAutograd())],
};
