/**
 * @file Softmax and cross-entropy. Ops on the same logits share maximum, exponentials and sum; everything is kept class by class,
 * [classes, columns], columns (rows of the logits) padded to whole blocks of bits.
 *
 * Rounds for 10 classes: maximum 9, exp 8, division 10, times the target's mass 2.
 */
import { expected } from "@tacit/core/errors";
import { sizeOf } from "@tacit/core/program";
import { basis, COEFFICIENT_BITS, coefficients, series } from "../functions/chebyshev.ts";
import { log2, logarithm } from "../functions/clear.ts";
import { divideRows, innerBits } from "../functions/divide.ts";
import { EXP_SCALE, expWindow } from "../functions/exp.ts";
import { ALL_PAIRS, COLUMNS, maximum } from "../functions/maximum.ts";
import { truncateWide } from "../functions/truncate-wide.ts";
import {
  addPublic,
  type Context,
  copy,
  free,
  mulColumnRaw,
  mulPublicInteger,
  mulRaw,
  mulRowRaw,
  neg,
  type Shares,
  stridedRead,
  stridedWrite,
  sub,
  subRow,
  sum,
  sumRaw,
  truncate,
  truncateShares,
  view,
  zeros,
} from "../primitives/index.ts";
import { toRing } from "./fixed-point.ts";
import { tournament } from "./pool.ts";
import type { Handler, NodeRun } from "./run.ts";
import type { Value } from "./value.ts";

/** Steps of the node that computes the shared part, and of each op behind it. */
const STEP = { maximum: 0, tournament: 0, exp: 85, expTruncate: 87, divide: 88, mass: 104, log: 105 } as const;
/** Fraction bits of the exponential's argument. */
const EXP_BITS = 16;

/** Logits [outer, classes, stride]; rows = outer * stride, columns the same in whole blocks. */
interface Layout {
  readonly outer: number;
  readonly classes: number;
  readonly stride: number;
  readonly rows: number;
  readonly columns: number;
  /** Fraction bits of exponentials and their sum. */
  readonly inner: number;
}

/** Softmax's shared part: z - max at f, and exp of it over [classes] and their sum, `inner` fraction bits. */
interface Core extends Layout {
  /** [classes, columns], f fraction bits. */
  readonly shifted: Shares;
  /** [classes + 1, columns]: exponentials, and their sum. */
  readonly exps: Shares;
}

/** x [outer, classes, stride] class by class, columns (outer * stride) padded with zeros. */
function byClass(ctx: Context, x: Shares, s: Layout): Shares {
  const { outer, classes, stride, rows, columns } = s;
  const t = stridedRead(ctx, x, [classes, outer, stride], [stride, classes * stride, 1]);
  if (rows === columns) return t;
  const out = stridedWrite(ctx, t, zeros(ctx, classes * columns), [classes, rows], [columns, 1]);
  free(ctx, t);
  return out;
}

/** The way back. */
function byRow(ctx: Context, x: Shares, s: Layout): Shares {
  return stridedRead(ctx, x, [s.outer, s.classes, s.stride], [s.stride, s.columns, 1]);
}

async function largest(ctx: Context, id: number, z: Shares, classes: number): Promise<Shares> {
  if (classes === 1) return copy(ctx, z);
  if (classes <= ALL_PAIRS) return maximum(ctx, id, z, classes, ctx.width);
  const { y, levels } = await tournament(ctx, id + STEP.tournament, copy(ctx, z), classes, ctx.width);
  for (const bits of levels) free(ctx, bits);
  return y;
}

/** z - max over the classes, at f fraction bits. */
async function shiftedBy(ctx: Context, id: number, z: Shares, classes: number): Promise<Shares> {
  const top = await largest(ctx, id + STEP.maximum, z, classes);
  const out = subRow(ctx, z, top, classes, z.n / classes);
  free(ctx, top);
  return out;
}

async function makeCore(ctx: Context, id: number, x: Shares, s: Layout, f: number): Promise<Core> {
  const { classes, columns } = s;
  const z = byClass(ctx, x, s);
  const shifted = await shiftedBy(ctx, id, z, classes);
  free(ctx, z);
  const at = f === EXP_BITS ? shifted : mulPublicInteger(ctx, shifted, 1n << BigInt(EXP_BITS - f));
  const raw = await expWindow(ctx, id + STEP.exp, at, EXP_BITS, f === EXP_BITS ? ctx.width : 64);
  if (at !== shifted) free(ctx, at);
  const e = await truncateWide(ctx, id + STEP.expTruncate, raw, EXP_SCALE - s.inner);
  const total = sum(ctx, e, 1, classes, columns);
  let exps = stridedWrite(ctx, e, zeros(ctx, (classes + 1) * columns), [e.n], [1]);
  exps = stridedWrite(ctx, total, exps, [columns], [1], classes * columns);
  free(ctx, e);
  free(ctx, total);
  return { ...s, shifted, exps };
}

