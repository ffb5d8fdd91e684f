/** @file Products of shares: local, with a 3-of-3 result (Raw). Matrix products cost five ring products for the three parties. */
import { expected } from "@tacit/core/errors";
import type { Context } from "./context.ts";
import { copy, fresh, sameSize } from "./local.ts";
import { Raw } from "./raw.ts";
import type { MatmulShape, Role, Shares } from "./values.ts";

/** Elementwise products x * y. */
export function mulRaw(ctx: Context, x: Shares, y: Shares): Raw {
  sameSize("mulRaw", x, y);
  const z = ctx.alloc(8 * x.n);
  ctx.kernels.mulTerms(x.n, x.a, x.b, y.a, y.b, z);
  return new Raw(z, x.n, Math.max(x.depth, y.depth));
}

function broadcastRaw(
  ctx: Context,
  kernel: "mulRow64" | "mulColumn64",
  x: Shares,
  line: Shares,
  rows: number,
  cols: number,
): Raw {
  if (x.n !== rows * cols) expected("MPC_SHAPE", kernel, `${rows * cols} elements`, `${x.n}`);
  const length = kernel === "mulRow64" ? cols : rows;
  if (line.n !== length) expected("MPC_SHAPE", kernel, `${length} elements`, `${line.n}`);
  const { kernels } = ctx;
  const total = ctx.alloc(8 * line.n);
  kernels.add64(line.a, line.b, total, line.n);
  const z = ctx.alloc(8 * x.n);
  const t = ctx.alloc(8 * x.n);
  kernels[kernel](rows, cols, x.a, total, z);
  kernels[kernel](rows, cols, x.b, line.a, t);
  kernels.add64(z, t, z, x.n);
  ctx.release(total, t);
  return new Raw(z, x.n, Math.max(x.depth, line.depth));
}

/** x [rows, cols] times row [cols]. */
export function mulRowRaw(ctx: Context, x: Shares, row: Shares, rows: number, cols: number): Raw {
  return broadcastRaw(ctx, "mulRow64", x, row, rows, cols);
}
/** x [rows, cols] times column [rows]. */
export function mulColumnRaw(ctx: Context, x: Shares, column: Shares, rows: number, cols: number): Raw {
  return broadcastRaw(ctx, "mulColumn64", x, column, rows, cols);
}

/** raw times a public integer. Consumes raw. */
export function scaleRaw(ctx: Context, raw: Raw, factor: bigint): Raw {
  const z = raw.take("scaleRaw");
  ctx.kernels.mulScalar64(z, BigInt.asIntN(64, factor), z, raw.n);
  return new Raw(z, raw.n, raw.depth);
}

/** raw times two public integers, each on its way: two raw products, two truncations with pads of their own. Consumes raw. */
export function splitRaw(ctx: Context, raw: Raw, high: bigint, low: bigint): readonly [Raw, Raw] {
  const z = raw.take("splitRaw");
  const other = ctx.alloc(8 * raw.n);
  ctx.kernels.mulScalar64(z, BigInt.asIntN(64, low), other, raw.n);
  ctx.kernels.mulScalar64(z, BigInt.asIntN(64, high), z, raw.n);
  return [new Raw(z, raw.n, raw.depth), new Raw(other, raw.n, raw.depth)];
}

/** raw + x * factor (a bias at the product's scale: factor 2^f). Consumes raw. */
export function addToRaw(ctx: Context, raw: Raw, x: Shares, factor: bigint): Raw {
  sameSize("addToRaw", raw, x);
  const z = raw.take("addToRaw");
  const t = ctx.alloc(8 * x.n);
  ctx.kernels.mulScalar64(x.a, BigInt.asIntN(64, factor), t, x.n);
  ctx.kernels.add64(z, t, z, x.n);
  ctx.release(t);
  return new Raw(z, raw.n, Math.max(raw.depth, x.depth));
}

/** Sum of two raw products. Consumes both. */
export function addRaw(ctx: Context, x: Raw, y: Raw): Raw {
  sameSize("addRaw", x, y);
  const z = x.take("addRaw");
  const other = y.take("addRaw");
  ctx.kernels.add64(z, other, z, x.n);
  ctx.release(other);
  return new Raw(z, x.n, Math.max(x.depth, y.depth));
}

