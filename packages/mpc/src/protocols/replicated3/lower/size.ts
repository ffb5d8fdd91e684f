/**
 * @file How large values are taken to be, log2, where a public factor waits beside them: what fixes the bits that the factor gets. Known from
 * shapes, constants and bindings alone, so that messages depend on nothing else. Data beyond these sizes gives wrong numbers: `ranges` compares.
 *
 * | what | before its factor below |
 * | a share; an elementwise product of two secrets | 2^14; 2^16 |
 * | an element of a matrix product or a convolution of `count` products | the larger of 2^16 and count 2^6 |
 * | a sum of `count` of them | count times as much |
 * | a row's cross-entropy | 2^9 |
 */
import { type Node, type Program, sizeOf, type TypedArray } from "@tacit/core/program";
import { log2 } from "../functions/clear.ts";

/** Shares: as inputs are. */
export const SHARE_BITS = 14;
export const PRODUCT_BITS = 16;
/** The average of the products that a matrix product or a convolution adds up. */
const AVERAGE_BITS = 6;
const LOSS_BITS = 9;
const FLAG_BITS = 1;
/** Largest size of a value whose factor waits while it is multiplied; beyond, the factor is applied first. */
export const KEPT_BITS = 16;
/** Bits of value and scale together beside which a factor still has 14 bits in two parts; beyond, the value is first truncated to f. */
const ROOM_BITS = 55;

/** Largest shift of the narrow truncation. */
export const NARROW_SHIFT = 31;
/** Largest integer factor that is applied exactly; above, a factor is kept aside. */
export const EXACT_LIMIT: number = 2 ** 16;
/** Largest k of a factor 2^-k that moves the scale. Of 1/1024, kept aside, the next reader has ten bits more. */
export const MOST_SHIFT = 2;
/** log2 of the largest constant beside which a product is truncated: what is lost grows with it. */
export const MOST_GROWTH = 1;

/** Whether a factor waits beside a value of this size: two of the largest, added up, still do. */
export const isKept = (bits: number, keep: number = KEPT_BITS): boolean => bits <= keep + 1;

/** `before`: the value without the factors that wait; `after`: with those that the Program fixes. */
export interface Size {
  readonly before: number;
  readonly after: number;
}

/** Whether a value of this scale leaves its factor too few bits. */
export function isCoarse(scale: number, bits: number): boolean {
  return scale + bits > ROOM_BITS;
}

interface Site {
  readonly program: Program;
  readonly node: Node;
  readonly args: readonly Size[];
  readonly secret: readonly boolean[];
  readonly uniform: readonly boolean[];
  /** Values of arguments that follow from the Program alone. */
  readonly fixed: readonly (TypedArray | undefined)[];
}
type Rule = (s: Site) => Size;

const both = (bits: number): Size => ({ before: bits, after: bits });
const bitsOf = (count: number): number => log2(Math.max(count, 1));

/** A factor waits while its value is multiplied with an array, unless the value is too large. */
const moved = (x: Size): Size => (isKept(x.before) ? x : both(x.after));
const first: Rule = (s) => s.args[0]!;
const linear: Rule = (s) => ({
  before: Math.max(...s.args.map((x) => x.before)),
  after: Math.max(...s.args.map((x) => x.after)),
});
/** Ops that read plain fixed point and give values of the same range. */
const plain: Rule = (s) => both(Math.max(SHARE_BITS, ...s.args.map((x) => x.after)));
const grown = (x: Size, count: number): Size => ({ before: x.before + bitsOf(count), after: x.after + bitsOf(count) });

/** Products added up in an element of the result; undefined: no contraction. */
export function productsOf(program: Program, node: Node): number | undefined {
  const shape = (i: number): readonly number[] => program.aval(node.args[i]!).shape;
  const { op, attrs } = node;
  if (op === "matmul") return shape(0)[shape(0).length - (attrs[0] === 1 ? 2 : 1)]!;
  if (op === "conv2d") return sizeOf(shape(1).slice(1));
  // A group's output channels times the kernel.
  if (op === "conv2dGradInput") return (shape(1)[0]! / attrs[6]!) * shape(1)[2]! * shape(1)[3]!;
  if (op === "conv2dGradWeight") return shape(1)[0]! * shape(1)[2]! * shape(1)[3]!;
  return undefined;
}

