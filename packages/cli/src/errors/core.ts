/** @file Error codes of tensors, autograd, Programs, devices, nn and optim. */
import type { Entries } from "./entry.ts";

export const CORE: Entries = {
  ANOMALY_FOUND: {
    means:
      "Under debug.detectAnomaly() an op made NaN or infinity out of finite values, or a value was not finite to begin with.",
    fix: "Look at the line that the error names: a logarithm or root of zero, a division by zero, or an exponential that is too large.",
    example: "log: expected finite results of finite arguments, got NaN in f32[64,10]",
  },
  ARITY_MISMATCH: {
    means: "A Program or a transformation of one got another number of inputs than it has.",
    fix: "Pass one value per input of the Program; print it with toString() to see them.",
    example: "vmap: expected 2 axes, got 1",
  },
  ATTR_INVALID: {
    means: "A setting of an op, a layer, an optimizer or a device has a value that it cannot have.",
    fix: "Use a value of the kind and in the range that the message names.",
    example: "conv2d: expected strideH an integer in 1..65535, got 0",
  },
  AUTOGRAD_NOT_LEAF: {
    means: "requiresGrad was to be switched off at the result of an op; only a tensor without history can be switched.",
    fix: "Use detach() to get the same values without a graph.",
    example: "requiresGrad_(false): expected a leaf, got the result of an op",
  },
  AUTOGRAD_NO_GRAPH: {
    means: "A gradient was asked for where no path leads to a parameter, or after a step has released the graph.",
    fix: "Set requiresGrad before computing, call backward() before step(), and build all losses of a step before it.",
    example: "step: expected a gradient at some parameter, got none",
  },
  AXIS_OUT_OF_RANGE: {
    means: "A dimension was named that the tensor does not have.",
    fix: "Use a dimension from -rank to rank - 1.",
    example: "sum: expected a dimension in -2..1, got 2",
  },
  AXIS_REPEATED: {
    means: "A list of dimensions names one of them twice.",
    fix: "Name each dimension once.",
    example: "permute: expected each of 3 dimensions once, got [0,0,2]",
  },
  BROADCAST_IN_LOSS: {
    means:
      "A column of predictions meets a row of labels, [N,1] and [N]: broadcasting makes all N times N pairs of them, and the loss is wrong.",
    fix: "Give both one shape with squeeze(1) or unsqueeze(1); write expand() where all pairs are meant.",
    example: "sub: expected two tensors of one shape, got [64,1] and [64], which give [64,64]",
    warning: true,
  },
  DEVICE_MISMATCH: {
    means: "Values that live on different devices meet in one computation.",
    fix: "Move them to one device with to(device) first.",
    example: "realize: expected all values on one device (cpu), got f32[3,4] on reference",
  },
  DEVICE_SECRET: {
    means: "The values of a secret tensor were asked for directly; where they live, nobody can read them.",
    fix: "Disclose what you need with reveal({ to, why }), if the session's policy allows it.",
    example: "data: expected a device that can be read, got Tensor<f32[64,10] replicated3>",
  },
  DEVICE_UNSUPPORTED: {
    means: "The device lacks some of the ops of this computation; the message lists all of them.",
    fix: "Replace these ops, or compute that part on another device. check(program, bindings) tells it before a run.",
    example: "realize: expected ops that replicated3 can run, got sort (no kernel)",
  },
  DIVISION_BY_ZERO: {
    means: "An integer remainder by zero; integers have no NaN to say it with.",
    fix: "Keep zeros out of the divisor, for instance with where().",
    example: "rem: expected an integer divisor that is not zero, got zero",
  },
  DROPOUT_UNUSED: {
    means: "A warning: a recurrent layer got a dropout, but has only one layer; it drops between layers.",
    fix: "Set numLayers to 2 or more, or put nn.dropout(p) behind it.",
    example: "lstm: dropout 0.5 with one layer drops nothing",
    warning: true,
  },
  DTYPE_MISMATCH: {
    means: "Two things that belong together have different dtypes, or labels have the dtype of something else.",
    fix: "Convert one side with float(), int() or cast(); class labels are i32.",
    example: "crossEntropy: expected class indices i32[64] or probabilities [64,10], got f32[64]",
  },
  DTYPE_UNSUPPORTED: {
    means: "An op, a file format or a device does not take this dtype.",
    fix: "Convert first; f64 lives on the reference device only.",
    example: "cpu: expected a dtype other than f64, got f64",
  },
  EVAL_IN_TRAINING: {
    means:
      "A layer that behaves differently while training (batch norm, dropout) was in training mode where nothing was learned: inside noGrad, or in several passes whose results were read without a backward().",
    fix: "Call model.eval() before evaluating and model.train() after.",
    example: "dropout: training mode inside noGrad",
    warning: true,
  },
  GRAD_NOT_CLEARED: {
    means: "Gradients of an earlier step are still there and would be added to the new ones.",
    fix: "Call opt.zeroGrad() after each step, or use opt.step(loss), which needs none.",
    example: "step: expected fresh gradients, got that of an earlier step at 1.weight",
  },
  GRAPH_GROWS: {
    means:
      "Many reads in a row each prepared a larger Program than the one before: a value that is fed back was never computed by itself.",
    fix: "Compute what goes into the next step with await realize(...state); then every step runs one small Program that is planned once.",
    example:
      "realize: 9 Programs in a row were each 17 ops larger than the one before: a value that is fed back keeps its history",
    warning: true,
  },
  INDEX_INVALID: {
    means: "An index or a range lies outside the tensor.",
    fix: "Use indices from 0 to size - 1 and ranges within the size.",
    example: "gather: expected indices in 0..9, got one outside",
  },
  INDEX_OUT_OF_RANGE: {
    means: "A kernel met an index outside its dimension.",
    fix: "Check the index tensor: it must hold 0 to size - 1.",
    example: "indexSelect: expected indices in 0..9, got one outside",
  },
  INPUT_NOT_SCALED: {
    means:
      "The first layer was given whole numbers of 0..255, as pixels of a picture are: its results are large, and training is slow or diverges.",
    fix: "Divide by 255; better, subtract the mean of the training set and divide by its standard deviation.",
    example: "linear: expected inputs near 0..1, got whole numbers of 0..255, as pixels are",
    warning: true,
  },
  LABEL_OUT_OF_RANGE: {
    means: "A class label is negative or not below the number of classes.",
    fix: "Count classes from 0 and give the model as many outputs as there are classes.",
    example: "crossEntropy: expected labels in 0..9, got 10 at position 3",
  },
  LOG_PROBABILITIES_EXPECTED: {
    means:
      "nllLoss was given probabilities or logits; it wants log-probabilities, and with others the loss is a number without meaning.",
    fix: "End the model with a logSoftmax, or leave the last activation out and use crossEntropy.",
    example: "nllLoss: expected log-probabilities, got probabilities (the result of a softmax)",
    warning: true,
  },
  LOSS_DIVERGES: {
    means: "The loss grows far above what it was at first instead of falling; the model learns nothing.",
    fix: "Lower the learning rate by a factor of 10 or more; if that does not help, look at the labels.",
    example: "step 9: expected losses that fall from 2.31, got 8 on end above 10 times that",
    warning: true,
  },
  LOSS_NOT_FINITE: {
    means: "The loss became NaN or infinite: training has diverged, or the data holds NaN.",
    fix: "Lower the learning rate, look for NaN in the data, and go on from the last checkpoint; the weights in memory are spoilt.",
    example: "step 12: expected a finite loss, got NaN",
  },
  OP_UNKNOWN: {
    means: "An op was named that the op table does not have.",
    fix: "Check the spelling; a Program from a newer version may have ops that this one lacks.",
    example: 'emit: expected the name of an op, got "convolve"',
  },
  OP_UNSUPPORTED: {
    means: "A Program holds something that this device cannot run.",
    fix: "Move it to a device that can; the message says why this one cannot.",
    example: "cpu: expected a Program for this device, got input 0: f64 lives on the reference device only",
  },
  PARAMETER_UNUSED: {
    means: "Some parameters of the optimizer had no gradient in any of the first steps: the loss does not depend on them.",
    fix: "Use them in forward, look for a detach() or noGrad() on their way to the loss, or leave them out of the optimizer.",
    example: "step 5: expected a gradient at every parameter, got none yet at head.weight, head.bias",
    warning: true,
  },
  PLAN_RELEASED: {
    means: "A prepared Program was run after it had been released.",
    fix: "Prepare it again; inside the engine this should not happen, so report it if you did not call release().",
    example: "cpu: expected a live executable, got a released one",
  },
  PROGRAM_INVALID: {
    means: "Bytes that claim to be a Program are damaged, not canonical, break a limit, or describe something impossible.",
    fix: "Get the Program again from its author and compare its id; do not approve it.",
    example: "program: node 4 (matmul): expected arguments with smaller ids, got 9",
  },
  SEED_INVALID: {
    means: "A seed or a saved state of the random generator is not one.",
    fix: "Use a whole number from 0 to 2^53 - 1 or a bigint below 2^64.",
    example: "Random: expected an integer in 0..2^53-1, or a bigint below 2^64, got -1",
  },
  SHAPE_DATA_DEPENDENT: {
    means:
      "The size of a result would depend on the values of a tensor, as with a boolean mask; shapes are known before values are.",
    fix: "Keep the shape: choose with where(mask, x, 0) or maskedFill, count with mask.sum(), or read the values with data() first.",
    example: "index: expected a result whose shape does not depend on values, got a boolean mask",
  },
  SHAPE_MISMATCH: {
    means: "Shapes do not fit together under the rules of the op (which are PyTorch's).",
    fix: "Compare the shapes in the message; reshape, permute or unsqueeze one side.",
    example: "matmul: expected equal inner sizes, got [64,784] and [10,128]",
  },
  SIZE_LIMIT: {
    means: "A file, a Program or an array is larger than the limit that guards this machine.",
    fix: "Make it smaller, or raise the limit by the function's limits option if you trust the source.",
    example: "idx: expected at most 1073741824 bytes of data, got [4294967295,28,28] of 1 bytes",
  },
  SOFTMAX_BEFORE_LOSS: {
    means:
      "A loss on logits (crossEntropy, bceWithLogits) was given the output of a softmax or sigmoid; it applies one itself, so the model learns slowly.",
    fix: "Leave the softmax out of the model and use it only to show probabilities.",
    example: "crossEntropy: its input is a softmax",
    warning: true,
  },
  STATE_MISMATCH: {
    means: "A saved state belongs to another model, optimizer, schedule or data set.",
    fix: "Build everything with the same sizes, kinds, seed and batch size as when it was saved.",
    example: "loadStateDict: expected the state of this model, got one where 0.weight is missing",
  },
  TENSOR_NO_VALUE: {
    means: "A placeholder (the argument of a function under grad or vmap) was awaited.",
    fix: "Return it from the function instead, and await the result.",
    example: "realize: expected a tensor with a value, got a placeholder f32[3]",
  },
  TENSOR_STALE: {
    means: "A tensor that was built before an optimizer step, from a parameter that the step replaced, was asked for after it.",
    fix: "Pass it to the step (await opt.step(loss, logits)), or await it before the step.",
    example: "relu: expected a current value, got one built before an optimizer step replaced f32[128], which it reads",
  },
  UPDATE_CONFLICT: {
    means: "One step would update the same tensor twice.",
    fix: "Pass each tensor once; do not give shared parameters to two groups.",
    example: "step: update 1: expected each tensor updated once, got a second update of f32[10]",
  },
  VALUE_INVALID: {
    means: "A number cannot be stored in the dtype that was asked for.",
    fix: "Use whole numbers in the dtype's range, or a float dtype.",
    example: "tensor: expected integers in the range of u8, got 256",
  },
  VMAP_UNSUPPORTED: {
    means: "An op has no rule for running over a batch of examples at once.",
    fix: "Move that op out of the function under vmap, or loop over the examples.",
    example: "randomBits: expected one key and offset for the whole batch, got one per example",
  },
};
