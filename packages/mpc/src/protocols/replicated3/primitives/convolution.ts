/** @file Convolutions of shares, NCHW: forward and both gradients, local, five ring convolutions for the three parties. */
import { expected } from "@tacit/core/errors";
import { PRIVATE } from "../memory.ts";
import type { Context } from "./context.ts";
import { type Bilinear, fiveProducts, Operand, type PublicOr, publicProduct } from "./products.ts";
import { Raw } from "./raw.ts";
import { type ConvShape, convOutput, type Role, type Shares } from "./values.ts";

/** Sizes: of one group of one image (og, depth, area), and of whole tensors (xn, wn, yn). */
interface Sizes extends ConvShape {
  readonly oh: number;
  readonly ow: number;
  /** Output channels of a group. */
  readonly og: number;
  /** Rows of the columns (c / groups kh kw) and positions (oh ow). */
  readonly depth: number;
  readonly area: number;
  readonly xn: number;
  readonly wn: number;
  readonly yn: number;
}

function sizes(s: ConvShape): Sizes {
  const { oh, ow } = convOutput(s);
  if (s.groups < 1 || s.c % s.groups || s.o % s.groups) {
    expected("MPC_SHAPE", "convolution", "channels divisible by groups", `c ${s.c}, o ${s.o}, groups ${s.groups}`);
  }
  if (oh < 0 || ow < 0) expected("MPC_SHAPE", "convolution", "a kernel no larger than the padded input", `${s.kh} x ${s.kw}`);
  const og = s.o / s.groups;
  const depth = (s.c / s.groups) * s.kh * s.kw;
  const area = oh * ow;
  return { ...s, oh, ow, og, depth, area, xn: s.n * s.c * s.h * s.w, wn: s.o * depth, yn: s.n * s.o * area };
}

function check(op: string, name: string, n: number, want: number): void {
  if (n !== want) expected("MPC_SHAPE", op, `${want} elements of ${name}`, `${n}`);
}

/** What a convolution is: its kernel, and where image i of each argument and of the result begins (elements per image). */
interface Plan {
  readonly kernel: "convForward64" | "convInputGradient64" | "convWeightGradient64";
  readonly x: number;
  readonly y: number;
  readonly out: number;
}

const forward = (s: Sizes): Plan => ({ kernel: "convForward64", x: s.xn / s.n, y: 0, out: s.yn / s.n });
const gradInput = (s: Sizes): Plan => ({ kernel: "convInputGradient64", x: s.yn / s.n, y: 0, out: s.xn / s.n });
const gradWeight = (s: Sizes): Plan => ({ kernel: "convWeightGradient64", x: s.xn / s.n, y: s.yn / s.n, out: 0 });

/** Bytes that the kernels need for columns and packed panels. */
function workspaceBytes(ctx: Context, s: Sizes): number {
  const { gemm64WorkspaceBytes: bytes } = ctx.kernels;
  const products = [bytes(s.og, s.area, s.depth), bytes(s.depth, s.area, s.og), bytes(s.og, s.depth, s.area)];
  return Math.ceil((8 * s.depth * s.area) / 64) * 64 + Math.max(...products);
}

/** Runs `count` images from image `first` on: out (+)= the convolution of the arguments at x and y. */
function images(ctx: Context, s: Sizes, plan: Plan, first: number, count: number, out: number, workspace: number): Bilinear {
  const table = [
    count,
    s.c,
    s.h,
    s.w,
    s.o,
    s.kh,
    s.kw,
    s.strideH,
    s.strideW,
    s.padH,
    s.padW,
    s.dilH,
    s.dilW,
    s.groups,
    s.oh,
    s.ow,
  ];
  // A weight gradient adds over images into one result, which is zero at first.
  const adds = plan.out === 0;
  return (x, y, accumulate) => {
    const at = [x + 8 * plan.x * first, y + 8 * plan.y * first, out + 8 * plan.out * first] as const;
    ctx.memory.writePrivate(PRIVATE.descriptor, table);
    ctx.kernels[plan.kernel](PRIVATE.descriptor, ...at, accumulate || adds ? 1 : 0, workspace);
  };
}

