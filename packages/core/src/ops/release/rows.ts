/**
 * @file Rows of what a private release is made of: a sum of clipped rows, and noise that parties add. They stand in the Program so that who
 * approves it approves the mechanism. A row of `clippedSum` is all that belongs to one unit (a person).
 */
import { expected, TacitError } from "../../errors.ts";
import { showAval } from "../../program/aval.ts";
import { checkKind, FLOAT } from "../check.ts";
import type { OpRow } from "../row.ts";
import { allocate } from "../walk.ts";
import { fractionOf } from "./fraction.ts";

/**
 * x [n, ...] to [...]: Σ_i x_i min(1, C / ‖x_i‖₂), C = numerator / 2^shift, each row's norm over all that follows axis 0.
 * No decomposition, on purpose: a device that cannot hold the bound must say so, and not run something that nearly does.
 */
const clippedSum: OpRow = {
  name: "clippedSum",
  arity: 1,
  attrs: ["numerator", "shift"],
  infer([x], attrs) {
    checkKind("clippedSum", x!, FLOAT);
    if (x!.shape.length === 0) expected("SHAPE_MISMATCH", "clippedSum", "rows, [n, ...]", showAval(x!));
    fractionOf("clippedSum", attrs);
    return { shape: x!.shape.slice(1), dtype: x!.dtype };
  },
  vmap() {
    throw new TacitError("VMAP_UNSUPPORTED", "clippedSum: expected to see all rows at once, got a slice for each example", {
      hint: "map the function that makes the rows, and sum what it gives",
    });
  },
  reference([x], _avals, attrs, out) {
    const bound = fractionOf("clippedSum", attrs);
    const y = allocate(out) as Float64Array;
    const total = new Float64Array(y.length);
    const rows = x as Float64Array;
    const width = y.length;
    for (let at = 0; width > 0 && at < rows.length; at += width) {
      let square = 0;
      for (let j = 0; j < width; j++) square += rows[at + j]! ** 2;
      const scale = Math.min(1, bound / Math.sqrt(square));
      for (let j = 0; j < width; j++) total[j]! += scale * rows[at + j]!;
    }
    y.set(total);
    return y;
  },
};

/**
 * x plus noise of which each party draws its own share: integers of mass ∝ e^(-k² / (2 s²)) in the least units of x, s the deviation
 * numerator / 2^shift of the value in those units. Two parties' noise has variance 2 s², three parties' 3 s². A device of one
 * machine has no parties, and an op table no exact sampler: it refuses.
 */
const partyNoise: OpRow = {
  name: "partyNoise",
  arity: 1,
  attrs: ["numerator", "shift"],
  refuses: true,
  infer([x], attrs) {
    fractionOf("partyNoise", attrs);
    if (x!.dtype !== "f32" && x!.dtype !== "f64" && x!.dtype !== "i32") {
      expected("DTYPE_UNSUPPORTED", "partyNoise", "f32, f64 or i32", showAval(x!));
    }
    return { shape: x!.shape, dtype: x!.dtype };
  },
  vmap() {
    throw new TacitError("VMAP_UNSUPPORTED", "partyNoise: expected one release, got one for each example", {
      hint: "noise is added once, to what all examples make together",
    });
  },
  reference() {
    throw new TacitError("DEVICE_UNSUPPORTED", "partyNoise: expected a session of parties, got one machine or a public value", {
      hint: "noise on a single machine is @tacit/privacy: mechanisms in queries, DP-SGD in training",
    });
  },
};

export const RELEASE_ROWS: readonly OpRow[] = [clippedSum, partyNoise];
