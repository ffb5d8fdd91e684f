/** @file Activity: what the program did last with its values, counted, so that mistakes which only a sequence shows can be told. */
import type { Expr } from "../expr.ts";

/** Counts since start, and the last scalar from which a gradient was pulled into `.grad`. */
export const activity: { reads: number; gradients: number; loss: Expr | null; onRead: (() => void) | null } = {
  /** Values read by the host. */
  reads: 0,
  /** Gradients asked for: each `backward()`, `step(loss)` or `grad`. */
  gradients: 0,
  loss: null,
  /** Told of the next read, once. */
  onRead: null,
};
