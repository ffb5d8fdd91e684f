/** @file @tacit/privacy/audits: attacks that measure what a model, an update or a build gives away. A folder each. */
export type { Scores } from "./check.ts";
export * from "./exposure/index.ts";
export * from "./inversion/index.ts";
export * from "./membership/index.ts";
export * from "./one-run/index.ts";
export { clopperPearson, type Interval } from "./statistics/binomial.ts";
export { type Kolmogorov, kolmogorov } from "./statistics/kolmogorov.ts";
