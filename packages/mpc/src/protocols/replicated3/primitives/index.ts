/**
 * @file The primitives of replicated3, for a run of a Program.
 *
 * Rules. An op never frees or changes its arguments, except a Raw, which it consumes, and the target of stridedWrite. Results are
 * fresh regions that the caller frees (`free`). `id` is an immutable number from the Program (node * STEPS_PER_NODE + step), used once per run by
 * an interactive op (relu takes id and id + 1, signBits one more id for each follow-up); a used id throws OP_REUSED. Interactive ops may run at once (Promise.all): independent
 * ones share rounds.
 */
export { conjunction } from "./conjunction.ts";
export { Context, type ContextOptions, planPieces } from "./context.ts";
export {
  convGradInputPublic,
  convGradInputRaw,
  convGradWeightPublic,
  convGradWeightRaw,
  convPublic,
  convRaw,
} from "./convolution.ts";
export { bitsToArithmetic, inject, select } from "./inject.ts";
export {
  add,
  addColumn,
  addPublic,
  addRow,
  copy,
  free,
  fromPublic,
  mulPublicInteger,
  neg,
  notBits,
  type PublicValues,
  stridedRead,
  stridedWrite,
  sub,
  subColumn,
  subRow,
  sum,
  view,
  xorBits,
  zeros,
} from "./local.ts";
export { exactNoise, type NoiseSource, noiseShares } from "./noise.ts";
export { exportComponent, open } from "./open.ts";
export {
  addRaw,
  addToRaw,
  matmulPublic,
  matmulRaw,
  mulColumnRaw,
  mulRaw,
  mulRowRaw,
  type PublicOr,
  scaleRaw,
  splitRaw,
  sumRaw,
  toRaw,
} from "./products.ts";
export { Raw } from "./raw.ts";
export { relu, type SignOptions, type Signs, signBits, signBitsOn, type Width } from "./sign.ts";
export { reshare, type TruncatedSigns, truncate, truncateShares, truncateSigns } from "./truncate.ts";
export {
  bitBytes,
  type ConvShape,
  convOutput,
  type MatmulShape,
  type Piece,
  type Role,
  type Shares,
  type SplitBits,
} from "./values.ts";
