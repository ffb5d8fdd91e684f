/** @file One more node of a random Program: each picks its arguments among the values so far, or makes inputs of the shapes it wants. */
import { type Expr, ops, sizeOf } from "@tacit/core/program";
import type { Maker } from "./make.ts";

/** A node, or undefined where nothing fits. */
type Step = (m: Maker) => Expr | undefined;

/** Most elements of an argument of what takes many comparisons. */
const FEW = 256;
const few = (m: Maker): Expr | undefined => m.any((x) => sizeOf(x.shape) <= FEW) ?? m.input([1 + m.dice.below(8)]);

const unary =
  (f: (x: Expr) => Expr): Step =>
  (m) =>
    f(m.operand());
const dear =
  (f: (x: Expr, m: Maker) => Expr | undefined): Step =>
  (m) => {
    const x = few(m);
    return x && f(x, m);
  };
const binary =
  (f: (x: Expr, y: Expr) => Expr): Step =>
  (m) => {
    const x = m.operand();
    const y = m.beside(x);
    return m.dice.once(3) ? f(y, x) : f(x, y);
  };
/** |x| + 1/4, or x x + 1/8: what roots, logarithms and divisors take. */
const above0 = (x: Expr, m: Maker): Expr =>
  m.dice.once(2) ? ops.add(ops.abs(x), ops.lit(x, 0.25)) : ops.add(ops.mul(x, x), ops.lit(x, m.dice.pick([0.125, 1e-5, 1])));

const image = (m: Maker): Expr => {
  const found = m.dice.once(4) ? undefined : m.any((x) => x.shape.length === 4);
  if (found) return found;
  const x = m.any((y) => sizeOf(y.shape) >= 4 && sizeOf(y.shape) % 4 === 0 && sizeOf(y.shape) <= 512);
  if (x && m.dice.once(2)) return ops.reshape(x, [1, 1, 2, sizeOf(x.shape) / 2]);
  return m.input([1 + m.dice.below(2), 1 + m.dice.below(2), 2 + m.dice.below(5), 2 + m.dice.below(5)]);
};

function windowOf(m: Maker, x: Expr): number[] {
  const [h, w] = [x.shape[2]!, x.shape[3]!];
  const [kh, kw] = [1 + m.dice.below(Math.min(h, 3)), 1 + m.dice.below(Math.min(w, 3))];
  const pad = (k: number): number => (m.dice.once(3) ? k >> 1 : 0);
  return [kh, kw, 1 + m.dice.below(2), 1 + m.dice.below(2), pad(kh), pad(kw)];
}

const matmul: Step = (m) => {
  const { dice } = m;
  const x = m.any((y) => y.shape.length >= 2) ?? m.input([1 + dice.below(6), 1 + dice.below(64)]);
  const ta = dice.once(4);
  const k = x.shape.at(ta ? -2 : -1)!;
  const lead = x.shape.slice(0, -2);
  const tb = dice.once(3);
  const fits = (y: Expr): boolean =>
    y.shape.length >= 2 &&
    y.shape.at(tb ? -1 : -2) === k &&
    (y.shape.length === 2 || y.shape.slice(0, -2).join() === lead.join()) &&
    y.shape.length <= x.shape.length;
  const cols = 1 + dice.below(5);
  const y = (dice.once(3) ? undefined : m.any(fits)) ?? m.input(tb ? [cols, k] : [k, cols]);
  return ops.matmul(x, y, ta, tb);
};

const convolution: Step = (m) => {
  const { dice } = m;
  const x = image(m);
  const [c, h, w] = x.shape.slice(1) as [number, number, number];
  const [kh, kw] = [1 + dice.below(Math.min(h, 3)), 1 + dice.below(Math.min(w, 3))];
  const weight = m.input([1 + dice.below(3), c, kh, kw]);
  const attrs = [1 + dice.below(2), 1, dice.below(2), dice.below(2), 1, 1, 1];
  const y = ops.conv2d(x, weight, attrs);
  const kind = dice.below(4);
  if (kind < 2) return y;
  const g = dice.once(2) ? m.input(y.shape) : y;
  return kind === 2 ? ops.conv2dGradInput(g, weight, [...attrs, h, w]) : ops.conv2dGradWeight(x, g, [...attrs, kh, kw]);
};

const maxPool: Step = (m) => {
  const x = image(m);
  const attrs = windowOf(m, x);
  const y = ops.maxPool2d(m.dice.once(3) ? ops.relu(x) : x, attrs);
  if (m.dice.once(2)) return y;
  return ops.maxPool2dGrad(m.dice.once(2) ? m.input(y.shape) : y, y.args[0]!, y, attrs);
};

const avgPool: Step = (m) => {
  const x = image(m);
  const attrs = [...windowOf(m, x), m.dice.below(2)];
  const y = ops.avgPool2d(x, attrs);
  if (m.dice.once(2)) return y;
  const g = m.dice.once(2) ? m.input(y.shape) : y;
  return ops.avgPool2dGrad(g, [...attrs, x.shape[2]!, x.shape[3]!]);
};

