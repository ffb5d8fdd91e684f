/**
 * @file Pooling. The maximum of a window is a tournament in row-major order, 7 rounds a level, or, of few windows, found by comparing
 * all pairs at once, in 8 rounds with the ReLU behind it. The earlier of two equals wins; the bits are kept and route the gradient to
 * the first maximum. Average pooling is local.
 */
import { sizeOf } from "@tacit/core/program";
import { log2 } from "../functions/clear.ts";
import { COLUMNS, chosen, comparisons, ofWinners } from "../functions/maximum.ts";
import {
  add,
  type Context,
  convOutput,
  free,
  fromPublic,
  inject,
  relu as reluOf,
  type Shares,
  type SplitBits,
  signBits,
  stridedRead,
  stridedWrite,
  sub,
  view,
  type Width,
  zeros,
} from "../primitives/index.ts";
import type { Handler, NodeRun } from "./run.ts";
import { overlapOf } from "./size.ts";
import { Held, integerOf, SecretValue, type Single, type Term, type WonColumns } from "./value.ts";

/** Padding of a maximum: below every value, far enough from the ends of the ring that differences stay inside. */
const LOWEST = { 32: -(2n ** 30n), 64: -(2n ** 61n) } as const;

/** Sizes of a pooling: `planes` images h x w, windows kh x kw. */
export interface Window {
  readonly planes: number;
  readonly h: number;
  readonly w: number;
  readonly kh: number;
  readonly kw: number;
  readonly sh: number;
  readonly sw: number;
  readonly ph: number;
  readonly pw: number;
  readonly oh: number;
  readonly ow: number;
}

export function windowOf(shape: readonly number[], attrs: readonly number[]): Window {
  const [n, c, h, w] = shape as [number, number, number, number];
  const [kh, kw, sh, sw, ph, pw] = attrs as [number, number, number, number, number, number];
  const conv = { n, c, h, w, o: c, kh, kw, strideH: sh, strideW: sw, padH: ph, padW: pw, dilH: 1, dilW: 1, groups: 1 };
  return { planes: n * c, h, w, kh, kw, sh, sw, ph, pw, ...convOutput(conv) };
}

/** The image with its padding filled; fresh, or x itself where there is none. */
function padded(ctx: Context, x: Shares, s: Window, fill: bigint): { x: Shares; height: number; width: number; fresh: boolean } {
  const [height, width] = [s.h + 2 * s.ph, s.w + 2 * s.pw];
  if (s.ph === 0 && s.pw === 0) return { x, height, width, fresh: false };
  const size = s.planes * height * width;
  const out = fill === 0n ? zeros(ctx, size) : fromPublic(ctx, new BigInt64Array(size).fill(fill));
  const at = s.ph * width + s.pw;
  return { x: stridedWrite(ctx, x, out, [s.planes, s.h, s.w], [height * width, width, 1], at), height, width, fresh: true };
}

/** The places of every window as slots: [kh kw, planes oh ow]. */
function slots(ctx: Context, x: Shares, s: Window): Shares {
  const image = padded(ctx, x, s, LOWEST[ctx.width]);
  const shape = [s.kh, s.kw, s.planes, s.oh, s.ow];
  const out = stridedRead(ctx, image.x, shape, [image.width, 1, image.height * image.width, s.sh * image.width, s.sw]);
  if (image.fresh) free(ctx, image.x);
  return out;
}

/**
 * The maximum over the slots of x [slots, n], which is freed, and the bits of every level. 7 rounds a level (6 on 32 bits). Ids from `id`,
 * two a level.
 */
export async function tournament(
  ctx: Context,
  id: number,
  x: Shares,
  count: number,
  width: Width,
): Promise<{ y: Shares; levels: SplitBits[] }> {
  const n = x.n / count;
  const levels: SplitBits[] = [];
  let current = x;
  for (let k = count; k > 1; k = (k + 1) >> 1) {
    const pairs = k >> 1;
    const [left, right] = [0, 1].map((i) => stridedRead(ctx, current, [pairs, n], [2 * n, 1], i * n)) as [Shares, Shares];
    const d = sub(ctx, left, right);
    free(ctx, left);
    const { bits, injected } = await signBits(ctx, id + 2 * levels.length, d, { inject: [d], width });
    levels.push(bits);
    const winners = add(ctx, right, injected[0]!);
    for (const y of [right, d, injected[0]!]) free(ctx, y);
    let next = winners;
    if (k & 1) {
      const both = stridedWrite(ctx, winners, zeros(ctx, (pairs + 1) * n), [winners.n], [1]);
      next = stridedWrite(ctx, view(current, (k - 1) * n, n), both, [n], [1], pairs * n);
      free(ctx, winners);
    }
    free(ctx, current);
    current = next;
  }
  return { y: current, levels };
}

