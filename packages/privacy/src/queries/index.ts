/** @file Queries on tables: one list. */

export {
  type BooleanColumn,
  boolean,
  type CategoryColumn,
  type Column,
  type Columns,
  category,
  integer,
  type NumberColumn,
  type NumberOptions,
  number,
  type TextColumn,
  text,
} from "./columns.ts";
export { type CountAnswer, type CountOptions, count } from "./count.ts";
export { type Cell, type HistogramOptions, histogram } from "./histogram.ts";
export type { Interval, QueryOptions } from "./integers.ts";
export { type MeanAnswer, mean } from "./mean.ts";
export type { Change, Noise, Part } from "./noise.ts";
export { type Quantile, type QuantilesOptions, quantiles } from "./quantiles.ts";
export { type Cost, type ErrorBound, Query, Reserved } from "./query.ts";
export { type Coefficient, linearRegression, type RegressionAnswer, type RegressionOptions } from "./regression/linear.ts";
export { type SumAnswer, sum } from "./sum.ts";
export { PrivateTable, privateCsv, privateTable, type TableInput, type TableTerms, type Unit } from "./table.ts";
export { type TopAnswer, type TopOptions, topKeys } from "./top-k.ts";
export { type UnknownKeysAnswer, type UnknownKeysOptions, unknownKeys } from "./unknown-keys.ts";
export { type VarianceAnswer, variance } from "./variance.ts";
export type { Where } from "./where.ts";