/** Windows that a place lies in, at most: so many gradients are added up there. */
export function overlapOf([kh, kw, sh, sw]: readonly number[]): number {
  return Math.ceil(kh! / sh!) * Math.ceil(kw! / sw!);
}

/** Elements that a reduction adds into one. */
export function foldedOf(program: Program, node: Node): number {
  const n = sizeOf(node.aval.shape);
  return n === 0 ? 0 : sizeOf(program.aval(node.args[0]!).shape) / n;
}

const contraction: Rule = (s) => both(Math.max(PRODUCT_BITS, AVERAGE_BITS + bitsOf(productsOf(s.program, s.node)!)));
const sum: Rule = (s) => grown(s.args[0]!, foldedOf(s.program, s.node));

/** By a public scalar: it waits. Its own size counts where the Program fixes it; never below that of a share. */
function byScalar(x: Size, factor: number | undefined): Size {
  const after = factor === undefined ? x.after : x.after + log2(factor || 1);
  return { before: x.before, after: Math.max(after, Math.min(x.after, SHARE_BITS)) };
}

const multiply: Rule = (s) => {
  const known = s.secret.indexOf(false);
  if (known < 0) return both(PRODUCT_BITS);
  const x = s.args[1 - known]!;
  const fixed = s.fixed[known];
  if (s.uniform[known]) return byScalar(x, fixed && Number(fixed[0]));
  return both(Math.max(PRODUCT_BITS, moved(x).before));
};

const divide: Rule = (s) => {
  if (s.secret[1]) return both(SHARE_BITS);
  const fixed = s.fixed[1];
  if (s.uniform[1]) return byScalar(s.args[0]!, fixed && 1 / Number(fixed[0]));
  return both(Math.max(PRODUCT_BITS, moved(s.args[0]!).before));
};

/** Windows of one size share a factor, which waits. */
const windows: Rule = (s) => ({
  ...moved(s.args[0]!),
  before: moved(s.args[0]!).before + bitsOf(s.node.attrs[0]! * s.node.attrs[1]!),
});

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>(
  Object.entries({
    add: linear,
    sub: linear,
    mul: multiply,
    div: divide,
    sum,
    avgPool2d: windows,
    avgPool2dGrad: windows,
    softmaxCrossEntropy: () => both(LOSS_BITS),
    softmaxCrossEntropyGrad: (s: Site) => both(s.uniform[2] && !s.secret[2] ? SHARE_BITS : PRODUCT_BITS),
    where: (s: Site) => both(Math.max(SHARE_BITS, s.args[1]!.after, s.args[2]!.after)),
    ...Object.fromEntries("neg reshape cast".split(" ").map((op) => [op, first])),
    ...Object.fromEntries("permute expand slice pad flip reluGrad maxPool2dGrad".split(" ").map((op) => [op, first])),
    ...Object.fromEntries("matmul conv2d conv2dGradInput conv2dGradWeight".split(" ").map((op) => [op, contraction])),
    ...Object.fromEntries(
      "relu abs maximum minimum maxPool2d amax amin cat gather indexSelect sort cumsum".split(" ").map((op) => [op, plain]),
    ),
  }),
);

/** Sizes of all values of a Program. */
export function sizesOf(
  program: Program,
  known: {
    readonly secret: (id: number) => boolean;
    readonly uniform: readonly boolean[];
    readonly fixed: ReadonlyMap<number, TypedArray>;
  },
): readonly Size[] {
  const sizes: Size[] = program.inputs.map(() => both(SHARE_BITS));
  for (const node of program.nodes) {
    const site = {
      program,
      node,
      args: node.args.map((a) => sizes[a]!),
      secret: node.args.map((a) => known.secret(a)),
      uniform: node.args.map((a) => known.uniform[a]!),
      fixed: node.args.map((a) => known.fixed.get(a)),
    };
    sizes.push(RULES.get(node.op)?.(site) ?? both(node.aval.dtype === "bool" ? FLAG_BITS : SHARE_BITS));
  }
  return sizes;
}
