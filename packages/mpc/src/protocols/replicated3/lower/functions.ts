/** @file Nonlinear functions of secrets: each reads plain fixed point and gives plain fixed point. */

import { sizeOf } from "@tacit/core/program";
import { ROOT_BITS } from "../bounds.ts";
import { EXP_WIDE_SCALE, expRange } from "../functions/exp.ts";
import { divide, log as logOf, root, toFraction } from "../functions/general.ts";
import { erf as erfOf, sigmoid as sigmoidOf, tanh as tanhOf } from "../functions/sigmoid.ts";
import {
  addPublic,
  type Context,
  copy,
  free,
  mulPublicInteger,
  mulRaw,
  type Shares,
  truncate,
  truncateShares,
  zeros,
} from "../primitives/index.ts";
import { combine, NEVER } from "./combine.ts";
import { broadcastPlain, divideByPublic } from "./elementwise.ts";
import type { Handler } from "./run.ts";

/** Fraction bits of exp's argument. */
const EXP_BITS = 16;

type Unary = (ctx: Context, id: number, x: Shares, f: number) => Promise<Shares>;

const unary =
  (f: Unary): Handler =>
  (n) =>
    n.plain(0, async (x) => n.result(await f(n.ctx, n.step(0), x, n.f), n.f));

const exp: Unary = async (ctx, id, x, f) => {
  const lifted = mulPublicInteger(ctx, x, 1n << BigInt(EXP_BITS - f));
  const raw = await expRange(ctx, id, lifted, EXP_BITS, f === EXP_BITS ? ctx.width : 64);
  free(ctx, lifted);
  return toFraction(ctx, id + 10, raw, EXP_WIDE_SCALE, f);
};

/** v^(1/2) or v^(-1/2), of an argument with as many fraction bits as it has. */
const rootOf =
  (inverse: boolean): Handler =>
  async (n) => {
    const g = n.run.plan.fine.has(n.node.args[0]!) ? ROOT_BITS : n.f;
    const { held } = await combine(n.ctx, n.step(60), await n.terms(0), g, NEVER);
    const out = await root(n.ctx, n.step(0), held.shares, inverse, g, n.f);
    held.release();
    return n.result(out, n.f);
  };

const div: Handler = async (n) => {
  if (n.isPublic(1)) return divideByPublic(n);
  const [x, v] = await Promise.all([broadcastPlain(n, 0), broadcastPlain(n, 1)]);
  const out = await divide(n.ctx, n.step(0), x.shares, v.shares, n.f);
  x.release();
  v.release();
  return n.result(out, n.f);
};

/** x times a public number, f fraction bits. */
async function scaled(ctx: Context, id: number, x: Shares, by: number, f: number): Promise<Shares> {
  const long = mulPublicInteger(ctx, x, BigInt(Math.round(by * 2 ** f)));
  const out = await truncateShares(ctx, id, long, f);
  free(ctx, long);
  return out;
}

const GELU_INNER = 1.5957691216057308;
const GELU_CUBIC = 0.044715;

/** x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)), |x| < 2^11; or x (1 + erf(x / sqrt 2)) / 2, any x. */
const gelu: Handler = (n) =>
  n.plain(0, async (x) => {
    const { ctx, f } = n;
    const gate = n.attrs[0] === 1 ? await tanhGate(ctx, n.step(0), x, f) : await erfGate(ctx, n.step(0), x, f);
    const raw = mulRaw(ctx, x, gate.shares);
    free(ctx, gate.shares);
    return n.result(await truncate(ctx, n.step(50), raw, gate.bits), f);
  });

/** Sigmoid's or erf's part, with `bits` fraction bits. */
interface Gate {
  readonly shares: Shares;
  readonly bits: number;
}

