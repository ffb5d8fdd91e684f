/**
 * @file Tree aggregation (Kairouz et al. 2021, "Practical and Private (Deep) Learning without Sampling or Shuffling", algorithm 2): noise
 * for all prefix sums of a pass at once, for DP-FTRL.
 *
 * The steps of a pass are leaves of a binary tree; node (l, i) is the sum of the 2^l steps from i 2^l on. The sum of the first t steps is
 * that of the nodes in t's binary digits, each with noise N(0, (z K)²) of its own, drawn when the node is complete. What a step releases,
 * its gradient plus N_t - N_(t-1), N_t the noise of those nodes, is a function of noisy nodes and of nothing else.
 *
 * Neighbours are data sets of one public number of rows, where one row is replaced by another in its place (replace-one): the order does not
 * depend on the rows, so one leaf of a pass changes, by q' - q of norm at most 2 K. It is in at most h = ⌊log2 n⌋ + 1 complete nodes of n steps,
 * each of sensitivity 2 K: h adaptively chosen Gaussian mechanisms of multiplier z / 2, which are one of multiplier z / (2 √h) (the others
 * do not change). Not claimed: one row less (add-remove). All later rows would move on by a place, and with them every leaf.
 * Every pass has a tree of its own (restart), and so has what is left of a pass after a run was taken up again: each tree is accounted for.
 */
import { type Noise, noiseFor } from "./noise.ts";

/** h of the file comment. */
export const treeLevels = (steps: number): number => Math.floor(Math.log2(steps)) + 1;

export function treeNoise(noiseMultiplier: number, sensitivity: number): Noise {
  const addNoise = noiseFor(noiseMultiplier, sensitivity);
  let done = 0;
  /** Noise of the node at each level that is part of the present prefix; null where t has a 0. */
  let nodes: (readonly Float64Array[] | null)[] = [];
  return {
    restart(): void {
      done = 0;
      nodes = [];
    },
    add(sums): void {
      const fresh = sums.map((s) => new Float64Array(s.length));
      for (const f of fresh) addNoise(f);
      sums.forEach((s, i) => {
        for (let j = 0; j < s.length; j++) s[j]! += fresh[i]![j]!;
      });
      done++;
      // The new node ends at step `done`: it replaces the nodes at the levels below, whose steps are its own.
      let level = 0;
      for (let t = done; t % 2 === 0; t /= 2) level++;
      for (let l = 0; l < level; l++) {
        const old = nodes[l];
        if (old == null) continue;
        sums.forEach((s, i) => {
          for (let j = 0; j < s.length; j++) s[j]! -= old[i]![j]!;
        });
        nodes[l] = null;
      }
      nodes[level] = fresh;
    },
  };
}
