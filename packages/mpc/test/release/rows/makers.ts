/** @file Random nodes for the rules of rows: shapes and attributes of every op that has a rule. */
import { type Aval, DTYPE, OPS } from "@tacit/core/program";

/** Uniform in [0, 1). */
export type Draw = () => number;

/** Arguments, attributes, and for integers the number of values that they may have. */
export interface Made {
  readonly avals: readonly Aval[];
  readonly attrs: readonly number[];
  readonly bounds?: readonly (number | undefined)[];
}
export type Maker = (r: Draw) => Made;

export const below = (r: Draw, n: number): number => Math.floor(r() * n);
export const pick = <T>(r: Draw, list: readonly T[]): T => list[below(r, list.length)]!;
/** Sizes in which 2 or 3 rows find room, beside others. */
const SIZES = [1, 2, 2, 3, 4, 6, 6];
const shapeOf = (r: Draw, rank: number): number[] => Array.from({ length: rank }, () => pick(r, SIZES));
const f32 = (...shape: number[]): Aval => ({ shape, dtype: "f32" });
const i32 = (...shape: number[]): Aval => ({ shape, dtype: "i32" });
const bool = (...shape: number[]): Aval => ({ shape, dtype: "bool" });

/** A shape that broadcasts to `shape`: leading axes left out, others of size 1. */
const narrower = (r: Draw, shape: readonly number[]): number[] =>
  shape.slice(r() < 0.3 ? below(r, shape.length + 1) : 0).map((n) => (r() < 0.15 ? 1 : n));

const broadcasting =
  (of: (...shape: number[]) => Aval, arity: number, attrs: readonly number[] = []): Maker =>
  (r) => {
    const shape = shapeOf(r, 1 + below(r, 3));
    return { avals: Array.from({ length: arity }, () => of(...narrower(r, shape))), attrs };
  };

const where: Maker = (r) => {
  const shape = shapeOf(r, 1 + below(r, 3));
  return { avals: [bool(...narrower(r, shape)), f32(...narrower(r, shape)), f32(...narrower(r, shape))], attrs: [] };
};

const expand: Maker = (r) => {
  const shape = shapeOf(r, 1 + below(r, 3));
  return { avals: [f32(...narrower(r, shape))], attrs: shape };
};