/** Roles rotate over (at most) three blocks of images. */
function raw(ctx: Context, id: number, s: Sizes, plan: Plan, x: Shares, y: Shares, n: number): Raw {
  const z = ctx.alloc(8 * n);
  const workspace = ctx.alloc(workspaceBytes(ctx, s));
  const [ox, oy] = [new Operand(ctx, x), new Operand(ctx, y)];
  const blocks = Math.min(3, s.n);
  for (let i = 0; i < blocks; i++) {
    const first = Math.floor((s.n * i) / blocks);
    const count = Math.floor((s.n * (i + 1)) / blocks) - first;
    fiveProducts(((ctx.me + i + id) % 3) as Role, ox, oy, images(ctx, s, plan, first, count, z, workspace));
  }
  ox.release();
  oy.release();
  ctx.release(workspace);
  return new Raw(z, n, Math.max(x.depth, y.depth));
}

function known(ctx: Context, op: string, s: Sizes, plan: Plan, x: PublicOr, y: PublicOr, n: number): Shares {
  const workspace = ctx.alloc(workspaceBytes(ctx, s));
  const out = publicProduct(ctx, op, x, y, n, (p, q, o) => {
    if (s.n > 0) images(ctx, s, plan, 0, s.n, o, workspace)(p, q, false);
  });
  ctx.release(workspace);
  return out;
}

function count(x: PublicOr): number {
  return x instanceof BigInt64Array ? x.length : x.n;
}

/** x [n, c, h, w] convolved with w [o, c / groups, kh, kw]: [n, o, oh, ow]. `id` only rotates roles. Throws MPC_SHAPE. */
export function convRaw(ctx: Context, id: number, x: Shares, w: Shares, shape: ConvShape): Raw {
  const s = sizes(shape);
  check("convRaw", "x", x.n, s.xn);
  check("convRaw", "w", w.n, s.wn);
  return raw(ctx, id, s, forward(s), x, w, s.yn);
}

/** The gradient for the input: g [n, o, oh, ow], w -> [n, c, h, w]. */
export function convGradInputRaw(ctx: Context, id: number, g: Shares, w: Shares, shape: ConvShape): Raw {
  const s = sizes(shape);
  check("convGradInputRaw", "g", g.n, s.yn);
  check("convGradInputRaw", "w", w.n, s.wn);
  return raw(ctx, id, s, gradInput(s), g, w, s.xn);
}

/** The gradient for the weights: x, g [n, o, oh, ow] -> [o, c / groups, kh, kw]. */
export function convGradWeightRaw(ctx: Context, id: number, x: Shares, g: Shares, shape: ConvShape): Raw {
  const s = sizes(shape);
  check("convGradWeightRaw", "x", x.n, s.xn);
  check("convGradWeightRaw", "g", g.n, s.yn);
  return raw(ctx, id, s, gradWeight(s), x, g, s.wn);
}

/** convRaw with one public operand: a sharing at the product's scale, local. */
export function convPublic(ctx: Context, x: PublicOr, w: PublicOr, shape: ConvShape): Shares {
  const s = sizes(shape);
  check("convPublic", "x", count(x), s.xn);
  check("convPublic", "w", count(w), s.wn);
  return known(ctx, "convPublic", s, forward(s), x, w, s.yn);
}

export function convGradInputPublic(ctx: Context, g: PublicOr, w: PublicOr, shape: ConvShape): Shares {
  const s = sizes(shape);
  check("convGradInputPublic", "g", count(g), s.yn);
  check("convGradInputPublic", "w", count(w), s.wn);
  return known(ctx, "convGradInputPublic", s, gradInput(s), g, w, s.xn);
}

export function convGradWeightPublic(ctx: Context, x: PublicOr, g: PublicOr, shape: ConvShape): Shares {
  const s = sizes(shape);
  check("convGradWeightPublic", "x", count(x), s.xn);
  check("convGradWeightPublic", "g", count(g), s.yn);
  return known(ctx, "convGradWeightPublic", s, gradWeight(s), x, g, s.wn);
}
