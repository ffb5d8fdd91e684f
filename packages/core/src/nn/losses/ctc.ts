/** @file Connectionist temporal classification (Graves et al. 2006): the forward algorithm on logarithms, as a chain of ops. */
import { expected } from "../../errors.ts";
import { showAval } from "../../program/aval.ts";
import { DTYPE } from "../../program/dtype.ts";
import { cat } from "../../tensor/functions.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { checkRange, isIndex, type LossOptions, reduce } from "./reduce.ts";

export interface CtcOptions extends LossOptions {
  /** The class that stands for "no label"; 0 unless said. */
  readonly blank?: number;
  /** Whether an alignment that is impossible (a target longer than its input allows) costs 0 instead of Infinity. */
  readonly zeroInfinity?: boolean;
}

/**
 * The logarithm of an impossible alignment. Finite, so that no difference of two of them is NaN; far below the logarithm of every possible one
 * (10^5 steps at a probability of 10^-300 give -7·10^7), far from overflow when thousands are added.
 */
const NEVER = -1e30;

interface Ctc {
  readonly steps: number;
  readonly batch: number;
  readonly classes: number;
  readonly blank: number;
}

const ctcFault = (want: string, got: string, hint?: string): never => expected("SHAPE_MISMATCH", "ctcLoss", want, got, hint);

function checkLengths(what: string, lengths: readonly number[], batch: number, least: number, most: number): void {
  if (lengths.length !== batch) ctcFault(`${batch} ${what}`, `${lengths.length}`);
  const bad = lengths.find((n) => !Number.isInteger(n) || n < least || n > most);
  if (bad !== undefined) expected("ARGUMENT_INVALID", "ctcLoss", `${what} in ${least}..${most}`, `${bad}`);
}

/** A vector that is an input of the Program, so that its id does not depend on the lengths. */
const column = (values: readonly number[]): Tensor => Tensor.from(Int32Array.from(values), [values.length, 1], { public: true });

/** Targets one after another as rows [N, S], S the longest. */
function padded(targets: Tensor, lengths: readonly number[]): Tensor {
  const width = Math.max(...lengths, 0);
  const total = lengths.reduce((a, b) => a + b, 0);
  if (targets.shape[0] !== total) ctcFault(`${total} labels, the sum of the target lengths`, showAval(targets));
  const at: number[] = [];
  let first = 0;
  for (const n of lengths) {
    for (let k = 0; k < width; k++) at.push(Math.min(first + Math.min(k, Math.max(n - 1, 0)), total - 1));
    first += n;
  }
  const index = Tensor.from(Int32Array.from(at), [at.length], { public: true });
  return total === 0 ? targets.reshape(lengths.length, 0) : targets.indexSelect(0, index).reshape(lengths.length, width);
}

/** Labels with blanks around each: [N, 2S + 1]. What stands behind a target's end is blank. */
function extended(labels: Tensor, lengths: Tensor, { batch, blank }: Ctc): Tensor {
  const size = labels.shape[1]!;
  const blanks = Tensor.from(new Int32Array(batch).fill(blank), [batch, 1], { public: true });
  if (size === 0) return blanks;
  const places = Tensor.from(
    Int32Array.from({ length: size }, (_, k) => k),
    [1, size],
    { public: true },
  );
  const clean = labels.maskedFill(places.ge(lengths), blank).unsqueeze(2);
  const between = cat([blanks.unsqueeze(1).expand(batch, size, 1), clean], 2).reshape(batch, 2 * size);
  return cat([between, blanks], 1);
}

/** The slices of x along dimension 0, by halves: a gradient of n slices is then n·log n long, not n². */
function slices(x: Tensor): Tensor[] {
  const n = x.shape[0]!;
  if (n === 1) return [x.reshape(x.shape.slice(1))];
  const half = Math.ceil(n / 2);
  return [...slices(x.narrow(0, 0, half)), ...slices(x.narrow(0, half, n - half))];
}

/** log Σ exp of tensors of one shape. */
function logAdd(parts: readonly Tensor[]): Tensor {
  const top = parts.reduce((a, b) => a.maximum(b)).detach();
  const sum = parts.map((p) => p.sub(top).exp()).reduce((a, b) => a.add(b));
  return sum.log().add(top);
}

/** x moved right by `by` along dimension 1, NEVER in front. */
function shifted(x: Tensor, by: number): Tensor {
  const [n, width] = x.shape as [number, number];
  const front = Tensor.from(DTYPE[x.dtype].make(1).fill(NEVER as never) as Float32Array, [1, 1], {
    dtype: x.dtype,
    public: true,
  });
  return cat([front.expand(n, by), x.narrow(1, 0, width - by)], 1);
}