export const shuffled = (r: Draw, n: number): number[] => {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = below(r, i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
};

/** The same number of elements, cut otherwise: the prime factors of all sizes in new groups. */
const reshape: Maker = (r) => {
  const shape = shapeOf(r, 1 + below(r, 3));
  const primes = shape.flatMap((n) => (n === 4 ? [2, 2] : n < 6 ? [n] : r() < 0.5 ? [2, 3] : [3, 2]));
  const to: number[] = [];
  for (const p of primes) {
    if (to.length > 0 && r() < 0.5) to.push(to.pop()! * p);
    else to.push(p);
  }
  return { avals: [f32(...shape)], attrs: to };
};

const permute: Maker = (r) => {
  const shape = shapeOf(r, 2 + below(r, 3));
  return { avals: [f32(...shape)], attrs: shuffled(r, shape.length) };
};

const slice: Maker = (r) => {
  const shape = shapeOf(r, 1 + below(r, 3)).map((n) => n * pick(r, [1, 1, 2]));
  const start = shape.map((n) => (r() < 0.6 ? 0 : below(r, n)));
  const stop = shape.map((n, d) => (r() < 0.6 ? n : start[d]! + 1 + below(r, n - start[d]!)));
  return { avals: [f32(...shape)], attrs: [...start, ...stop, ...shape.map(() => pick(r, [1, 1, 1, 2]))] };
};

const pad: Maker = (r) => {
  const shape = shapeOf(r, 1 + below(r, 3));
  const some = (): number[] => shape.map((n) => pick(r, [0, 0, 0, 1, 2, n]));
  return { avals: [f32(...shape)], attrs: [...some(), ...some(), ...shape.map(() => pick(r, [0, 0, 0, 1]))] };
};

const cat: Maker = (r) => {
  const shape = shapeOf(r, 1 + below(r, 3));
  const axis = below(r, shape.length);
  const part = (): Aval => f32(...shape.map((n, d) => (d === axis ? pick(r, SIZES) : n)));
  return { avals: Array.from({ length: 1 + below(r, 3) }, part), attrs: [axis] };
};

const someAxes = (r: Draw, rank: number): number[] => Array.from({ length: rank }, (_, d) => d).filter(() => r() < 0.4);

const flip: Maker = (r) => {
  const shape = shapeOf(r, 1 + below(r, 3));
  return { avals: [f32(...shape)], attrs: someAxes(r, shape.length) };
};

const reduction =
  (of: (...shape: number[]) => Aval): Maker =>
  (r) => {
    const shape = shapeOf(r, 1 + below(r, 4));
    return { avals: [of(...shape)], attrs: [below(r, 2), ...someAxes(r, shape.length)] };
  };

const extremum: Maker = (r) => {
  const shape = shapeOf(r, 1 + below(r, 3));
  return { avals: [f32(...shape)], attrs: [below(r, shape.length), below(r, 2)] };
};

const along =
  (...more: number[]): Maker =>
  (r) => {
    const shape = shapeOf(r, 1 + below(r, 3));
    return { avals: [f32(...shape)], attrs: [below(r, shape.length), ...more] };
  };

const loss =
  (withGradient: boolean): Maker =>
  (r) => {
    const [n, c] = shapeOf(r, 2) as [number, number];
    return { avals: [f32(n, c), f32(n, c), ...(withGradient ? [f32(n)] : [])], attrs: [] };
  };

const matmul: Maker = (r) => {
  const [ta, tb] = [below(r, 2), below(r, 2)];
  const [m, k, n] = shapeOf(r, 3) as [number, number, number];
  const batch = shapeOf(r, below(r, 3));
  const lead = (): number[] => (r() < 0.25 ? [] : batch);
  return { avals: [f32(...lead(), ...(ta ? [k, m] : [m, k])), f32(...lead(), ...(tb ? [n, k] : [k, n]))], attrs: [ta, tb] };
};

/** Sizes of a convolution with several channels in each of several groups: [x, w, result, attrs]. */
function convolution(r: Draw): [number[], number[], number[], number[]] {
  const groups = pick(r, [1, 2, 3, 4, 6]);
  const [cg, og] = [pick(r, [1, 2, 3]), pick(r, [1, 2, 3])];
  const [n, kh, kw] = [pick(r, [1, 1, 2, 4]), 1 + below(r, 2), 1 + below(r, 2)];
  const attrs = [1 + below(r, 2), 1 + below(r, 2), below(r, 2), below(r, 2), 1, 1 + below(r, 2), groups];
  const x = [n, cg * groups, pick(r, [3, 4, 6]), pick(r, [3, 4, 6])];
  const w = [og * groups, cg, kh, kw];
  const y = OPS.get("conv2d")!.infer([f32(...x), f32(...w)], attrs).shape;
  return [x, w, [...y], attrs];
}

const conv2d: Maker = (r) => {
  const [x, w, , attrs] = convolution(r);
  return { avals: [f32(...x), f32(...w)], attrs };
};
const conv2dGradInput: Maker = (r) => {
  const [x, w, y, attrs] = convolution(r);
  return { avals: [f32(...y), f32(...w)], attrs: [...attrs, x[2]!, x[3]!] };
};
const conv2dGradWeight: Maker = (r) => {
  const [x, w, y, attrs] = convolution(r);
  return { avals: [f32(...x), f32(...y)], attrs: [...attrs, w[2]!, w[3]!] };
};

/** Sizes of a pool: [x, result, attrs]. */
function pooling(r: Draw): [number[], number[], number[]] {
  const x = [pick(r, SIZES), pick(r, SIZES), pick(r, [3, 4, 6]), pick(r, [3, 4, 6])];
  const attrs = [1 + below(r, 3), 1 + below(r, 3), 1 + below(r, 2), 1 + below(r, 2), 0, 0];
  attrs[4] = below(r, 1 + Math.floor(attrs[0]! / 2));
  attrs[5] = below(r, 1 + Math.floor(attrs[1]! / 2));
  return [x, [...OPS.get("maxPool2d")!.infer([f32(...x)], attrs).shape], attrs];
}

const pool =
  (...more: number[]): Maker =>
  (r) => {
    const [x, , attrs] = pooling(r);
    return { avals: [f32(...x)], attrs: [...attrs, ...more] };
  };
const maxPool2dGrad: Maker = (r) => {
  const [x, y, attrs] = pooling(r);
  return { avals: [f32(...y), f32(...x), f32(...y)], attrs };
};
const avgPool2dGrad: Maker = (r) => {
  const [x, y, attrs] = pooling(r);
  return { avals: [f32(...y)], attrs: [...attrs, below(r, 2), x[2]!, x[3]!] };
};

/** An index of x's rank: of any size along the axis, seldom shorter along others. */
function indexed(r: Draw): [number[], number[], number] {
  const shape = shapeOf(r, 1 + below(r, 3));
  const axis = below(r, shape.length);
  const places = shape.map((n, d) => (d === axis ? pick(r, SIZES) : r() < 0.2 ? 1 + below(r, n) : n));
  return [shape, places, axis];
}

const gather: Maker = (r) => {
  const [x, places, axis] = indexed(r);
  return { avals: [f32(...x), i32(...places)], attrs: [axis], bounds: [undefined, x[axis]!] };
};
const scatter: Maker = (r) => {
  const [x, places, axis] = indexed(r);
  return { avals: [f32(...x), i32(...places), f32(...places)], attrs: [axis], bounds: [undefined, x[axis]!, undefined] };
};
const indexSelect: Maker = (r) => {
  const [x, places, axis] = indexed(r);
  return { avals: [f32(...x), i32(places[axis]!)], attrs: [axis], bounds: [undefined, x[axis]!] };
};
const indexAdd: Maker = (r) => {
  const [x, places, axis] = indexed(r);
  const src = x.map((n, d) => (d === axis ? places[axis]! : n));
  return { avals: [f32(...x), i32(places[axis]!), f32(...src)], attrs: [axis], bounds: [undefined, x[axis]!, undefined] };
};
const oneHot: Maker = (r) => ({ avals: [i32(...shapeOf(r, 1 + below(r, 3)))], attrs: [3, DTYPE.f32.code], bounds: [3] });

const named = (names: string, maker: Maker): [string, Maker][] => names.split(" ").map((n) => [n, maker]);

/** By op. A rule without an entry fails the tests. */
export const MAKERS: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  ...named("add sub mul div pow maximum minimum eq ne lt le gt ge reluGrad", broadcasting(f32, 2)),
  ...named("neg abs sign relu exp log sqrt rsqrt reciprocal sigmoid tanh erf", broadcasting(f32, 1)),
  ...named("gelu", broadcasting(f32, 1, [0])),
  ...named("cast", broadcasting(bool, 1, [DTYPE.f32.code])),
  ...named("bitAnd bitOr bitXor", broadcasting(bool, 2)),
  ...named("bitNot", broadcasting(bool, 1)),
  ...named("sum amax amin prod", reduction(f32)),
  ...named("all any", reduction(bool)),
  ...named("argmax argmin", extremum),
  ...named("softmax logSoftmax cumsum", along()),
  ...named("sort argsort", along(1)),
  ...named("maxPool2d", pool()),
  ...named("avgPool2d", pool(1)),
  ...named("scatter scatterAdd", scatter),
  ...Object.entries({ softmaxCrossEntropy: loss(false), softmaxCrossEntropyGrad: loss(true) }),
  ...Object.entries({
    where,
    expand,
    reshape,
    permute,
    slice,
    pad,
    cat,
    flip,
    matmul,
    conv2d,
    conv2dGradInput,
    conv2dGradWeight,
  }),
  ...Object.entries({ maxPool2dGrad, avgPool2dGrad, gather, indexSelect, indexAdd, oneHot }),
]);
