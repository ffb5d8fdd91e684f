/** @file Raw: a 3-of-3 additive sharing of products. Linear: exactly one consumer, or a party would learn x from c and z_2. */
import { TacitError } from "@tacit/core/errors";
import type { Context } from "./context.ts";

/**
 * z_0 + z_1 + z_2 = x, party i holds z_i, a function of its own shares and not re-randomised: it leaves the party only through
 * `truncate` or `reshare`, which add a zero-share. A raw product both truncated and re-shared would give role 1 both
 * z_0 + z_1 and z_2, hence x; therefore the first consumer takes it, and a second one throws RAW_CONSUMED.
 */
export class Raw {
  readonly n: number;
  readonly depth: number;
  readonly #at: number;
  #consumed = false;

  constructor(at: number, n: number, depth: number) {
    this.#at = at;
    this.n = n;
    this.depth = depth;
  }

  /** The address of z_i; the caller owns the region from now on. */
  take(op: string): number {
    if (this.#consumed) {
      const hint = "a raw product is truncated or re-shared, once";
      throw new TacitError("RAW_CONSUMED", `${op}: expected a raw product, got one already consumed`, { hint });
    }
    this.#consumed = true;
    return this.#at;
  }

  /** Throws it away. */
  drop(ctx: Context): void {
    ctx.release(this.take("free"));
  }
}
