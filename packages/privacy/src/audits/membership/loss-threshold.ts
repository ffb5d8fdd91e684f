/** @file The loss threshold (Yeom, Giacomelli, Fredrikson, Jha 2018): whose loss is small was trained on. */
import { finite, type Scores } from "../check.ts";
import { clopperPearson, type Interval } from "../statistics/binomial.ts";
import { type Roc, type RocOptions, roc } from "./roc.ts";

/** The attack at one threshold. */
export interface ThresholdAttack {
  /** The mean loss of the members, which whoever publishes a model often publishes too. */
  readonly threshold: number;
  readonly tpr: number;
  readonly tprInterval: Interval;
  readonly fpr: number;
  readonly fprInterval: Interval;
  /** TPR - FPR. */
  readonly advantage: number;
}

export interface LossAttack {
  readonly curve: Roc;
  /** Yeom's own threshold. */
  readonly yeom: ThresholdAttack;
}

/**
 * Membership inference by the loss alone, with one threshold for all examples.
 * @param members losses of examples that were trained on
 * @param nonMembers losses of others from the same population
 * @throws TacitError PRIVACY_AUDIT_DATA
 */
export function lossThreshold(members: Scores, nonMembers: Scores, options: RocOptions = {}): LossAttack {
  const mine = finite("membership", "losses of members", members, 2);
  const others = finite("membership", "losses of non-members", nonMembers, 2);
  const curve = roc(
    mine.map((v) => -v),
    others.map((v) => -v),
    options,
  );
  const threshold = mine.reduce((a, b) => a + b, 0) / mine.length;
  const under = (losses: Float64Array): number => losses.reduce((n, v) => n + (v <= threshold ? 1 : 0), 0);
  const [hits, alarms] = [under(mine), under(others)];
  const [tpr, fpr] = [hits / mine.length, alarms / others.length];
  const yeom = {
    threshold,
    tpr,
    tprInterval: clopperPearson(hits, mine.length, curve.confidence),
    fpr,
    fprInterval: clopperPearson(alarms, others.length, curve.confidence),
    advantage: tpr - fpr,
  };
  return { curve, yeom };
}
