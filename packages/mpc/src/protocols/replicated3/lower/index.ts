/** @file The one list of ops that run on shares. A new op is a handler in its family, and its name in ops.ts. */
import { ELEMENTWISE } from "./elementwise.ts";
import { FUNCTIONS } from "./functions.ts";
import { GATHER } from "./gather.ts";
import { LINEAR } from "./linear.ts";
import { LOGIC } from "./logic.ts";
import { MOVEMENT } from "./movement.ts";
import { POOL } from "./pool.ts";
import { REDUCE } from "./reduce.ts";
import { RELEASE } from "./release.ts";
import type { Handler } from "./run.ts";
import { SOFTMAX } from "./softmax.ts";
import { SORT } from "./sort.ts";

export const HANDLERS: ReadonlyMap<string, Handler> = new Map(
  [LINEAR, MOVEMENT, ELEMENTWISE, POOL, REDUCE, SOFTMAX, FUNCTIONS, GATHER, SORT, LOGIC, RELEASE].flatMap((family) => [
    ...family,
  ]),
);