/** Levels of a tournament of `count`: slots before each. */
function sizes(count: number): number[] {
  const out: number[] = [];
  for (let k = count; k > 1; k = (k + 1) >> 1) out.push(k);
  return out;
}

/** g [n] to the slots [count, n] that won. One round a level. g is freed. */
export async function route(ctx: Context, id: number, g: Shares, levels: readonly SplitBits[], count: number): Promise<Shares> {
  const { n } = g;
  let current = g;
  for (const [level, k] of [...sizes(count).entries()].reverse()) {
    const pairs = k >> 1;
    const top = view(current, 0, pairs * n);
    const left = await inject(ctx, id + level, levels[level]!, top);
    const right = sub(ctx, top, left);
    let next = stridedWrite(ctx, left, zeros(ctx, k * n), [pairs, n], [2 * n, 1]);
    next = stridedWrite(ctx, right, next, [pairs, n], [2 * n, 1], n);
    if (k & 1) next = stridedWrite(ctx, view(current, pairs * n, n), next, [n], [1], (k - 1) * n);
    for (const y of [left, right, current]) free(ctx, y);
    current = next;
  }
  return current;
}

/** Slots [kh kw, planes oh ow] added into the image; they are freed. */
function scatter(ctx: Context, x: Shares, s: Window): Shares {
  const [height, width] = [s.h + 2 * s.ph, s.w + 2 * s.pw];
  const n = s.planes * s.oh * s.ow;
  let image = zeros(ctx, s.planes * height * width);
  const apart = s.sh >= s.kh && s.sw >= s.kw;
  const shape = [s.planes, s.oh, s.ow];
  const strides = [height * width, s.sh * width, s.sw];
  for (let i = 0; i < s.kh; i++) {
    for (let j = 0; j < s.kw; j++) {
      const slot = view(x, (i * s.kw + j) * n, n);
      const at = i * width + j;
      if (apart) image = stridedWrite(ctx, slot, image, shape, strides, at);
      else {
        const before = stridedRead(ctx, image, shape, strides, at);
        const sum = add(ctx, before, slot);
        image = stridedWrite(ctx, sum, image, shape, strides, at);
        free(ctx, before);
        free(ctx, sum);
      }
    }
  }
  free(ctx, x);
  if (s.ph === 0 && s.pw === 0) return image;
  const out = stridedRead(ctx, image, [s.planes, s.h, s.w], [height * width, width, 1], s.ph * width + s.pw);
  free(ctx, image);
  return out;
}

/** Steps of the pool: the tournament from 0, ReLU behind it, the gradient's routing from 0. */
const RELU_STEP = 40;
/**
 * Up to this many comparisons all pairs are compared at once. For 2x2 windows with ReLU that sends 94 B more per window and party than
 * a tournament and saves 13 rounds: LeNet-5's pools of one picture (12,000 comparisons) win both on a machine and over a distance, those
 * of 128 pictures would cost the first 20 MB.
 */
const AT_ONCE = 2 ** 15;
const MOST_PLACES = 9;

function atOnce(s: Window, positive: boolean): boolean {
  const places = s.kh * s.kw;
  const windows = s.planes * s.oh * s.ow;
  return places >= 2 && places <= MOST_PLACES && comparisons(places, positive) * windows <= AT_ONCE;
}

/** The maximum of every window (0 where it is negative, with `positive`), and the places that won. 8 rounds for up to 6 comparisons a place. */
async function allAtOnce(n: NodeRun, x: Shares, s: Window, positive: boolean): Promise<{ y: Shares; winners: WonColumns[] }> {
  const { ctx } = n;
  const places = s.kh * s.kw;
  const windows = s.planes * s.oh * s.ow;
  const padded = Math.ceil(windows / COLUMNS) * COLUMNS;
  const tight = slots(ctx, x, s);
  const wide = stridedWrite(ctx, tight, zeros(ctx, places * padded), [places, windows], [padded, 1]);
  free(ctx, tight);
  const winners: WonColumns[] = [];
  const all = await ofWinners(ctx, n.step(0), wide, places, { positive, width: ctx.width }, async (part, own, hot) => {
    winners.push({ lo: part.lo, n: part.n, hot });
    return chosen(ctx, part.id + 8, own, hot, places);
  });
  free(ctx, wide);
  const y = stridedRead(ctx, all, [windows], [1]);
  free(ctx, all);
  return { y, winners: winners.sort((a, b) => a.lo - b.lo) };
}

