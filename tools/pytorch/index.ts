/** @file The families of docs/pytorch.md, in its order. */
import type { Family } from "./family.ts";
import { FUNCTIONAL, INIT, LAYERS, LOSSES, MODULE, UTILS } from "./nn.ts";
import { CREATION, LINALG, TENSOR } from "./tensor.ts";
import { DATA, DISTRIBUTIONS, FUNC, IO, OPTIM, SCHEDULES, VISION } from "./training.ts";

export const FAMILIES: readonly Family[] = [
  TENSOR,
  CREATION,
  LINALG,
  LAYERS,
  LOSSES,
  FUNCTIONAL,
  INIT,
  UTILS,
  MODULE,
  OPTIM,
  SCHEDULES,
  DATA,
  IO,
  FUNC,
  DISTRIBUTIONS,
  VISION,
];
