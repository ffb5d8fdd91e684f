/** @file Bounds of what the protocol can do: read by checks before a run, and by the code that runs, which clients do not load. */

/** Most elements that a sort takes: 78 layers of three steps. */
export const MAX_SORTED: number = 2 ** 12;
/** Most classes of a softmax: the steps of a tournament and of a quotient have room for these. */
export const MAX_CLASSES = 1024;
/** Largest argument of `exp`; results reach e^10 = 22026. */
export const EXP_TOP = 10;
/** |v| of a division in [2^lo, 2^hi). */
export const DIVISOR = { lo: -12, hi: 14 } as const;
/** v of roots and logarithms below 2^hi; from 2^lo on (sqrt: from 0). */
export const POSITIVE = { lo: -16, hi: 14 } as const;
/** Fraction bits of a root's argument where it has them: of a variance of 1e-4 that is 11 significant bits and not 3. */
export const ROOT_BITS = 24;
/** Exponents of `pow` that are roots and quotients. */
export const ROOT_POWERS: readonly number[] = [0.5, -0.5, -1];
export const MAX_POWER = 64;
/** Largest magnitude of another constant exponent: exp(k log x), whose relative error is k 2^-14. */
export const MAX_EXPONENT = 4;
/** log2 of the magnitude below which `gelu` by tanh is right: 0.0713 x^3 stays below 2^30. */
export const GELU_BITS = 11;
