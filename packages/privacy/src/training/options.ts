/** @file The options of `makePrivate`, and their checks. */
import type { Tensor } from "@tacit/core";
import { type Batch, Dataset } from "@tacit/core/data";
import { kindOf, TacitError } from "@tacit/core/errors";
import type { Budget } from "../budgets/index.ts";
import { checkOptions, namesOf, refuse, whole } from "../check.ts";
import { neighboursOf, type SamplingName } from "./account.ts";
import { ADAPTIVE, type AdaptiveClipping } from "./adaptive.ts";
import type { Learner, Learning, Row } from "./example-program.ts";

/**
 * How rows are clipped: `flat`, all gradients of a row together to C; `per-layer`, those of each of L layers to C / √L; adaptive, flat with C
 * following a quantile of the norms.
 */
export type Clipping = "flat" | "per-layer" | AdaptiveClipping;

/** `optimizer`: any of core's, on the model's parameters: it sees noisy gradients only, so that any rule of it is private. */
export interface PrivateOptions<T extends Batch> extends Learner {
  /** The private rows, one for each unit (person): no row twice. */
  readonly data: Dataset<T>;
  /**
   * The public number of rows that rate and steps follow from: an expected size, known without the data. Default: how many `data` has, which
   * is thereby taken as public. Poisson sampling alone: passes take the number of rows as public in any case.
   */
  readonly rows?: number;
  /** The loss of one row: a batch of one comes in, one number goes out. `(x, y) => nn.crossEntropy(model(x), y)`. */
  readonly loss: (...row: Row<T>) => Tensor;
  /** z: the noise's standard deviation in units of C. Instead of `epsilon`. */
  readonly noiseMultiplier?: number;
  /** What all `epochs` may cost at `delta`: the least noise is found that keeps it. */
  readonly epsilon?: number;
  /** Below 1 / rows, and well below. */
  readonly delta: number;
  /** A δ of 1 / rows and more is meant: it allows to publish one row whole, chosen at random. */
  readonly allowLargeDelta?: boolean;
  /** The plan: how long `train()` runs, and the end. Needed with `epsilon`. */
  readonly epochs?: number;
  /** Expected rows of a step, a public number; the sum of a step is divided by it, whatever the sample's size. */
  readonly batch: number;
  /** Rows that are computed at once: memory and speed, not privacy. Default 64. */
  readonly physicalBatch?: number;
  /** C: the most that one row's gradient may measure in the 2-norm; where adaptive clipping begins. */
  readonly maxGradNorm: number;
  /** Default: flat. */
  readonly clipping?: Clipping;
  /**
   * `poisson` (default): DP-SGD, each row in each step with probability batch / rows; for add-remove neighbours. `passes`: DP-FTRL, rows in
   * the data set's own order, and no claim from sampling; for replace-one neighbours.
   */
  readonly sampling?: SamplingName;
  /** Where steps are written down before their noise is drawn, an epoch at a time. */
  readonly budget?: Budget;
  /** Whose rows these are, as the budget names the data set; needed with `budget`. */
  readonly dataset?: string;
  /** Whose privacy a row is, as the budget names it ("person"); needed with `budget`. That each row is another's is assumed. */
  readonly unit?: string;
  /** What the ledger says of it. Default: "training". */
  readonly purpose?: string;
}

const NAMES: readonly string[] = namesOf<PrivateOptions<Batch>>({
  model: true,
  optimizer: true,
  optimizerState: true,
  data: true,
  rows: true,
  loss: true,
  noiseMultiplier: true,
  epsilon: true,
  delta: true,
  allowLargeDelta: true,
  epochs: true,
  batch: true,
  physicalBatch: true,
  maxGradNorm: true,
  clipping: true,
  sampling: true,
  budget: true,
  dataset: true,
  unit: true,
  purpose: true,
});
const PER_LAYER = 'clipping: "per-layer"';
const HINTS = {
  ...Object.fromEntries(ADAPTIVE.map((name) => [name, `clipping: { kind: "adaptive", ${name} }`])),
  perLayer: PER_LAYER,
  lr: "of the optimizer",
  batchSize: "batch: the expected rows of a step",
  maxPhysicalBatchSize: "physicalBatch",
  targetEpsilon: "epsilon",
  targetDelta: "delta",
};

/** @throws TacitError PRIVACY_PARAMETER for a name that is none, and for what would change nothing */
export function checkNames<T extends Batch>(given: PrivateOptions<T>): void {
  checkOptions("makePrivate", given, NAMES, { names: HINTS });
  const { clipping, budget } = given;
  if (typeof clipping === "object" && clipping !== null && clipping.kind === "adaptive")
    checkOptions("makePrivate's clipping", clipping, ["kind", ...ADAPTIVE]);
  if (budget !== undefined) return;
  const idle = (["dataset", "unit", "purpose"] as const).find((name) => given[name] !== undefined);
  if (idle !== undefined)
    refuse(
      "makePrivate",
      `a budget beside ${idle}`,
      "none",
      "they say what a budget is charged for: without one nothing is written down",
    );
}

