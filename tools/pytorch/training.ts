/** @file Optimizers, schedules, data, files, derivatives, distributions, pictures. */
import { absent, beyond, type Family, rows } from "./family.ts";

export const OPTIM: Family = {
  title: "optim",
  intro:
    "`const opt = optim.adam(model, { lr: 1e-3 })` over a module, parameters or groups. `await opt.step(loss)` takes the gradients of this loss alone, so `zeroGrad()` is not needed; `loss.backward(); await opt.step(); opt.zeroGrad()` works as well. No `foreach`, `fused`, `capturable`, `differentiable`.",
  room: "optim",
  from: [["torch.optim"]],
  rows: rows(`
    ASGD | the rate of a step is of this step; the average is state "average"
    Adadelta
    Adagrad
    Adam
    AdamW = optim.adamw | decay 0.01 unless said
    Adamax
    LBFGS | \`await opt.step(() => loss)\`: no \`backward()\` in the closure; \`lineSearchFn: "strongWolfe"\`
    NAdam
    Optimizer | groups: \`opt.paramGroups\`, \`opt.addParamGroup\`; \`opt.lr\` sets all
    RAdam
    RMSprop
    Rprop
    SGD | \`lr\` must be said
    swa_utils.AveragedModel = optim.swa, optim.AveragedModel | \`swa.update()\`, \`swa.evaluate(fn)\`
    swa_utils.update_bn = optim.swa | \`{ buffers: true }\` averages the running means instead
  `),
  beyond: beyond(`
    optim.lion, optim.Lion | Lion
    optim.ema | exponential moving average of the weights
    optim.OptimizerBase | what LBFGS shares with the others
    optim.lrScheduler | all schedules by name
    optim.clipGradNorm_, optim.clipGradValue_ | in PyTorch in \`nn.utils\`
  `),
  absent: absent("SparseAdam: gradients are dense."),
};

export const SCHEDULES: Family = {
  title: "optim.lr_scheduler",
  intro:
    "Factories, `optim.stepLR(opt, { stepSize: 30 })`; `step()` after the optimizer's. Rates are inputs of the Program: a schedule costs no new plan. States hold what PyTorch calls `last_epoch`.",
  room: "optim",
  from: [["torch.optim.lr_scheduler"]],
  rows: rows(`
    ChainedScheduler = optim.chained
    ConstantLR
    CosineAnnealingLR = optim.cosineAnnealing
    CosineAnnealingWarmRestarts
    CyclicLR | modes "triangular", "triangular2", "expRange"
    ExponentialLR
    LambdaLR | \`{ factor }\`: a function, or one for each group
    LinearLR
    MultiStepLR
    MultiplicativeLR | \`{ factor }\`
    OneCycleLR = optim.oneCycle
    PolynomialLR
    ReduceLROnPlateau | \`step(value)\`: a number that was read
    SequentialLR = optim.sequential
    StepLR
    LRScheduler = optim.Scheduler
  `),
  beyond: beyond("optim.warmup | linear warm-up: the first batch is trained with lr/steps"),
  absent: absent("Counter: no public name of PyTorch."),
};

export const DATA: Family = {
  title: "data (torch.utils.data)",
  intro:
    "`for await (const [x, y] of dataset.shuffle({ seed: 0 }).batch(64))` is one epoch; the next loop is the next one, in another order that depends on seed and epoch alone. Datasets read batches by index; `data.examples` makes one of single samples.",
  room: "data",
  from: [["torch.utils.data"]],
  rows: rows(`
    BatchSampler
    ChainDataset = data.concat
    ConcatDataset = data.concat
    DataLoader | made by \`dataset.batch(64, { workers, prefetch, sampler, dropLast })\`; \`state()\` and \`loadState()\` resume
    Dataset | \`length\`, \`read(indices, epoch)\`; also \`map\`, \`take\`, \`subset\`, \`shuffle\`, \`batch\`
    IterableDataset = data.examples | a length is needed
    RandomSampler | \`{ seed }\` must be said
    Sampler = data.sequentialSampler | an interface: \`length\`, \`recipe\`, \`order(epoch)\`
    SequentialSampler
    Subset = data.Dataset | \`dataset.subset(indices)\`
    SubsetRandomSampler
    TensorDataset | \`data.tensorDataset([x, y])\`
    WeightedRandomSampler
    default_collate = data.stackCollate
    random_split | lengths or fractions; \`{ seed }\` must be said
  `),
  beyond: beyond(`
    data.batches | batches of tensors that stay where they live, secret or not
    data.poissonSampler | true Poisson sampling, for differential privacy
    data.padCollate | sequences of different lengths
    data.mapExamples | random transforms of single samples
    data.fromModule | a dataset that worker threads read (\`num_workers\`)
    data.csv, data.parseCsv, data.readRows, data.standardizer | tables
    data.mnist, data.MNIST, data.drawnDigits, data.digits | MNIST, and digits that the project draws
    data.readIdx, data.parseIdx, data.encodeIdx, data.gunzip, data.hostArray | the files behind them
  `),
  absent: absent(`
    DistributedSampler: one machine trains; \`batchSampler\` decides otherwise.
    DataChunk DataLoader2: internal or abandoned in PyTorch itself.
    default_convert get_worker_info: workers get indices, examples get \`context.random\`.
  `),
};