const axesOf = (m: Maker, x: Expr): number[] => {
  const axes = x.shape.map((_, d) => d).filter(() => m.dice.once(2));
  return axes.length > 0 ? axes : [m.dice.below(x.shape.length)];
};
const reduced =
  (f: (x: Expr, axes: readonly number[], keep?: boolean) => Expr, most = 4096): Step =>
  (m) => {
    const x = m.any((y) => y.shape.length > 0 && sizeOf(y.shape) <= most) ?? m.input([1 + m.dice.below(most)]);
    return x.shape.length === 0 ? undefined : f(x, axesOf(m, x), m.dice.once(2));
  };
/** A sum over axes times the inverse of their count, as a constant or a public input would be. */
const mean: Step = (m) => {
  const x = m.any((y) => y.shape.length > 0) ?? m.input(m.shape());
  const axes = axesOf(m, x);
  const count = axes.reduce((n, d) => n * x.shape[d]!, 1);
  const y = ops.sum(x, axes, m.dice.once(2));
  return m.dice.once(2) ? ops.mul(y, ops.lit(y, 1 / count)) : ops.div(y, ops.lit(y, count));
};

const along =
  (f: (x: Expr, axis: number, m: Maker) => Expr | undefined): Step =>
  (m) => {
    const x = m.any((y) => y.shape.length > 0 && sizeOf(y.shape) <= FEW) ?? m.input([1 + m.dice.below(12)]);
    return f(x, m.dice.below(x.shape.length), m);
  };

const crossEntropy: Step = (m) => {
  const z = m.any((x) => x.shape.length === 2 && sizeOf(x.shape) <= FEW) ?? m.input([1 + m.dice.below(5), 1 + m.dice.below(6)]);
  const [n, c] = z.shape as [number, number];
  const t =
    m.any((x) => x.shape.join() === z.shape.join() && x !== z) ??
    (m.dice.once(2) ? ops.oneHot(m.input([n], m.dice.once(2), "i32", c), c, "f32") : m.input(z.shape));
  if (m.dice.once(2)) return ops.softmaxCrossEntropy(z, t);
  const g = m.dice.once(2)
    ? ops.expand(m.scalar(z), [n])
    : (m.any((x) => x.shape.length === 1 && x.shape[0] === n) ?? m.input([n]));
  return ops.softmaxCrossEntropyGrad(z, t, g);
};

const compared: Step = (m) => {
  const x = few(m);
  if (!x) return undefined;
  const y = m.beside(x);
  const f = m.dice.pick([ops.gt, ops.ge, ops.lt, ops.le, ops.eq, ops.ne]);
  return m.dice.once(2) ? f(x, y) : f(y, x);
};
const logic: Step = (m) => {
  if (m.bools.length === 0) return compared(m);
  const x = m.dice.pick(m.bools);
  const kind = m.dice.below(5);
  if (kind === 0) return ops.bitNot(x);
  if (kind === 1) return ops.cast(x, "f32");
  if (kind === 2 && x.shape.length > 0) return m.dice.pick([ops.all, ops.any])(x, axesOf(m, x));
  const others = m.bools.filter((y) => y.shape.join() === x.shape.join());
  return m.dice.pick([ops.bitAnd, ops.bitOr, ops.bitXor])(x, m.dice.pick(others));
};
const where: Step = (m) => {
  const condition = m.bools.length > 0 && !m.dice.once(3) ? m.dice.pick(m.bools) : compared(m);
  if (!condition) return undefined;
  const x = m.any((y) => y.shape.join() === condition.shape.join()) ?? m.input(condition.shape);
  return ops.where(condition, x, m.beside(x));
};

const indexed: Step = (m) => {
  const x = m.any((y) => y.shape.length > 0 && sizeOf(y.shape) <= FEW);
  if (!x) return undefined;
  const axis = m.dice.below(x.shape.length);
  const places = x.shape[axis]!;
  const count = 1 + m.dice.below(5);
  const at = x.shape.map((d, i) => (i === axis ? count : d));
  const kind = m.dice.below(5);
  const known = kind === 4 || m.dice.once(2);
  if (kind < 2) {
    const index = m.input([count], known, "i32", places);
    return kind === 0 ? ops.indexSelect(x, index, axis) : ops.indexAdd(x, index, m.input(at), axis);
  }
  const index = m.input(at, known, "i32", places);
  if (kind === 2) return ops.gather(x, index, axis);
  return (kind === 3 ? ops.scatterAdd : ops.scatter)(x, index, m.input(at), axis);
};

const moved: Step = (m) => {
  const x = m.operand();
  const rank = x.shape.length;
  if (rank === 0) return ops.expand(x, [1 + m.dice.below(5)]);
  const axis = m.dice.below(rank);
  switch (m.dice.below(7)) {
    case 0:
      return ops.permute(
        x,
        x.shape.map((_, d) => (d + 1) % rank),
      );
    case 1:
      return ops.expand(x, [1 + m.dice.below(8), ...x.shape]);
    case 2:
      return ops.slice(
        x,
        x.shape.map((d) => m.dice.below(d)),
        [...x.shape],
      );
    case 3:
      return ops.pad(
        x,
        x.shape.map((_, d) => (d === axis ? 1 : 0)),
        x.shape.map((_, d) => (d === axis ? m.dice.below(3) : 0)),
      );
    case 4:
      return ops.flip(x, [axis]);
    case 5: {
      const y = m.any((z) => z.shape.join() === x.shape.join()) ?? m.input(x.shape);
      return ops.cat([x, y], axis);
    }
    default:
      return ops.reshape(x, [sizeOf(x.shape)]);
  }
};