/** A run's own: whoever goes on writing to the objects that were given changes neither what was checked nor what is charged. */
export function copied<T extends Batch>(given: PrivateOptions<T>): PrivateOptions<T> {
  const { clipping } = given;
  return Object.freeze(typeof clipping === "object" ? { ...given, clipping: Object.freeze({ ...clipping }) } : { ...given });
}

/** @throws TacitError PRIVACY_SAMPLING for a loader; PRIVACY_PARAMETER */
export function checkData(data: unknown): void {
  if (data instanceof Dataset) {
    if (data.length === 0) refuse("makePrivate", "a data set with rows", "one without");
    return;
  }
  throw new TacitError("PRIVACY_SAMPLING", `makePrivate: expected a data set, got ${kindOf(data)}`, {
    hint: "give the data set itself: its rows are drawn here, by Poisson sampling; a loader's batches would not be the sample that is accounted for",
  });
}

/** What a private step here can move: numbers of this machine. @throws TacitError PRIVACY_PARAMETER, DEVICE_SECRET */
export function checkReadable(learning: Learning): void {
  for (const [name, p] of learning) {
    if (p.dtype !== "f32") refuse("makePrivate", "parameters of f32", `${p.dtype} at ${name}`);
    if (!p.device.readable) {
      throw new TacitError(
        "DEVICE_SECRET",
        `makePrivate: expected parameters that can be read here, got ${name} on ${p.device.name}`,
      );
    }
  }
}

/**
 * A budget is charged for its own data set, unit and neighbours alone.
 * @throws TacitError PRIVACY_PARAMETER; PRIVACY_NEIGHBOURS
 */
export function checkBudget<T extends Batch>({ budget, dataset, unit, sampling = "poisson" }: PrivateOptions<T>): void {
  if (budget === undefined) return;
  const terms = budget?.terms;
  if (terms === undefined) refuse("makePrivate", "a budget", kindOf(budget), "Budget.create makes one, Budget.open opens it");
  if (dataset === undefined || unit === undefined) {
    const hint = "say whose rows these are and whose privacy one row is: the budget is charged for these alone";
    refuse("makePrivate", "dataset and unit beside a budget", dataset === undefined ? "no dataset" : "no unit", hint);
  }
  if (terms.dataset !== dataset) refuse("makePrivate", `a budget of ${dataset}`, "another data set's");
  if (terms.unit !== unit) refuse("makePrivate", `a budget per ${unit}`, `one per ${terms.unit}`);
  const neighbours = neighboursOf(sampling);
  if (terms.neighbours === neighbours) return;
  const hint =
    sampling === "passes"
      ? "without one row all later rows of a pass move to other steps: passes count for a public number of rows, one of them replaced"
      : "Poisson samples are accounted for one row more or less";
  throw new TacitError(
    "PRIVACY_NEIGHBOURS",
    `makePrivate: expected a budget for ${neighbours} neighbours with ${sampling}, got one for ${terms.neighbours}`,
    { hint },
  );
}

/** The largest chunk: beyond, the grid would be coarse. */
const MOST_PHYSICAL = 1024;

/** The public number of rows. @throws TacitError PRIVACY_PARAMETER */
export function publicRows<T extends Batch>({ rows, data, sampling }: PrivateOptions<T>): number {
  if (rows === undefined) return data.length;
  whole("makePrivate", "rows", rows);
  if (sampling === "passes" && rows !== data.length)
    refuse("makePrivate", "rows with Poisson sampling, or as many as there are", "others with passes", "a pass visits every row");
  return rows;
}

/** @throws TacitError PRIVACY_PARAMETER */
export function checkSizes(rows: number, batch: number, physicalBatch: number, sampling: unknown): void {
  whole("makePrivate", "batch", batch);
  if (batch > rows) refuse("makePrivate", `a batch of at most ${rows} rows`, `${batch}`);
  whole("makePrivate", "physicalBatch", physicalBatch);
  if (physicalBatch > MOST_PHYSICAL) refuse("makePrivate", `a physicalBatch of at most ${MOST_PHYSICAL}`, `${physicalBatch}`);
  if (sampling !== "poisson" && sampling !== "passes") {
    throw new TacitError("PRIVACY_SAMPLING", 'makePrivate: expected sampling "poisson" or "passes", got another', {
      hint: "shuffled batches have no amplification that is accounted here: passes claims none and adds tree noise",
    });
  }
}
