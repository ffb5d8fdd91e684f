/** @file The op table: every op of the catalogue, by name. A new op is a row in its family. */
import { ATTENTION_ROWS } from "./attention/rows.ts";
import { CONSTANT_ROWS } from "./constant/rows.ts";
import { CONV_ROWS } from "./conv/rows.ts";
import { ELEMENTWISE_ROWS } from "./elementwise/rows.ts";
import { INDEX_ROWS } from "./index/rows.ts";
import { LOSS_ROWS } from "./loss/rows.ts";
import { MATMUL_ROWS } from "./matmul/rows.ts";
import { MOVEMENT_ROWS } from "./movement/rows.ts";
import { NORM_ROWS } from "./norm/rows.ts";
import { POOL_ROWS } from "./pool/rows.ts";
import { RANDOM_ROWS } from "./random/rows.ts";
import { RECURRENT_ROWS } from "./recurrent/rows.ts";
import { REDUCE_ROWS } from "./reduce/rows.ts";
import { RELEASE_ROWS } from "./release/rows.ts";
import type { OpRow } from "./row.ts";
import { SPECIAL_ROWS } from "./special/rows.ts";

const FAMILIES: readonly (readonly OpRow[])[] = [
  ELEMENTWISE_ROWS,
  SPECIAL_ROWS,
  CONSTANT_ROWS,
  MATMUL_ROWS,
  CONV_ROWS,
  POOL_ROWS,
  REDUCE_ROWS,
  MOVEMENT_ROWS,
  INDEX_ROWS,
  LOSS_ROWS,
  NORM_ROWS,
  ATTENTION_ROWS,
  RANDOM_ROWS,
  RECURRENT_ROWS,
  RELEASE_ROWS,
];

/** All ops by name. */
export const OPS: ReadonlyMap<string, OpRow> = new Map(FAMILIES.flat().map((row) => [row.name, row]));
