/** @file One entry for every layer, activation and loss of nn. */
import { type Random, randn, Tensor, tensor } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import type { Subject } from "./probe.ts";

type Make = (random: Random) => Subject;
type Forward = nn.Module & { forward(x: Tensor): Tensor };

/** A layer of one input. */
const layer =
  (shape: readonly number[], make: (options: { readonly random: Random }) => nn.Module): Make =>
  (random) => {
    const module = make({ random });
    return { f: (x) => (module as Forward).forward(x), module, inputs: [randn([...shape], random)] };
  };

const IMAGE = [2, 2, 4, 4];
const SIGNAL = [2, 2, 6];
const ROWS = [3, 4];

const ints = (values: readonly number[], shape: readonly number[]): Tensor => Tensor.from(Int32Array.from(values), shape);

export const ACTIVATIONS: Readonly<Record<string, Make>> = Object.fromEntries(
  (
    "relu sigmoid tanh gelu softmax logSoftmax softmin elu selu celu hardshrink softshrink hardsigmoid hardtanh hardswish relu6 " +
    "leakyRelu logSigmoid prelu silu mish softplus softsign tanhshrink glu rrelu"
  )
    .split(" ")
    .map((name): [string, Make] => [name, layer(ROWS, () => (nn as unknown as Record<string, () => nn.Module>)[name]!())]),
);

/** A layer of one input whose result is a list: the first counts. */
const recurrent =
  (make: (options: { readonly random: Random }) => nn.Module): Make =>
  (random) => {
    const module = make({ random });
    const call = module as nn.Module & { forward(x: Tensor): readonly [Tensor, ...unknown[]] };
    return { f: (x) => call.forward(x)[0], module, inputs: [randn([3, 2, 4], random)] };
  };

const cell =
  (make: (options: { readonly random: Random }) => nn.Module): Make =>
  (random) => {
    const module = make({ random });
    const call = module as nn.Module & { forward(x: Tensor): Tensor | readonly Tensor[] };
    return { f: (x) => [call.forward(x)].flat()[0] as Tensor, module, inputs: [randn(ROWS, random)] };
  };

const encoder: Make = (random) => {
  const module = nn.transformerEncoderLayer(4, 2, { dimFeedforward: 5, dropout: 0, batchFirst: true, random });
  return { f: (x) => module.forward(x, { isCausal: true }), module, inputs: [randn([2, 3, 4], random)] };
};
const decoder: Make = (random) => {
  const module = nn.transformerDecoderLayer(4, 2, { dimFeedforward: 5, dropout: 0, batchFirst: true, random });
  return { f: (x, memory) => module.forward(x, memory!), module, inputs: [randn([2, 3, 4], random), randn([2, 2, 4], random)] };
};
const multihead: Make = (random) => {
  const module = nn.multiheadAttention(4, 2, { batchFirst: true, random });
  return { f: (x) => module.forward(x, x, x)[0]!, module, inputs: [randn([2, 3, 4], random)] };
};
const tokens =
  (make: (options: { readonly random: Random }) => nn.Module): Make =>
  (random) => {
    const module = make({ random });
    return { f: (i) => (module as Forward).forward(i), module, inputs: [ints([1, 4, 0, 2, 1, 3], [2, 3])] };
  };

const attention =
  (options: () => nn.AttentionOptions): Make =>
  (random) => ({
    f: (q, k, v) => nn.scaledDotProductAttention(q, k!, v!, options()),
    inputs: [randn([2, 3, 4], random), randn([2, 3, 4], random), randn([2, 3, 2], random)],
  });
/** Key 2 is padding; the mask is public, as lengths are. */
const padding = (): nn.AttentionOptions => ({
  attnMask: Tensor.from(Uint8Array.of(1, 1, 0), [1, 3], { dtype: "bool", public: true }),
});