/** Sum of raw [outer, axis, inner] over the axis: one truncation for a whole dot product. Consumes raw. */
export function sumRaw(ctx: Context, raw: Raw, outer: number, axis: number, inner: number): Raw {
  if (raw.n !== outer * axis * inner) expected("MPC_SHAPE", "sumRaw", `${outer * axis * inner} elements`, `${raw.n}`);
  const z = raw.take("sumRaw");
  const out = ctx.alloc(8 * outer * inner);
  ctx.kernels.sum64(outer, axis, inner, z, out);
  ctx.release(z);
  return new Raw(out, outer * inner, raw.depth);
}

/** A product of two tensors given whole: writes or adds (accumulate) a bilinear map of x and y into a region. */
export type Bilinear = (x: number, y: number, accumulate: boolean) => void;

/** The components that a bilinear product needs, their sums made on demand and once. */
export class Operand {
  readonly a: number;
  readonly b: number;
  readonly #ctx: Context;
  readonly #n: number;
  #sum = 0;

  constructor(ctx: Context, x: Shares) {
    this.#ctx = ctx;
    this.#n = x.n;
    this.a = x.a;
    this.b = x.b;
  }

  /** x_i + x_{i+1}. */
  get total(): number {
    if (!this.#sum) {
      this.#sum = this.#ctx.alloc(8 * this.#n);
      this.#ctx.kernels.add64(this.a, this.b, this.#sum, this.#n);
    }
    return this.#sum;
  }