async function tanhGate(ctx: Context, id: number, x: Shares, f: number): Promise<Gate> {
  const square = await truncate(ctx, id, mulRaw(ctx, x, x), f);
  const cubic = await scaled(ctx, id + 1, square, GELU_CUBIC * GELU_INNER, f);
  const inner = addPublic(ctx, cubic, BigInt(Math.round(GELU_INNER * 2 ** f)));
  const t = await truncate(ctx, id + 2, mulRaw(ctx, inner, x), f);
  // A cube leaves the session's range long before x does: of 77 it is 2^15.
  const shares = await sigmoidOf(ctx, id + 3, t, f, 64);
  for (const y of [square, cubic, inner, t]) free(ctx, y);
  return { shares, bits: f };
}

async function erfGate(ctx: Context, id: number, x: Shares, f: number): Promise<Gate> {
  const t = await scaled(ctx, id, x, Math.SQRT1_2, f);
  const e = await erfOf(ctx, id + 1, t, f);
  const shares = addPublic(ctx, e, 1n << BigInt(f));
  free(ctx, t);
  free(ctx, e);
  return { shares, bits: f + 1 };
}

/** x^k for k >= 1 by squaring: 2 rounds a product. Ids from `id`. */
async function power(ctx: Context, id: number, x: Shares, k: number, f: number): Promise<Shares> {
  let result: Shares | undefined;
  let square = copy(ctx, x);
  for (let rest = k, step = id; rest > 0; rest = Math.floor(rest / 2), step += 2) {
    const next = rest > 1 ? truncate(ctx, step, mulRaw(ctx, square, square), f) : undefined;
    if (rest & 1) {
      const before = result;
      result = before ? await truncate(ctx, step + 1, mulRaw(ctx, before, square), f) : copy(ctx, square);
      if (before) free(ctx, before);
    }
    const after = await next;
    free(ctx, square);
    if (after) square = after;
  }
  return result!;
}

/** The exponents that `pow` has a way for: ROOT_POWERS. */
const ROOTS: ReadonlyMap<number, Unary> = new Map<number, Unary>([
  [0.5, (ctx, id, x, f) => root(ctx, id, x, false, f, f)],
  [-0.5, (ctx, id, x, f) => root(ctx, id, x, true, f, f)],
  [-1, (ctx, id, x, f) => divide(ctx, id, undefined, x, f)],
]);

/** x^k for x > 0 by exp(k log x). Ids id .. id + 50. */
async function byLogarithm(ctx: Context, id: number, x: Shares, k: number, f: number): Promise<Shares> {
  const l = await logOf(ctx, id, x, f);
  const t = await scaled(ctx, id + 20, l, k, f);
  const out = await exp(ctx, id + 24, t, f);
  free(ctx, l);
  free(ctx, t);
  return out;
}

const pow: Handler = async (n) => {
  const k = Number(n.fixed(1)![0]);
  const x = await broadcastPlain(n, 0);
  const special = ROOTS.get(k);
  let out: Shares;
  if (special) out = await special(n.ctx, n.step(0), x.shares, n.f);
  else if (k === 0) {
    const none = zeros(n.ctx, sizeOf(n.aval.shape));
    out = addPublic(n.ctx, none, 1n << BigInt(n.f));
    free(n.ctx, none);
  } else if (!Number.isInteger(k) || k < 0) out = await byLogarithm(n.ctx, n.step(0), x.shares, k, n.f);
  else out = await power(n.ctx, n.step(0), x.shares, k, n.f);
  x.release();
  return n.result(out, n.f);
};

export const FUNCTIONS: ReadonlyMap<string, Handler> = new Map(
  Object.entries({
    exp: unary(exp),
    log: unary(logOf),
    sqrt: rootOf(false),
    rsqrt: rootOf(true),
    reciprocal: unary((ctx, id, x, f) => divide(ctx, id, undefined, x, f)),
    sigmoid: unary(sigmoidOf),
    tanh: unary(tanhOf),
    erf: unary(erfOf),
    gelu,
    div,
    pow,
  }),
);