const power: Step = dear((x, m) => {
  const k = m.dice.pick([0, 1, 2, 3, 4, 5, 7, 0.5, -0.5, -1, 1.5, -2, 0.3]);
  return ops.pow(Number.isInteger(k) && k >= 0 ? x : above0(x, m), ops.lit(x, k));
});

/** By a public scalar. */
const scaled: Step = (m) => {
  const x = m.operand();
  const c = m.scalar(x);
  if (m.dice.once(4)) return ops.div(x, c);
  return m.dice.once(2) ? ops.mul(x, c) : ops.mul(c, x);
};
/** x y + c z z, or with several factors: terms of different sizes at one scale. */
const products: Step = (m) => {
  const x = m.operand();
  const other = (): Expr => m.any((y) => y.shape.join() === x.shape.join()) ?? m.input(x.shape);
  const term = (): Expr => {
    const y = other();
    const p = ops.mul(y, m.dice.once(3) ? y : other());
    return m.dice.once(4) ? p : ops.mul(p, m.dice.once(2) ? m.rate() : m.scalar(p));
  };
  const sum = m.dice.pick([ops.add, ops.sub])(term(), term());
  return m.dice.once(3) ? ops.add(sum, term()) : sum;
};
/** c (x y - z z) moved as a whole: terms of one public factor, with integers of their own. */
const common: Step = (m) => {
  const x = m.operand();
  const other = (): Expr => m.any((y) => y.shape.join() === x.shape.join()) ?? m.input(x.shape);
  const term = (): Expr => (m.dice.once(3) ? other() : ops.mul(other(), other()));
  const sum = ops.mul(m.dice.pick([ops.add, ops.sub])(term(), term()), m.rate());
  return x.shape.length > 0 ? ops.flip(sum, [m.dice.below(x.shape.length)]) : ops.expand(sum, [2]);
};
/** x + c y, with y of x's shape: what an optimizer does. */
const update: Step = (m) => {
  const x = m.operand();
  const y = m.beside(x);
  return m.dice.pick([ops.add, ops.sub])(x, ops.mul(y, m.scalar(y)));
};

const often = (n: number, s: Step): Step[] => new Array<Step>(n).fill(s);

export const STEPS: readonly Step[] = [
  ...often(5, binary(ops.add)),
  ...often(4, binary(ops.sub)),
  ...often(7, binary(ops.mul)),
  ...often(6, scaled),
  ...often(4, update),
  ...often(4, products),
  ...often(2, common),
  ...often(4, matmul),
  ...often(3, convolution),
  ...often(3, maxPool),
  ...often(4, avgPool),
  ...often(4, reduced(ops.sum)),
  ...often(4, mean),
  ...often(5, moved),
  ...often(3, crossEntropy),
  ...often(2, where),
  ...often(2, logic),
  ...often(2, compared),
  ...often(3, indexed),
  ...often(2, power),
  ...often(2, unary(ops.relu)),
  unary(ops.neg),
  unary(ops.abs),
  (m) => {
    const x = m.operand();
    return ops.reluGrad(x, ops.relu(m.any((y) => y.shape.join() === x.shape.join()) ?? x));
  },
  dear((x, m) => m.dice.pick([ops.maximum, ops.minimum])(x, m.beside(x))),
  dear((x, m) => ops.div(m.beside(x), above0(x, m))),
  dear((x, m) => ops.reciprocal(above0(x, m))),
  dear((x, m) => m.dice.pick([ops.log, ops.sqrt, ops.rsqrt])(above0(x, m))),
  dear((x, m) => m.dice.pick([ops.log, ops.sqrt, ops.rsqrt])(above0(x, m))),
  dear((x, m) => m.dice.pick([ops.exp, ops.sigmoid, ops.tanh, ops.erf, ops.sign])(x)),
  dear((x, m) => m.dice.pick([ops.exp, ops.sigmoid, ops.tanh, ops.erf, ops.sign])(x)),
  dear((x, m) => ops.gelu(x, m.dice.once(2))),
  along((x, axis) => ops.softmax(x, axis)),
  along((x, axis) => ops.logSoftmax(x, axis)),
  along((x, axis, m) => ops.sort(x, axis, m.dice.once(2))),
  along((x, axis, m) => ops.gather(x, ops.argsort(x, axis, m.dice.once(2)), axis)),
  along((x, axis) => ops.cumsum(x, axis)),
  along((x, axis, m) => ops.cast(m.dice.pick([ops.argmax, ops.argmin])(x, axis, true), "f32")),
  reduced(ops.amax, FEW),
  reduced(ops.amin, FEW),
  reduced(ops.prod, 64),
];