  release(): void {
    if (this.#sum) this.#ctx.release(this.#sum);
    this.#sum = 0;
  }
}

/**
 * Nine terms x_i y_j in five products: role 0 does (x_0 + x_1)(y_0 + y_1), role 1 x_1 y_2 + x_2 (y_1 + y_2), role 2
 * x_2 y_0 + x_0 y_2. Components are the party's own: first a, second b.
 */
export function fiveProducts(role: Role, x: Operand, y: Operand, product: Bilinear): void {
  if (role === 0) product(x.total, y.total, false);
  else if (role === 1) {
    product(x.a, y.b, false);
    product(x.b, y.total, true);
  } else {
    product(x.a, y.b, false);
    product(x.b, y.a, true);
  }
}

/** Below this a block of rows is not worth packing the other operand again. */
const MIN_BLOCK = 16;
/** The ring product halves its operands (Strassen) from here: cutting rows in three must not lose that. */
const STRASSEN = 512;

/** Rows per role, so that load is even; one block where cutting would cost more. */
function rowBlocks(m: number, k: number, n: number): number {
  const smallest = Math.min(m, k, n);
  const third = Math.floor(m / 3);
  const keepsHalving = smallest < STRASSEN || Math.min(third, k, n) >= STRASSEN;
  return third >= MIN_BLOCK && keepsHalving ? 3 : 1;
}

/** Elements of the operands and the result, strides in place. Throws MPC_SHAPE when an operand does not match. */
export function matmulSizes(
  op: string,
  shape: MatmulShape,
  xn: number,
  yn: number,
): Required<MatmulShape> & { readonly out: number } {
  const { m, k, n, batch = 1, transposeA = false, transposeB = false } = shape;
  const strideA = shape.strideA ?? m * k;
  const strideB = shape.strideB ?? k * n;
  const needA = batch === 0 ? 0 : strideA * (batch - 1) + m * k;
  const needB = batch === 0 ? 0 : strideB * (batch - 1) + k * n;
  if (xn < needA) expected("MPC_SHAPE", op, `at least ${needA} elements of x`, `${xn}`);
  if (yn < needB) expected("MPC_SHAPE", op, `at least ${needB} elements of y`, `${yn}`);
  return { m, k, n, batch, transposeA, transposeB, strideA, strideB, out: batch * m * n };
}

type Sizes = ReturnType<typeof matmulSizes>;

/** Rows lo .. lo + rows - 1 of batch member b: z (+)= x * y. */
export function gemm(ctx: Context, s: Sizes, b: number, lo: number, rows: number, z: number, workspace: number): Bilinear {
  const rsa = s.transposeA ? 1 : s.k;
  const csa = s.transposeA ? s.m : 1;
  const [rsb, csb] = s.transposeB ? [1, s.k] : [s.n, 1];
  const out = z + 8 * (b * s.m * s.n + lo * s.n);
  return (x, y, accumulate) => {
    const at = x + 8 * (b * s.strideA + lo * rsa);
    const other = y + 8 * b * s.strideB;
    const flag = accumulate ? 1 : 0;
    ctx.kernels.gemm64(rows, s.n, s.k, at, rsa, csa, other, rsb, csb, out, s.n, flag, workspace);
  };
}

/**
 * x [batch, m, k] times y [batch, k, n]. Roles rotate by blocks of rows, or over the batch; `id` only chooses where they begin.
 * Throws MPC_SHAPE.
 */
export function matmulRaw(ctx: Context, id: number, x: Shares, y: Shares, shape: MatmulShape): Raw {
  const s = matmulSizes("matmulRaw", shape, x.n, y.n);
  const z = ctx.alloc(8 * s.out);
  const workspace = ctx.alloc(ctx.kernels.gemm64WorkspaceBytes(s.m, s.n, s.k));
  const [ox, oy] = [new Operand(ctx, x), new Operand(ctx, y)];
  const blocks = s.batch >= 3 ? 1 : rowBlocks(s.m, s.k, s.n);
  for (let b = 0, turn = 0; b < s.batch; b++) {
    for (let i = 0; i < blocks; i++, turn++) {
      const lo = Math.floor((s.m * i) / blocks);
      const rows = Math.floor((s.m * (i + 1)) / blocks) - lo;
      fiveProducts(((ctx.me + turn + id) % 3) as Role, ox, oy, gemm(ctx, s, b, lo, rows, z, workspace));
    }
  }
  ox.release();
  oy.release();
  ctx.release(workspace);
  return new Raw(z, s.out, Math.max(x.depth, y.depth));
}

/** A public operand in the arena, or the two components of a shared one. */
export type PublicOr = Shares | BigInt64Array;

/** Runs a bilinear map with one public operand on both components: a sharing at the product's scale. Local. */
export function publicProduct(
  ctx: Context,
  op: string,
  x: PublicOr,
  y: PublicOr,
  n: number,
  product: (x: number, y: number, out: number) => void,
): Shares {
  const known = x instanceof BigInt64Array ? x : y instanceof BigInt64Array ? y : undefined;
  const secret = x instanceof BigInt64Array ? (y instanceof BigInt64Array ? undefined : y) : x;
  if (!known || !secret) expected("MPC_SHAPE", op, "one public and one shared operand", "two of a kind");
  const at = ctx.alloc(8 * known.length);
  ctx.memory.write(at, known);
  const out = fresh(ctx, n, secret.depth);
  for (const c of ["a", "b"] as const) {
    if (known === x) product(at, secret[c], out[c]);
    else product(secret[c], at, out[c]);
  }
  ctx.release(at);
  return out;
}

function count(x: PublicOr): number {
  return x instanceof BigInt64Array ? x.length : x.n;
}

/** The product of a public ring matrix and a shared one, local. The result is at the product's scale: truncateShares. */
export function matmulPublic(ctx: Context, x: PublicOr, y: PublicOr, shape: MatmulShape): Shares {
  const s = matmulSizes("matmulPublic", shape, count(x), count(y));
  const workspace = ctx.alloc(ctx.kernels.gemm64WorkspaceBytes(s.m, s.n, s.k));
  const out = publicProduct(ctx, "matmulPublic", x, y, s.out, (p, q, o) => {
    for (let b = 0; b < s.batch; b++) gemm(ctx, s, b, 0, s.m, o, workspace)(p, q, false);
  });
  ctx.release(workspace);
  return out;
}

/** Shares as a raw product of factor 1: lets a linear combination of shares take the way of a raw one. Local; x is kept. */
export function toRaw(ctx: Context, x: Shares): Raw {
  const own = copy(ctx, x);
  ctx.release(own.b);
  return new Raw(own.a, x.n, x.depth);
}
