/** @file What holds for every family: the head of docs/pytorch.md. */

export const CONVENTIONS = `# PyTorch's names in Tacit

For those who know PyTorch: is X there, what is it called, what differs. Written by \`npm run docs:pytorch\` from \`tools/pytorch\`; a test
holds it against what the packages export. "Not yet" lists are PyTorch VERSION's public names less what is here.

## What differs everywhere

- **Names** are PyTorch's in camelCase: \`masked_fill\` is \`maskedFill\`, \`nn.CrossEntropyLoss\` is \`nn.crossEntropy\`. Layers, optimizers and
  distributions are made by lower-case factories, \`nn.linear(784, 10)\`, without \`new\`. Words that options take are camelCase, too:
  \`"batchMean"\`, \`"fanIn"\`, \`"strongWolfe"\`.
- **Options come last**, in one object: \`x.sum(1, { keepdim: true })\`, \`nn.conv2d(1, 8, 3, { padding: 1 })\`. An option
  that does not exist is an error of TypeScript, and of optimizers, groups and pools also when they are made.
- **Tensors are lazy.** An op infers shape and dtype, and throws, at once; it computes when a value is awaited: \`await x.item()\`,
  \`await x.data()\` (a typed array), \`await x.tolist()\`, \`await x.allclose(y)\`. There is nothing to free.
- **A step** is \`await opt.step(loss)\`: gradients, clipping and update in one run. What the step should compute as well is named,
  \`opt.step(loss, logits)\`; asked for later, a result of the old weights is an error (TENSOR_STALE), not a wrong number.
- **Tensors are values**: no in-place ops, no views, no \`out=\`. \`x.add_(y)\` is \`x = x.add(y)\`, \`x[i] = v\` is \`x.indexPut([i], v)\`.
  Names that end in \`_\` change parameters: \`nn.init.*_\`, \`copy_\`, \`requiresGrad_\`, \`optim.clipGradNorm_\`.
- **Shapes never depend on values**: \`nonzero\`, \`masked_select\`, \`unique\` are refused, because a Program has one shape for all data, and
  because a shape would tell what a secret is.
- **Dtypes** are f32 (of numbers), f64, i32, i64, u8, u32, u64, bool. Indices are **i32**: \`argmax\`, \`topk\`, \`arange\`, labels. i64 is taken
  where PyTorch takes it, holds bigints and runs slower. bool < u8 < i32 < i64 < f32 < f64 promote; u32 and u64 do not.
- **Randomness is named**: \`rand([2, 3], new Random(0))\`, \`shuffle({ seed: 0 })\`. Only initial weights and dropout have a generator of their own,
  \`nn.manualSeed\`. Numbers differ from PyTorch's for the same seed.
- **Losses** do not broadcast, and \`ignoreIndex\` counts only where it is given.
- **A device decides who sees a value.** On \`replicated3\` \`item()\` and \`data()\` throw DEVICE_SECRET; \`reveal({ to, why })\` discloses.

`;