export const LAYERS: Readonly<Record<string, Make>> = {
  linear: layer(ROWS, (o) => nn.linear(4, 3, o)),
  conv1d: layer(SIGNAL, (o) => nn.conv1d(2, 3, 3, o)),
  conv2d: layer(IMAGE, (o) => nn.conv2d(2, 3, 3, o)),
  convTranspose1d: layer(SIGNAL, (o) => nn.convTranspose1d(2, 3, 3, o)),
  convTranspose2d: layer(IMAGE, (o) => nn.convTranspose2d(2, 3, 3, o)),
  batchNorm1d: layer([6, 4], () => nn.batchNorm1d(4)),
  batchNorm2d: layer(IMAGE, () => nn.batchNorm2d(2)),
  layerNorm: layer(ROWS, () => nn.layerNorm(4)),
  rmsNorm: layer(ROWS, () => nn.rmsNorm(4)),
  groupNorm: layer(IMAGE, () => nn.groupNorm(2, 2)),
  instanceNorm1d: layer(SIGNAL, () => nn.instanceNorm1d(2)),
  instanceNorm2d: layer(IMAGE, () => nn.instanceNorm2d(2)),
  localResponseNorm: layer(IMAGE, () => nn.localResponseNorm(2)),
  dropout: layer(ROWS, (o) => nn.dropout(0.5, o)),
  dropout1d: layer(SIGNAL, (o) => nn.dropout1d(0.5, o)),
  dropout2d: layer(IMAGE, (o) => nn.dropout2d(0.5, o)),
  alphaDropout: layer(ROWS, (o) => nn.alphaDropout(0.5, o)),
  featureAlphaDropout: layer(IMAGE, (o) => nn.featureAlphaDropout(0.5, o)),
  maxPool1d: layer(SIGNAL, () => nn.maxPool1d(2)),
  maxPool2d: layer(IMAGE, () => nn.maxPool2d(2)),
  avgPool1d: layer(SIGNAL, () => nn.avgPool1d(2)),
  avgPool2d: layer(IMAGE, () => nn.avgPool2d(2)),
  adaptiveAvgPool1d: layer(SIGNAL, () => nn.adaptiveAvgPool1d(2)),
  adaptiveAvgPool2d: layer(IMAGE, () => nn.adaptiveAvgPool2d(2)),
  adaptiveMaxPool1d: layer(SIGNAL, () => nn.adaptiveMaxPool1d(2)),
  adaptiveMaxPool2d: layer(IMAGE, () => nn.adaptiveMaxPool2d(2)),
  softmax2d: layer(IMAGE, () => nn.softmax2d()),
  threshold: layer(ROWS, () => nn.threshold(0.1, 0.2)),
  zeroPad2d: layer(IMAGE, () => nn.zeroPad2d(1)),
  constantPad1d: layer(SIGNAL, () => nn.constantPad1d(1, 2)),
  constantPad2d: layer(IMAGE, () => nn.constantPad2d(1, 2)),
  reflectionPad1d: layer(SIGNAL, () => nn.reflectionPad1d(1)),
  reflectionPad2d: layer(IMAGE, () => nn.reflectionPad2d(1)),
  replicationPad1d: layer(SIGNAL, () => nn.replicationPad1d(1)),
  replicationPad2d: layer(IMAGE, () => nn.replicationPad2d(1)),
  circularPad1d: layer(SIGNAL, () => nn.circularPad1d(1)),
  circularPad2d: layer(IMAGE, () => nn.circularPad2d(1)),
  identity: layer(ROWS, () => nn.identity()),
  flatten: layer(IMAGE, () => nn.flatten()),
  unflatten: layer(ROWS, () => nn.unflatten(1, [2, 2])),
  pixelShuffle: layer([1, 4, 2, 2], () => nn.pixelShuffle(2)),
  pixelUnshuffle: layer([1, 1, 4, 4], () => nn.pixelUnshuffle(2)),
  upsample: layer(IMAGE, () => nn.upsample({ scaleFactor: 2, mode: "bilinear" })),
  primaryCapsules: layer(IMAGE, (o) => nn.primaryCapsules(2, 2, 2, 3, o)),
  capsules: layer([2, 3, 2], (o) => nn.capsules(3, 2, 2, 2, o)),
  nac: layer(ROWS, (o) => nn.nac(4, 3, o)),
  nalu: layer(ROWS, (o) => nn.nalu(4, 3, o)),
  sinusoidalEncoding: layer([2, 3, 4], () => nn.sinusoidalEncoding(4, { dropout: 0 })),
  learnedEncoding: layer([2, 3, 4], (o) => nn.learnedEncoding(4, { dropout: 0, ...o })),
  rnn: recurrent((o) => nn.rnn(4, 3, o)),
  lstm: recurrent((o) => nn.lstm(4, 3, o)),
  gru: recurrent((o) => nn.gru(4, 3, o)),
  rnnCell: cell((o) => nn.rnnCell(4, 3, o)),
  lstmCell: cell((o) => nn.lstmCell(4, 3, o)),
  gruCell: cell((o) => nn.gruCell(4, 3, o)),
  scaledDotProductAttention: attention(() => ({})),
  "scaledDotProductAttention, causal": attention(() => ({ isCausal: true })),
  "scaledDotProductAttention, public mask": attention(padding),
  multiheadAttention: multihead,
  transformerEncoderLayer: encoder,
  transformerDecoderLayer: decoder,
  embedding: tokens((o) => nn.embedding(5, 3, o)),
  embeddingBag: tokens((o) => nn.embeddingBag(5, 3, o)),
};

