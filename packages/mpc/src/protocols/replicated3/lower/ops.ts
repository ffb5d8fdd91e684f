/** @file Names of the ops that run on shares: what a check reads, without the code that runs them. A test holds them equal to the handlers. */
export const SHARED_OPS: ReadonlySet<string> = new Set(
  (
    "matmul conv2d conv2dGradInput conv2dGradWeight reshape permute expand slice pad flip cat add sub mul neg relu reluGrad abs sign " +
    "maximum minimum gt ge lt le eq ne where cast bitNot maxPool2d maxPool2dGrad avgPool2d avgPool2dGrad sum amax amin all any prod " +
    "softmax logSoftmax softmaxCrossEntropy softmaxCrossEntropyGrad exp log sqrt rsqrt reciprocal sigmoid tanh erf gelu div pow gather " +
    "indexSelect cumsum scatter scatterAdd indexAdd oneHot argmax argmin sort argsort bitAnd bitOr bitXor clippedSum partyNoise"
  ).split(" "),
);
