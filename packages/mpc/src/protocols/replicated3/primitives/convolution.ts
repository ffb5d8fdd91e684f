/** @file Convolutions of shares, NCHW: columns and ring products, forward and both gradients; roles rotate over the images. */
import { expected } from "@tacit/core/errors";
import type { Context } from "./context.ts";
import { fiveProducts, Operand, type PublicOr, publicProduct } from "./products.ts";
import { Raw } from "./raw.ts";
import { type ConvShape, convOutput, type Role, type Shares } from "./values.ts";

/** Sizes of one group of one image. */
interface Sizes extends ConvShape {
  readonly oh: number;
  readonly ow: number;
  /** Channels of a group: in, out. */
  readonly cg: number;
  readonly og: number;
  /** Rows of the columns (cg kh kw) and positions (oh ow). */
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
  const cg = s.c / s.groups;
  const og = s.o / s.groups;
  const depth = cg * s.kh * s.kw;
  const area = oh * ow;
  return { ...s, oh, ow, cg, og, depth, area, xn: s.n * s.c * s.h * s.w, wn: s.o * depth, yn: s.n * s.o * area };
}

function check(op: string, name: string, n: number, want: number): void {
  if (n !== want) expected("MPC_SHAPE", op, `${want} elements of ${name}`, `${n}`);
}

/** One image of one group. */
type Step = (image: number, group: number, x: number, y: number, accumulate: boolean) => void;

/** A convolution as images: what to do per image and group, in regions made once. */
interface Plan {
  readonly step: Step;
  release(): void;
}

function columnsCall(ctx: Context, s: Sizes, image: number, cols: number, add: boolean): void {
  const flag = add ? 1 : 0;
  const kernel = [s.kh, s.kw, s.strideH, s.strideW, s.padH, s.padW, s.dilH, s.dilW] as const;
  ctx.kernels.columns(s.cg, s.h, s.w, ...kernel, s.oh, s.ow, image, cols, flag);
}

const inputAt = (s: Sizes, i: number, g: number): number => 8 * (i * s.c + g * s.cg) * s.h * s.w;
const outputAt = (s: Sizes, i: number, g: number): number => 8 * (i * s.o + g * s.og) * s.area;
const weightAt = (s: Sizes, g: number): number => 8 * g * s.og * s.depth;

/** A 1 x 1 kernel with stride 1 and no padding: the image is its own columns. */
function isPointwise(s: Sizes): boolean {
  return s.kh === 1 && s.kw === 1 && s.strideH === 1 && s.strideW === 1 && s.padH === 0 && s.padW === 0;
}

/** out[i, g] (+)= w[g] (og x depth) times columns(x[i, g]) (depth x area). */
function forward(ctx: Context, s: Sizes, out: number): Plan {
  const cols = ctx.alloc(8 * s.depth * s.area);
  const ws = ctx.alloc(ctx.kernels.gemm64WorkspaceBytes(s.og, s.area, s.depth));
  const step: Step = (i, g, x, w, accumulate) => {
    const image = x + inputAt(s, i, g);
    const direct = isPointwise(s);
    if (!direct) columnsCall(ctx, s, image, cols, false);
    const [a, b] = [w + weightAt(s, g), direct ? image : cols];
    ctx.kernels.gemm64(
      s.og,
      s.area,
      s.depth,
      a,
      s.depth,
      1,
      b,
      s.area,
      1,
      out + outputAt(s, i, g),
      s.area,
      accumulate ? 1 : 0,
      ws,
    );
  };
  return { step, release: () => ctx.release(cols, ws) };
}

/** out[i, g] (+)= the transpose of columns applied to w[g]^T (depth x og) times gradient[i, g] (og x area). */
function gradInput(ctx: Context, s: Sizes, out: number): Plan {
  const cols = ctx.alloc(8 * s.depth * s.area);
  const ws = ctx.alloc(ctx.kernels.gemm64WorkspaceBytes(s.depth, s.area, s.og));
  // The image region is zero at first and columns are added, so that accumulating needs no case of its own.
  const step: Step = (i, g, gradient, w) => {
    const b = gradient + outputAt(s, i, g);
    ctx.kernels.gemm64(s.depth, s.area, s.og, w + weightAt(s, g), 1, s.depth, b, s.area, 1, cols, s.area, 0, ws);
    columnsCall(ctx, s, out + inputAt(s, i, g), cols, true);
  };
  return { step, release: () => ctx.release(cols, ws) };
}