/** log of the probability of all alignments: [N]. */
function forward(logProbs: Tensor, labels: Tensor, inputs: Tensor, targets: Tensor, ctc: Ctc): Tensor {
  const { steps, batch, blank } = ctc;
  const path = extended(labels, targets, ctc);
  const width = path.shape[1]!;
  const emitted = slices(logProbs.gather(2, path.unsqueeze(0).expand(steps, batch, width)).clamp(NEVER));
  // Two places further only onto a label, and not from the same one.
  const skips = width > 2 ? skipping(path, blank) : null;
  const start = Tensor.from(
    Int32Array.from({ length: width }, (_, s) => s),
    [1, width],
    { public: true },
  );
  let alpha = emitted[0]!.maskedFill(start.gt(1), NEVER);
  for (let t = 1; t < steps; t++) {
    const ways = [alpha];
    if (width > 1) ways.push(shifted(alpha, 1));
    if (skips !== null) ways.push(shifted(alpha, 2).maskedFill(skips, NEVER));
    alpha = logAdd(ways).add(emitted[t]!).where(inputs.gt(t), alpha);
  }
  const last = alpha.gather(1, targets.mul(2));
  const label = alpha.gather(1, targets.mul(2).sub(1).maximum(0)).maskedFill(targets.eq(0), NEVER);
  return logAdd([last, label]).reshape(batch);
}

/** Where a path must not skip a place: [N, L]. */
function skipping(path: Tensor, blank: number): Tensor {
  const [n, width] = path.shape as [number, number];
  const blanks = Tensor.from(Int32Array.of(blank), [1, 1], { public: true }).expand(n, 2);
  const former = cat([blanks, path.narrow(1, 0, width - 2)], 1);
  return path.eq(blank).logicalOr(path.eq(former));
}

/**
 * Negative log likelihood of label sequences under log-probabilities [T, N, C] ([T, C] for one sequence), as `logSoftmax(2)` gives them:
 * summed over all alignments. Targets: class indices [N, S], padded with anything, or all sequences one after another [ΣS]. The mean is
 * over the batch, of each loss over its target's length. An impossible alignment costs Infinity and gives no gradient.
 * The gradient is that of the value; PyTorch's differs by the softmax of the input, which vanishes behind logSoftmax.
 * @throws SHAPE_MISMATCH, DTYPE_MISMATCH, ARGUMENT_INVALID for lengths outside, LABEL_OUT_OF_RANGE
 */
export function ctcLoss(
  logProbs: Tensor,
  targets: Tensor,
  inputLengths: readonly number[],
  targetLengths: readonly number[],
  options: CtcOptions = {},
): Tensor {
  if (logProbs.ndim === 2) {
    const labels = targets.ndim === 1 ? targets.unsqueeze(0) : targets;
    const loss = ctcLoss(logProbs.unsqueeze(1), labels, inputLengths, targetLengths, options);
    return options.reduction === "none" ? loss.reshape([]) : loss;
  }
  if (logProbs.ndim !== 3 || !DTYPE[logProbs.dtype].float || logProbs.shape[0] === 0) {
    ctcFault("float log-probabilities [T,N,C] with T of at least 1", showAval(logProbs));
  }
  const [steps, batch, classes] = logProbs.shape as [number, number, number];
  const { blank = 0, reduction = "mean" } = options;
  if (!Number.isInteger(blank) || blank < 0 || blank >= classes) {
    expected("ARGUMENT_INVALID", "ctcLoss", `blank in 0..${classes - 1}`, `${blank}`);
  }
  if (!isIndex(targets))
    expected("DTYPE_MISMATCH", "ctcLoss", "class indices i32", showAval(targets), "convert with labels.int()");
  if (targets.ndim !== 1 && (targets.ndim !== 2 || targets.shape[0] !== batch)) {
    ctcFault(`targets [${batch},S] or one after another`, showAval(targets));
  }
  checkLengths("input lengths", inputLengths, batch, 1, steps);
  checkLengths("target lengths", targetLengths, batch, 0, targets.ndim === 2 ? targets.shape[1]! : targets.numel);
  if (targets.ndim === 1) checkRange("ctcLoss", targets, classes);
  const list = targets.cast("i32");
  const labels = list.ndim === 1 ? padded(list, targetLengths) : list;
  const lengths = column(targetLengths);
  const losses = forward(logProbs, labels, column(inputLengths), lengths, { steps, batch, classes, blank }).neg();
  const impossible = losses.gt(-NEVER / 10);
  const finite = losses.maskedFill(impossible, options.zeroInfinity ? 0 : Number.POSITIVE_INFINITY);
  if (reduction !== "mean") return reduce(finite, options);
  return finite.div(lengths.maximum(1).reshape(batch).cast(logProbs.dtype)).mean();
}