function layoutOf(n: NodeRun): Layout {
  const { shape } = n.arg(0);
  const axis = n.attrs[0] ?? 1;
  const outer = sizeOf(shape.slice(0, axis));
  const stride = sizeOf(shape.slice(axis + 1));
  const rows = outer * stride;
  return {
    outer,
    classes: shape[axis]!,
    stride,
    rows,
    columns: Math.ceil(rows / COLUMNS) * COLUMNS,
    inner: innerBits(shape[axis]!),
  };
}

/** Runs `use` with the shared part, which the last user frees. */
async function withCore<T>(n: NodeRun, use: (core: Core) => Promise<T>): Promise<T> {
  if (n.f > EXP_BITS) expected("MPC_FRACTION_BITS", "softmax", `at most ${EXP_BITS} fraction bits`, `${n.f}`);
  const logits = n.node.args[0]!;
  const alone = (n.attrs[0] ?? 1) !== 1;
  const common = alone ? undefined : n.run.plan.softmax.get(logits);
  const key = common ? `softmax ${logits}` : `softmax of node ${n.id}`;
  const first = common ? n.run.plan.program.inputs.length + common.node : n.id;
  const core = await n.run.shared(key, common?.users ?? 1, () =>
    n.plain(0, (x) => makeCore(n.ctx, n.run.stepOf(first, 0), x, layoutOf(n), n.f)),
  );
  const result = await use(core);
  if (n.run.doneWith(key)) {
    free(n.ctx, core.shifted);
    free(n.ctx, core.exps);
  }
  return result;
}

/** softmax [classes, columns] with `inner` fraction bits. */
async function quotients(n: NodeRun, core: Core): Promise<Shares> {
  return divideRows(n.ctx, n.step(STEP.divide), copy(n.ctx, core.exps), core.classes, Math.max(core.classes, 2));
}

/** A target [rows, classes] class by class, f fraction bits. */
async function targetByClass(n: NodeRun, core: Core): Promise<Shares> {
  return n.plain(1, (t) => byClass(n.ctx, t, core));
}

/** softmax times the target's mass, minus the target: [classes, columns] at f. */
async function residual(n: NodeRun, core: Core): Promise<Shares> {
  const { ctx } = n;
  const target = await targetByClass(n, core);
  const s = await quotients(n, core);
  const mass = sum(ctx, target, 1, core.classes, core.columns);
  const p = await truncate(ctx, n.step(STEP.mass), mulRowRaw(ctx, s, mass, core.classes, core.columns), core.inner);
  const out = sub(ctx, p, target);
  for (const x of [target, s, mass, p]) free(ctx, x);
  return out;
}

const softmaxCrossEntropyGrad: Handler = (n) =>
  withCore(n, async (core) => {
    const { ctx, f } = n;
    const { rows, classes } = core;
    const r = await residual(n, core);
    const shares = byRow(ctx, r, core);
    free(ctx, r);
    if (n.isUniform(2)) {
      const factor = await n.scalar(2);
      const fixed = n.fixed(2) !== undefined && Number.isInteger(factor);
      const constant = n.fixed(2) !== undefined && factor !== 0 ? log2(factor) : 0;
      return n.result(shares, f, {
        factor,
        fixed: fixed ? 0 : constant,
        key: fixed ? "" : `${n.fixed(2) ? "" : "?"}${n.node.args[2]}`,
      });
    }
    const out = await timesRows(n, shares, rows, classes);
    free(ctx, shares);
    return out;
  });

/** x [rows, classes] times argument 2 [rows]: products with 2 f fraction bits. */
async function timesRows(n: NodeRun, x: Shares, rows: number, classes: number): Promise<Value> {
  if (!n.isPublic(2)) {
    return n.singles([2], (g) =>
      n.of([{ source: mulColumnRaw(n.ctx, x, g!.shares, rows, classes), scale: 2 * n.f, ...g!, bits: n.bits }]),
    );
  }
  const g = toRing(await n.publicValues(2), n.f);
  const factors = new BigInt64Array(rows * classes);
  for (let i = 0; i < rows; i++) factors.fill(g[i]!, i * classes, (i + 1) * classes);
  return n.result(mulPublicInteger(n.ctx, x, factors), 2 * n.f);
}