/** g [windows] to the slots [places, windows] that won. One round. */
async function routeWon(ctx: Context, id: number, g: Shares, winners: readonly WonColumns[], places: number): Promise<Shares> {
  const routed = await Promise.all(
    winners.map(async ({ lo, n, hot }, i) => {
      const inside = Math.min(n, g.n - lo);
      const rows = stridedRead(ctx, view(g, lo, inside), [places, inside], [0, 1]);
      const wide = stridedWrite(ctx, rows, zeros(ctx, places * n), [places, inside], [n, 1]);
      const won = await inject(ctx, id + i, hot, wide);
      for (const y of [rows, wide]) free(ctx, y);
      return won;
    }),
  );
  let out = zeros(ctx, places * g.n);
  for (const [i, won] of routed.entries()) {
    const { lo, n } = winners[i]!;
    const inside = Math.min(n, g.n - lo);
    const own = stridedRead(ctx, won, [places, inside], [n, 1]);
    out = stridedWrite(ctx, own, out, [places, inside], [g.n, 1], lo);
    for (const y of [won, own]) free(ctx, y);
  }
  return out;
}

const maxPool2d: Handler = (n) => {
  const s = windowOf(n.arg(0).shape, n.attrs);
  const positiveToo = n.run.plan.afterPool.has(n.node.args[0]!);
  return n.plain(0, async (x) => {
    if (atOnce(s, positiveToo)) {
      const { y, winners } = await allAtOnce(n, x, s, positiveToo);
      return n.of([plainTerm(n, y)], { winners });
    }
    const { y, levels } = await tournament(n.ctx, n.step(0), slots(n.ctx, x, s), s.kh * s.kw, n.ctx.width);
    if (!positiveToo) return n.of([plainTerm(n, y)], { pool: levels });
    const positive = await reluOf(n.ctx, n.step(RELU_STEP), y, n.ctx.width);
    free(n.ctx, y);
    return n.of([plainTerm(n, positive.y)], { pool: levels, relu: positive.bits });
  });
};

function plainTerm(n: NodeRun, shares: Shares): Term {
  return { source: new Held(n.ctx, shares), scale: n.f, factor: 1, key: "", bits: n.bits };
}

/** The tournament's bits: kept by the forward op on the same x, or made again. */
async function levelsOf(n: NodeRun, s: Window): Promise<{ levels: readonly SplitBits[]; made: boolean }> {
  const y = await n.value(2);
  const kept = y instanceof SecretValue && forwardOf(n) ? y.kept.pool : undefined;
  if (kept) return { levels: kept, made: false };
  return n.plain(1, async (x) => {
    const won = await tournament(n.ctx, n.step(20), slots(n.ctx, x, s), s.kh * s.kw, n.ctx.width);
    free(n.ctx, won.y);
    return { levels: won.levels, made: true };
  });
}

/** Whether argument 2 is the pool of argument 1 with the same windows. */
function forwardOf(n: NodeRun): boolean {
  const { program } = n.run.plan;
  const y = n.node.args[2]! - program.inputs.length;
  const node = program.nodes[y];
  return node?.op === "maxPool2d" && node.args[0] === n.node.args[1] && node.attrs.every((a, i) => a === n.attrs[i]);
}

/** What waits, `count` of them added up. */
function summed(x: Single, count: number): Single {
  return { ...x, bits: x.bits + log2(count) };
}

const maxPool2dGrad: Handler = async (n) => {
  const s = windowOf(n.arg(1).shape, n.attrs);
  const y = await n.value(2);
  const winners = y instanceof SecretValue && forwardOf(n) ? y.kept.winners : undefined;
  if (winners) {
    return n.singles([0], async (g) => {
      const routed = await routeWon(n.ctx, n.step(0), g!.shares, winners, s.kh * s.kw);
      return n.result(scatter(n.ctx, routed, s), n.f, summed(g!, overlapOf(n.attrs)));
    });
  }
  const { levels, made } = await levelsOf(n, s);
  const positive = n.run.plan.afterPool.has(n.node.args[1]!) && y instanceof SecretValue ? y.kept.relu : undefined;
  const result = await n.moved(0, async (g) => {
    const begin = positive
      ? await inject(n.ctx, n.step(RELU_STEP), positive, g.shares)
      : stridedRead(n.ctx, g.shares, [g.shares.n], [1]);
    const routed = await route(n.ctx, n.step(0), begin, levels, s.kh * s.kw);
    return n.result(scatter(n.ctx, routed, s), n.f, summed(g, overlapOf(n.attrs)));
  });
  if (made) for (const bits of levels) free(n.ctx, bits);
  return result;
};

