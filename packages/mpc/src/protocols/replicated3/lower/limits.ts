/** @file Conditions of ops beyond having a handler: why a node cannot run as bound, or undefined. Read by check only. */
import type { Node } from "@tacit/core/program";
import { DTYPE, fractionOf, sizeOf } from "@tacit/core/program";
import { MAX_CLASSES, MAX_EXPONENT, MAX_POWER, MAX_SORTED, ROOT_POWERS } from "../bounds.ts";
import { clipSteps } from "../functions/clip-steps.ts";
import type { Plan } from "./plan.ts";
import { foldedOf, PRODUCT_BITS, productsOf } from "./size.ts";

/** `f`: fraction bits of the session. */
export type Limit = (plan: Plan, node: Node, f: number) => string | undefined;

const isSecret = (plan: Plan, id: number): boolean => plan.knowledge[id] === "secret";

/** Most products that an element adds up: 2^24 of an average of 2^6 reach 2^30, where fixed point ends. */
const MAX_PRODUCTS = 2 ** 24;
const countLimit = (count: number): string | undefined =>
  count <= MAX_PRODUCTS ? undefined : `at most 2^24 products in a sum, not ${count}`;

const contractionLimit: Limit = (plan, node, f) => floatOnly(plan, node, f) ?? countLimit(productsOf(plan.program, node)!);

/** Of products; a sum of plain shares has 2^46. */
const sumLimit: Limit = (plan, node) =>
  plan.sizes[node.args[0]!]!.before >= PRODUCT_BITS ? countLimit(foldedOf(plan.program, node)) : undefined;

/** Products of integers have no bound that fits fixed point. */
const floatOnly: Limit = (plan, node) =>
  node.args.every((a) => DTYPE[plan.program.aval(a).dtype].float) ? undefined : "secret arguments are f32";

/** Bits of integers have no protocol; those of bools are integers 0 and 1. */
const boolOnly: Limit = (plan, node) =>
  node.args.every((a) => plan.program.aval(a).dtype === "bool") ? undefined : "secret arguments are bool";

/** Why a constant of the Program beside secrets is out of range; a scalar factor may be larger. */
export const constantLimit: Limit = (plan, node) => {
  if (node.op === "mul" || node.op === "div") return undefined;
  const large = (v: number | bigint): boolean => !(Math.abs(Number(v)) < 2 ** CONSTANT_BITS);
  const found = node.args.some((a) => DTYPE[plan.program.aval(a).dtype].float && plan.fixed.get(a)?.some(large));
  return found ? `a constant is infinite or 2^${CONSTANT_BITS} at least` : undefined;
};
/** A float becomes a ring integer of 16 fraction bits below 2^53 (fixed-point.ts). */
const CONSTANT_BITS = 37;

const castLimit: Limit = (plan, node) => {
  const from = plan.program.aval(node.args[0]!).dtype;
  if (from === node.aval.dtype || from === "bool" || (from === "i32" && node.aval.dtype === "f32")) return undefined;
  return `a secret ${from} does not become ${node.aval.dtype}: rounding it needs a protocol of its own`;
};

const publicArgs =
  (...indices: readonly number[]): Limit =>
  (plan, node) =>
    indices.some((i) => isSecret(plan, node.args[i]!)) ? "indices must be public" : undefined;

/** A gather by secret places adds an axis, and a strided copy has six. */
const gatherLimit: Limit = (plan, node) => {
  const [x, index] = node.args as [number, number];
  const rank = plan.program.aval(x).shape.length;
  return isSecret(plan, index) && rank > 5 ? `secret indices for at most 5 axes, not ${rank}` : undefined;
};

const sortLimit: Limit = (plan, node) => {
  const n = plan.program.aval(node.args[0]!).shape[node.attrs[0]!]!;
  return n <= MAX_SORTED ? undefined : `an axis of at most ${MAX_SORTED}, not ${n}`;
};

/** Exponents known from the Program. */
const powLimit: Limit = (plan, node) => {
  if (!DTYPE[node.aval.dtype].float) return "secret arguments are f32";
  const values = plan.fixed.get(node.args[1]!);
  const k = Number(values?.[0]);
  const whole = ROOT_POWERS.includes(k) || (Number.isInteger(k) && k >= 0 && k <= MAX_POWER);
  if (values?.every((v) => Number(v) === k) && (whole || Math.abs(k) <= MAX_EXPONENT)) return undefined;
  return `the exponent must be a constant of the program: an integer of 0 to ${MAX_POWER}, or any of magnitude ${MAX_EXPONENT} at most`;
};

const classLimit: Limit = (plan, node) => {
  const classes = plan.program.aval(node.args[0]!).shape[node.attrs[0] ?? 1]!;
  return classes >= 1 && classes <= MAX_CLASSES ? undefined : `1 to ${MAX_CLASSES} classes, not ${classes}`;
};

/** Steps 30 to 44 route the winner back through a tournament. */
const MAX_PLACES = 2 ** 15;
const placeLimit: Limit = (plan, node) => {
  const places = plan.program.aval(node.args[0]!).shape[node.attrs[0]!]!;
  return places <= MAX_PLACES ? undefined : `an axis of at most ${MAX_PLACES}, not ${places}`;
};

/** Deviations of a party's noise in ring units: of less than 1 the account would be that of tau alone; the sampler's tables end at 2^45. */
const [LEAST_NOISE, MOST_NOISE] = [1, 2 ** 45];
const noiseLimit: Limit = (_plan, node, f) => {
  const units = fractionOf(node.op, node.attrs) * (DTYPE[node.aval.dtype].float ? 2 ** f : 1);
  return units >= LEAST_NOISE && units <= MOST_NOISE ? undefined : "noise of a deviation from 1 to 2^45 least units of the value";
};

const clipLimit: Limit = (plan, node, f) => {
  const steps = clipSteps(node.attrs as [number, number], sizeOf(node.aval.shape), f);
  return floatOnly(plan, node, f) ?? (typeof steps === "string" ? steps : undefined);
};

export const LIMITS: ReadonlyMap<string, Limit> = new Map(
  Object.entries({
    matmul: contractionLimit,
    conv2d: contractionLimit,
    conv2dGradInput: contractionLimit,
    conv2dGradWeight: contractionLimit,
    sum: sumLimit,
    mul: floatOnly,
    div: floatOnly,
    bitAnd: boolOnly,
    bitOr: boolOnly,
    bitXor: boolOnly,
    all: boolOnly,
    any: boolOnly,
    prod: floatOnly,
    relu: floatOnly,
    reluGrad: floatOnly,
    cast: castLimit,
    pow: powLimit,
    argmax: placeLimit,
    argmin: placeLimit,
    softmax: classLimit,
    logSoftmax: classLimit,
    softmaxCrossEntropy: classLimit,
    softmaxCrossEntropyGrad: classLimit,
    gather: gatherLimit,
    scatterAdd: gatherLimit,
    scatter: publicArgs(1),
    sort: sortLimit,
    clippedSum: clipLimit,
    partyNoise: noiseLimit,
    argsort: sortLimit,
  }),
);