/** Degree of the expansion of the logarithm on [1, C] with an error below 2^-17. */
export function logDegree(c: number): number {
  const y = (c + 1) / (c - 1);
  const rho = y + Math.sqrt(y * y - 1);
  let degree = 2;
  for (let r = rho ** 3; (2 / (degree + 1) / (rho - 1)) * (rho / r) > 2 ** -17; r *= rho) degree++;
  return degree;
}

/** log of the sum of exponentials, [columns], f fraction bits. Chebyshev on [1, max(C, 2)]. */
async function logSum(n: NodeRun, core: Core): Promise<Shares> {
  const { ctx, f } = n;
  const { classes, columns, inner } = core;
  const limit = Math.max(classes, 2);
  const degree = logDegree(limit);
  const id = n.step(STEP.log);
  const total = view(core.exps, classes * columns, columns);
  // y = (2 D - C - 1) / (C - 1), with 20 more bits for the quotient.
  const slope = BigInt(Math.round((2 / (limit - 1)) * 2 ** COEFFICIENT_BITS));
  const steep = mulPublicInteger(ctx, total, slope);
  const offset = BigInt(Math.round(((limit + 1) / (limit - 1)) * 2 ** COEFFICIENT_BITS)) << BigInt(inner);
  const moved = addPublic(ctx, steep, -offset);
  const y = await truncateShares(ctx, id, moved, COEFFICIENT_BITS);
  const rows = await basis(ctx, id + 1, y, degree, inner);
  const long = series(ctx, rows, coefficients(logarithm, 1, limit, degree), inner);
  const out = await truncateShares(ctx, id + 12, long, inner + COEFFICIENT_BITS - f);
  for (const x of [steep, moved, y, rows, long]) free(ctx, x);
  return out;
}

/** mass * log(sum) - sum of target * (z - max): raw products with 2 f fraction bits, [rows]. */
const softmaxCrossEntropy: Handler = (n) =>
  withCore(n, async (core) => {
    const { ctx } = n;
    const { rows, classes, columns } = core;
    const target = await targetByClass(n, core);
    const mass = sum(ctx, target, 1, classes, columns);
    const log = await logSum(n, core);
    const distance = neg(ctx, core.shifted);
    // [classes + 1, rows]: the target against max - z, its mass against the logarithm.
    const left = stack(ctx, target, mass, core);
    const right = stack(ctx, distance, log, core);
    const raw = sumRaw(ctx, mulRaw(ctx, left, right), 1, classes + 1, rows);
    for (const x of [target, mass, log, distance, left, right]) free(ctx, x);
    return n.of([{ source: raw, scale: 2 * n.f, factor: 1, key: "", bits: n.bits }]);
  });

/** x [classes, columns] and one more row y, without the padding: [classes + 1, rows]. */
function stack(ctx: Context, x: Shares, y: Shares, s: Layout): Shares {
  let out = zeros(ctx, (s.classes + 1) * s.rows);
  const cut = stridedRead(ctx, x, [s.classes, s.rows], [s.columns, 1]);
  out = stridedWrite(ctx, cut, out, [cut.n], [1]);
  free(ctx, cut);
  return stridedWrite(ctx, view(y, 0, s.rows), out, [s.rows], [1], s.classes * s.rows);
}

const softmax: Handler = (n) =>
  withCore(n, async (core) => {
    const q = await quotients(n, core);
    const out = byRow(n.ctx, q, core);
    free(n.ctx, q);
    return n.result(out, core.inner);
  });

/** z - max - log(sum). */
const logSoftmax: Handler = (n) =>
  withCore(n, async (core) => {
    const log = await logSum(n, core);
    const all = subRow(n.ctx, core.shifted, log, core.classes, core.columns);
    const out = byRow(n.ctx, all, core);
    free(n.ctx, log);
    free(n.ctx, all);
    return n.result(out, n.f);
  });

export const SOFTMAX: ReadonlyMap<string, Handler> = new Map(
  Object.entries({ softmax, logSoftmax, softmaxCrossEntropy, softmaxCrossEntropyGrad }),
);