/** Sum over every window, local. */
function windowSums(ctx: Context, x: Shares, s: Window): Shares {
  const image = padded(ctx, x, s, 0n);
  const { height, width } = image;
  let total: Shares | undefined;
  for (let i = 0; i < s.kh; i++) {
    for (let j = 0; j < s.kw; j++) {
      const strides = [height * width, s.sh * width, s.sw];
      const slot = stridedRead(ctx, image.x, [s.planes, s.oh, s.ow], strides, i * width + j);
      if (!total) total = slot;
      else {
        const sum = add(ctx, total, slot);
        free(ctx, total);
        free(ctx, slot);
        total = sum;
      }
    }
  }
  if (image.fresh) free(ctx, image.x);
  return total ?? zeros(ctx, s.planes * s.oh * s.ow);
}

/** 1 / number of places of each window that count, [oh, ow]. */
function weights(s: Window, countPadding: boolean): Float64Array {
  const places = (o: number, stride: number, pad: number, k: number, size: number): number => {
    const first = o * stride - pad;
    return Math.min(first + k, size) - Math.max(first, 0);
  };
  const out = new Float64Array(s.oh * s.ow);
  for (let y = 0; y < s.oh; y++) {
    for (let x = 0; x < s.ow; x++) {
      const inside = places(y, s.sh, s.ph, s.kh, s.h) * places(x, s.sw, s.pw, s.kw, s.w);
      out[y * s.ow + x] = 1 / (countPadding ? s.kh * s.kw : inside);
    }
  }
  return out;
}

/** The same weight for every window: a factor that stays aside. Undefined: they differ. */
function oneWeight(w: Float64Array): number | undefined {
  return w.every((v) => v === w[0]) ? (w[0] ?? 1) : undefined;
}

/** x [planes, oh ow] times its window's weight, f more fraction bits. */
function weighted(n: NodeRun, x: Shares, s: Window, w: Float64Array): Shares {
  const all = new BigInt64Array(s.planes * w.length);
  const line = BigInt64Array.from(w, (v) => BigInt(Math.round(v * 2 ** n.f)));
  for (let p = 0; p < s.planes; p++) all.set(line, p * w.length);
  const factors = fromPublicTimes(n, x, all);
  return factors;
}

function fromPublicTimes(n: NodeRun, x: Shares, factors: BigInt64Array): Shares {
  const out = { a: n.ctx.alloc(8 * x.n), b: n.ctx.alloc(8 * x.n), n: x.n, depth: x.depth };
  const at = n.ctx.alloc(8 * x.n);
  n.ctx.memory.write(at, factors);
  n.ctx.kernels.mul64(x.a, at, out.a, x.n);
  n.ctx.kernels.mul64(x.b, at, out.b, x.n);
  n.ctx.release(at);
  return out;
}

const avgPool2d: Handler = (n) => {
  const s = windowOf(n.arg(0).shape, n.attrs);
  const w = weights(s, n.attrs[6] === 1);
  const one = oneWeight(w);
  return n.singles([0], (x) => {
    const total = windowSums(n.ctx, x!.shares, s);
    const like = summed(x!, s.kh * s.kw);
    if (one !== undefined)
      return n.result(total, n.f, {
        factor: x!.factor * one,
        key: `${x!.key}*w${n.id}`,
        fixed: (x!.fixed ?? 0) + log2(one),
        by: integerOf(x!),
        bits: like.bits,
      });
    const out = weighted(n, total, s, w);
    free(n.ctx, total);
    return n.result(out, 2 * n.f, like);
  });
};

const avgPool2dGrad: Handler = (n) => {
  const s = windowOf(n.aval.shape, n.attrs);
  const w = weights(s, n.attrs[6] === 1);
  const one = oneWeight(w);
  return n.singles([0], (g) => {
    const each = one === undefined ? weighted(n, g!.shares, s, w) : g!.shares;
    const size = sizeOf(n.arg(0).shape);
    const spread = stridedRead(n.ctx, each, [s.kh * s.kw, size], [0, 1]);
    if (each !== g!.shares) free(n.ctx, each);
    const image = scatter(n.ctx, spread, s);
    const like = summed(g!, overlapOf(n.attrs));
    if (one === undefined) return n.result(image, 2 * n.f, like);
    const fixed = (g!.fixed ?? 0) + log2(one);
    return n.result(image, n.f, { ...like, factor: g!.factor * one, key: `${g!.key}*w${n.id}`, fixed, by: integerOf(g!) });
  });
};

export const POOL: ReadonlyMap<string, Handler> = new Map(Object.entries({ maxPool2d, maxPool2dGrad, avgPool2d, avgPool2dGrad }));