/** A loss of predictions and secret targets. */
const loss =
  (f: (x: Tensor, ...rest: Tensor[]) => Tensor, target: (random: Random) => Tensor | readonly Tensor[], positive = false): Make =>
  (random) => {
    const x = randn(ROWS, random);
    return { f: positive ? (y, ...rest) => f(y.sigmoid(), ...rest) : f, inputs: [x, ...[target(random)].flat()] };
  };
const floats = (random: Random): Tensor => randn(ROWS, random);
const shares = (random: Random): Tensor => randn(ROWS, random).sigmoid();
const signs = (): Tensor =>
  tensor(Array.from({ length: 3 }, (_, i) => Array.from({ length: 4 }, (__, j) => ((i + j) % 2 ? 1 : -1))));
const hot = (): Tensor => ints([1, 3, 0], [3]).oneHot(4);
const labels = (): Tensor => ints([1, 3, 0], [3]);
const perRow = (): Tensor => tensor([1, -1, 1]);

export const LOSSES: Readonly<Record<string, Make>> = {
  mseLoss: loss((x, t) => nn.mseLoss(x, t!), floats),
  l1Loss: loss((x, t) => nn.l1Loss(x, t!), floats),
  smoothL1Loss: loss((x, t) => nn.smoothL1Loss(x, t!), floats),
  huberLoss: loss((x, t) => nn.huberLoss(x, t!), floats),
  crossEntropy: loss((x, t) => nn.crossEntropy(x, t!), hot),
  "crossEntropy, secret labels": loss((x, t) => nn.crossEntropy(x, t!), labels),
  nllLoss: loss((x, t) => nn.nllLoss(x.logSoftmax(1), t!), labels),
  binaryCrossEntropy: loss((x, t) => nn.binaryCrossEntropy(x, t!), shares, true),
  bceWithLogits: loss((x, t) => nn.bceWithLogits(x, t!), shares),
  klDiv: loss(
    (x, t) => nn.klDiv(x.logSoftmax(1), t!),
    (r) => randn(ROWS, r).softmax(1),
  ),
  poissonNllLoss: loss((x, t) => nn.poissonNllLoss(x, t!), shares),
  gaussianNllLoss: loss(
    (x, t, v) => nn.gaussianNllLoss(x, t!, v!),
    (r) => [floats(r), shares(r).add(0.5)],
  ),
  softMarginLoss: loss((x, t) => nn.softMarginLoss(x, t!), signs),
  multilabelSoftMarginLoss: loss((x, t) => nn.multilabelSoftMarginLoss(x, t!), shares),
  multiMarginLoss: loss((x, t) => nn.multiMarginLoss(x, t!), labels),
  multilabelMarginLoss: loss(
    (x, t) => nn.multilabelMarginLoss(x, t!),
    () => ints([1, -1, 0, 0, 3, 0, -1, 0, 2, -1, 0, 0], ROWS),
  ),
  hingeEmbeddingLoss: loss((x, t) => nn.hingeEmbeddingLoss(x, t!), signs),
  marginRankingLoss: loss(
    (x, y, t) => nn.marginRankingLoss(x, y!, t!),
    (r) => [floats(r), signs()],
  ),
  tripletMarginLoss: loss(
    (x, p, q) => nn.tripletMarginLoss(x, p!, q!),
    (r) => [floats(r), floats(r)],
  ),
  cosineEmbeddingLoss: loss(
    (x, y, t) => nn.cosineEmbeddingLoss(x, y!, t!),
    (r) => [floats(r), perRow()],
  ),
  capsuleMarginLoss: loss((x, t) => nn.capsuleMarginLoss(x, t!), hot, true),
  ctcLoss: (random) => ({
    f: (x, t) => nn.ctcLoss(x.logSoftmax(2), t!, [4, 4], [2, 1]),
    inputs: [randn([4, 2, 3], random), ints([1, 2, 2, 0], [2, 2])],
  }),
};

/** Functions of nn that are no layer of their own: containers, stacks of the layers above, masks, sequences, measures, settings. */
export const OTHERS: readonly string[] = (
  "sequential moduleList moduleDict parameterList transformer transformerDecoder transformerEncoder criterion " +
  "tripletMarginWithDistanceLoss causalMask alibiBias alibiSlopes rotary sinusoidalTable packPaddedSequence packSequence " +
  "padPackedSequence padSequence accuracy confusionMatrix buffer parameter summary summaryRows onWarning defaultRandomState " +
  "loadDefaultRandomState manualSeed"
).split(" ");