/** out[g] += gradient[i, g] (og x area) times columns(x[i, g])^T (area x depth), over all images. */
function gradWeight(ctx: Context, s: Sizes, out: number): Plan {
  const cols = ctx.alloc(8 * s.depth * s.area);
  const ws = ctx.alloc(ctx.kernels.gemm64WorkspaceBytes(s.og, s.depth, s.area));
  const step: Step = (i, g, x, gradient) => {
    columnsCall(ctx, s, x + inputAt(s, i, g), cols, false);
    const a = gradient + outputAt(s, i, g);
    ctx.kernels.gemm64(s.og, s.depth, s.area, a, s.area, 1, cols, 1, s.area, out + weightAt(s, g), s.depth, 1, ws);
  };
  return { step, release: () => ctx.release(cols, ws) };
}

type MakePlan = (ctx: Context, s: Sizes, out: number) => Plan;

function raw(ctx: Context, id: number, s: Sizes, make: MakePlan, x: Shares, y: Shares, n: number): Raw {
  const z = ctx.alloc(8 * n);
  const plan = make(ctx, s, z);
  const [ox, oy] = [new Operand(ctx, x), new Operand(ctx, y)];
  for (let i = 0; i < s.n; i++) {
    for (let g = 0; g < s.groups; g++) {
      const role = ((ctx.me + i * s.groups + g + id) % 3) as Role;
      fiveProducts(role, ox, oy, (p, q, accumulate) => plan.step(i, g, p, q, accumulate));
    }
  }
  ox.release();
  oy.release();
  plan.release();
  return new Raw(z, n, Math.max(x.depth, y.depth));
}

function known(ctx: Context, op: string, s: Sizes, make: MakePlan, x: PublicOr, y: PublicOr, n: number): Shares {
  return publicProduct(ctx, op, x, y, n, (p, q, out) => {
    const plan = make(ctx, s, out);
    for (let i = 0; i < s.n; i++) for (let g = 0; g < s.groups; g++) plan.step(i, g, p, q, false);
    plan.release();
  });
}

function count(x: PublicOr): number {
  return x instanceof BigInt64Array ? x.length : x.n;
}

/** x [n, c, h, w] convolved with w [o, c / groups, kh, kw]: [n, o, oh, ow]. `id` only rotates roles. Throws MPC_SHAPE. */
export function convRaw(ctx: Context, id: number, x: Shares, w: Shares, shape: ConvShape): Raw {
  const s = sizes(shape);
  check("convRaw", "x", x.n, s.xn);
  check("convRaw", "w", w.n, s.wn);
  return raw(ctx, id, s, forward, x, w, s.yn);
}

/** The gradient for the input: g [n, o, oh, ow], w -> [n, c, h, w]. */
export function convGradInputRaw(ctx: Context, id: number, g: Shares, w: Shares, shape: ConvShape): Raw {
  const s = sizes(shape);
  check("convGradInputRaw", "g", g.n, s.yn);
  check("convGradInputRaw", "w", w.n, s.wn);
  return raw(ctx, id, s, gradInput, g, w, s.xn);
}

/** The gradient for the weights: x, g [n, o, oh, ow] -> [o, c / groups, kh, kw]. */
export function convGradWeightRaw(ctx: Context, id: number, x: Shares, g: Shares, shape: ConvShape): Raw {
  const s = sizes(shape);
  check("convGradWeightRaw", "x", x.n, s.xn);
  check("convGradWeightRaw", "g", g.n, s.yn);
  return raw(ctx, id, s, gradWeight, x, g, s.wn);
}

/** convRaw with one public operand: a sharing at the product's scale, local. */
export function convPublic(ctx: Context, x: PublicOr, w: PublicOr, shape: ConvShape): Shares {
  const s = sizes(shape);
  check("convPublic", "x", count(x), s.xn);
  check("convPublic", "w", count(w), s.wn);
  return known(ctx, "convPublic", s, forward, x, w, s.yn);
}

export function convGradInputPublic(ctx: Context, g: PublicOr, w: PublicOr, shape: ConvShape): Shares {
  const s = sizes(shape);
  check("convGradInputPublic", "g", count(g), s.yn);
  check("convGradInputPublic", "w", count(w), s.wn);
  return known(ctx, "convGradInputPublic", s, gradInput, g, w, s.xn);
}

export function convGradWeightPublic(ctx: Context, x: PublicOr, g: PublicOr, shape: ConvShape): Shares {
  const s = sizes(shape);
  check("convGradWeightPublic", "x", count(x), s.xn);
  check("convGradWeightPublic", "g", count(g), s.yn);
  return known(ctx, "convGradWeightPublic", s, gradWeight, x, g, s.wn);
}
