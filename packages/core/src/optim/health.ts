/** @file Health: looks at each loss after its step (NaN, growth) and at parameters that no gradient reaches. */
import { activity } from "../debug/activity.ts";
import { lineOf, type Site } from "../debug/site.ts";
import { warnOnce } from "../debug/warn.ts";
import { TacitError } from "../errors.ts";
import type { Expr } from "../expr.ts";

/** A loss of GROWTH times the measure, ON_END times on end, is no noise. The measure: the largest loss but for the last LAG ones. */
const FIRST = 5;
const GROWTH = 10;
const ON_END = 5;
/** A loss that grows slower, by returns that rise (REINFORCE), is no divergence. */
const LAG = 20;
/** Losses below are no measure: those of sparse rewards, or of a phase before another one. */
const LEAST = 0.1;
/** A rate that is wild from the first step on spoils the measure: then the first loss alone is it, for longer, unless it is luck. */
const WILD_ON_END = 8;

/** In so many steps every used parameter has met a gradient. */
const PATIENCE = 5;

/** Watches the losses of one optimizer. */
export class Health {
  private seen = 0;
  private first = 0;
  private measure = 0;
  private above = 0;
  private wild = 0;
  /** The last LAG losses, in a ring. */
  private readonly recent = new Float64Array(LAG);

  /**
   * The loss of step `step`, where it can be read. @throws LOSS_NOT_FINITE when it is NaN or infinite: the update has happened by then
   */
  see(value: number, step: number, site: Site | null): void {
    if (!Number.isFinite(value)) {
      throw new TacitError("LOSS_NOT_FINITE", `step ${step}: expected a finite loss, got ${value}`, {
        at: lineOf(site),
        hint: "lower the learning rate, look for NaN in the data, and go on from the last checkpoint: the parameters are spoilt; debug.detectAnomaly() finds the op",
      });
    }
    const at = this.seen % LAG;
    if (this.seen++ === 0) this.first = value;
    this.wild = this.seen <= LAG && this.first >= LEAST && value > GROWTH * this.first ? this.wild + 1 : 0;
    if (this.seen <= FIRST) this.measure = Math.max(this.measure, LEAST, value);
    else this.above = value > GROWTH * this.measure ? this.above + 1 : 0;
    this.measure = Math.max(this.measure, this.recent[at]!);
    this.recent[at] = value;
    if (this.above === ON_END) diverges(step, this.measure, ON_END);
    else if (this.wild === WILD_ON_END) diverges(step, this.first, WILD_ON_END);
  }
}

function diverges(step: number, from: number, times: number): void {
  const message = `step ${step}: expected losses that fall from ${from.toPrecision(3)}, got ${times} on end above ${GROWTH} times that`;
  warnOnce("LOSS_DIVERGES", message, "lower the learning rate by a factor of 10 or more");
}

/** Says which of the parameters that learn no gradient has reached in any of the first steps. `missed`: by name, in how many. */
export function warnUnused(step: number, learning: readonly string[], missed: ReadonlyMap<string, number>): void {
  if (step !== PATIENCE) return;
  const names = learning.filter((name) => (missed.get(name) ?? 0) >= PATIENCE);
  if (names.length === 0) return;
  const shown = names.length > 5 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ");
  warnOnce(
    "PARAMETER_UNUSED",
    `step ${step}: expected a gradient at every parameter, got none yet at ${shown}`,
    "use them in forward, look for a detach() or noGrad() on their way to the loss, or leave them out of the optimizer",
  );
}

/** The loss of the last `backward()`, once. */
export function takeLoss(): Expr | null {
  const { loss } = activity;
  activity.loss = null;
  return loss;
}