export const IO: Family = {
  title: "io: saving and loading",
  intro:
    "No pickle: a file is data and runs nothing. Export from PyTorch with `safetensors.torch.save_file(model.state_dict(), path)`.",
  room: "io",
  rows: rows(`
    torch.load = io.loadSafetensors, io.decodeSafetensors, io.decodeTensors | f16, bf16 and 8 bits are widened
    torch.save = io.saveSafetensors, io.encodeSafetensors, io.encodeTensors | \`dtype: "f16"\` or "bf16" for 16 bits
  `),
  beyond: beyond(`
    io.checkpoint | model, optimizer, schedule, loader and random states in one file; training goes on bit for bit
    io.pytorchName | PyTorch's name of one of our parameters
    io.saveTrace | a profile for the browser's trace viewer (\`torch.profiler\`)
  `),
  absent: absent("torch.jit torch.onnx: a Program is the exported form; ONNX is not there yet."),
};

export const FUNC: Family = {
  title: "autograd and torch.func",
  intro:
    "Transforms take functions of tensors and give functions; they nest. `{ createGraph: true }` for derivatives of derivatives with `backward`.",
  room: "",
  rows: rows(`
    autograd.grad = gradients | \`gradients(loss, [w], { createGraph })\`; null where the loss does not depend on it
    autograd.functional.hessian = hessian | \`hessian(fn)(x)\`
    autograd.functional.hvp = hvp | \`hvp(fn, x, v)\`, without the Hessian
    autograd.functional.jacobian = jacrev
    autograd.functional.jvp = jvp | \`jvp(fn, x, direction)\`
    autograd.functional.vjp = vjp | \`vjp(fn, x)\` gives \`[value, pull]\`
    autograd.detect_anomaly = debug | \`debug.detectAnomaly()\`
    enable_grad = enableGrad | \`enableGrad(() => …)\`
    func.grad = grad | \`grad(fn, argnums)\`
    func.grad_and_value = valueAndGrad | the value first
    func.hessian = hessian
    func.jacrev = jacrev
    func.vmap = vmap | \`vmap(fn, { inDims, outDim })\`
    inference_mode = noGrad
    no_grad = noGrad | \`noGrad(() => …)\`: what the function builds before its first \`await\`
    profiler.profile = cpu | \`await device.profile(fn)\`, see docs/debugging.md
  `),
  absent: absent(`
    autograd.Function: compose ops; \`registerHook\` changes a gradient.
    func.functional_call: \`grad\` and \`vmap\` take functions whose arguments are the weights.
    func.jacfwd func.linearize: reverse mode only; \`jvp\` is the gradient of a pullback.
    autograd.gradcheck: in Tacit's own tests, on the f64 device.
    set_grad_enabled: \`noGrad\` and \`enableGrad\` take functions.
  `),
};

export const DISTRIBUTIONS: Family = {
  title: "distributions",
  intro:
    "`distributions.normal(loc, scale)`; `sample(random, shape)` and `rsample(random, shape)` take a generator first. Numbers or tensors are parameters; there are no constraints or transforms.",
  room: "distributions",
  from: [["torch.distributions"]],
  rows: rows(`
    Bernoulli | \`{ probs }\` or \`{ logits }\`
    Beta | no \`rsample\`
    Categorical | \`{ probs }\` or \`{ logits }\`; samples are i32
    Cauchy
    Dirichlet | no \`rsample\`
    Distribution | \`logProb\`, \`entropy\`, \`mean\`, \`variance\`, \`stddev\`
    Exponential
    Gamma | no \`rsample\`
    Geometric
    Laplace
    LogNormal
    Multinomial | \`multinomial(totalCount, { probs })\`
    Normal
    Poisson
    Uniform
    kl_divergence | both of one family
  `),
  beyond: beyond(`
    distributions.truncatedNormal, distributions.TruncatedNormal | a normal number within bounds
    distributions.Reparameterized | those that have \`rsample\`
  `),
};

export const VISION: Family = {
  title: "Pictures (torchvision): @tacit/vision and @tacit/plot",
  intro:
    "Transforms are functions of one picture [channels, height, width] and a generator; `normalize` and `centerCrop` also take batches, lazily.",
  room: "vision",
  rows: rows(`
    datasets.FashionMNIST = data.mnist | \`{ catalogue }\`
    datasets.ImageFolder = vision.imageFolder | PNG only
    datasets.MNIST = data.mnist
    io.read_image = vision.decodePngRgb, vision.decodePng | PNG only; f32 in [0, 1]
    transforms.CenterCrop = vision.transforms.centerCrop
    transforms.ColorJitter = vision.transforms.colorJitter | brightness and contrast
    transforms.Compose = vision.transforms.compose
    transforms.Normalize = vision.transforms.normalize
    transforms.RandomCrop = vision.transforms.randomCrop
    transforms.RandomHorizontalFlip = vision.transforms.randomHorizontalFlip
    transforms.RandomRotation = vision.transforms.randomRotation
    transforms.RandomVerticalFlip = vision.transforms.randomVerticalFlip
    transforms.Resize = vision.transforms.resize | bilinear, without antialiasing
    transforms.ToTensor = vision.imageFolder | pictures are f32 in [0, 1] already
    transforms.functional.rotate = vision.transforms.rotate
    utils.make_grid = plot.images | in \`@tacit/plot\`, see docs/plots.md
  `),
  beyond: beyond("vision.fitGray | a gray picture fitted to the size that a model wants"),
  absent: absent(`
    models: none with weights; \`examples/\` has models.
    ops: not yet.
  `),
};
