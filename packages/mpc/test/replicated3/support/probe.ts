/** @file A layer or a loss as jobs: a training step through it (loss, gradients of its input and of its parameters), by SGD on a recorder. */
import { ones, type Random, randn, type Tensor } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { type Captured, captureDevice } from "../programs/capture.ts";
import { PUBLIC, SECRET } from "../programs/parties.ts";
import type { Job } from "./measure.ts";

/** What is measured: a function of secret inputs, with the module whose parameters it uses. */
export interface Subject {
  readonly f: (...inputs: Tensor[]) => Tensor;
  readonly module?: nn.Module;
  /** The first of them is multiplied by a parameter of ones, if it is of floats, so that its gradient counts. */
  readonly inputs: readonly Tensor[];
}

class Gated extends nn.Module {
  readonly gate: nn.Parameter;
  readonly inner: nn.Module | null;
  constructor(shape: readonly number[], inner: nn.Module | undefined) {
    super();
    this.gate = new nn.Parameter(ones([...shape]));
    this.inner = inner ?? null;
  }
  override forward(x: Tensor): Tensor {
    return x.mul(this.gate);
  }
}

const jobOf = (run: Captured): Job => ({
  program: run.job.program,
  bindings: run.job.bindings.map((b) => (b.kind === "public" ? PUBLIC : SECRET)),
  inputs: run.inputs,
  outputs: run.outputs,
});

/** The jobs of `steps` training steps. A result that is no scalar counts as the mean of its squares. */
export async function trainingJobs(s: Subject, optimizer: (m: nn.Module) => optim.Optimizer, steps = 1): Promise<Job[]> {
  const { device, runs } = captureDevice();
  const floats = s.inputs[0]!.dtype === "f32";
  const model = new Gated(floats ? s.inputs[0]!.shape : [1], s.module);
  await model.to(device);
  const [x, ...rest] = await Promise.all(s.inputs.map((t) => t.to(device)));
  const opt = optimizer(model);
  for (let i = 0; i < steps; i++) {
    const y = s.f(floats ? model.forward(x!) : x!, ...rest);
    await opt.step(y.ndim === 0 ? y : y.mul(y).mean());
  }
  return runs.map(jobOf);
}

export const bySgd = (s: Subject): Promise<Job[]> => trainingJobs(s, (m) => optim.sgd(m, { lr: 0.1 }));

/** What an optimizer does in three steps to a linear layer. */
export function optimizerJobs(make: (m: nn.Module) => optim.Optimizer, random: Random): Promise<Job[]> {
  const layer = nn.linear(4, 3, { random });
  const target = randn([8, 3], random);
  const subject = {
    f: (x: Tensor, t: Tensor) => nn.mseLoss(layer.forward(x), t),
    module: layer,
    inputs: [randn([8, 4], random), target],
  };
  return trainingJobs(subject, make, 3);
}
