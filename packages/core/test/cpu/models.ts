/** @file Training steps as Programs, built from ops alone: what the benchmark and the tests of whole steps run. */
import type { Binding, Update } from "../../src/device/device.ts";
import { Expr } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import type { Shape } from "../../src/program/aval.ts";
import type { Program } from "../../src/program/program.ts";
import { backward } from "../../src/transform/backward.ts";
import { trace } from "../../src/transform/trace.ts";

/** Inputs: x, labels i32, lr, then the parameters (donated). Outputs: the loss, then the parameters' new values. */
export interface TrainingStep {
  readonly program: Program;
  readonly bindings: readonly Binding[];
  readonly updates: readonly Update[];
  readonly parameters: readonly Shape[];
}

const leaf = (shape: Shape, dtype: "f32" | "i32" = "f32"): Expr => Expr.placeholder({ shape, dtype });
const linear = (x: Expr, w: Expr, b: Expr): Expr => op.add(op.matmul(x, w, false, true), b);
const channelBias = (x: Expr, b: Expr): Expr => op.add(x, op.reshape(b, [b.shape[0]!, 1, 1]));

function convBlock(x: Expr, w: Expr, b: Expr): Expr {
  const y = op.relu(channelBias(op.conv2d(x, w, [1, 1, 2, 2, 1, 1, 1]), b));
  return op.maxPool2d(y, [2, 2, 2, 2, 0, 0]);
}

/** Mean cross-entropy, plain SGD. */
function trainingStep(x: Expr, parameters: readonly Expr[], logits: Expr): TrainingStep {
  const [n, classes] = logits.shape as [number, number];
  const labels = leaf([n], "i32");
  const lr = leaf([]);
  const losses = op.softmaxCrossEntropy(logits, op.oneHot(labels, classes, "f32"));
  const loss = op.mul(op.sum(losses, [0]), op.lit(losses, 1 / n));
  const grads = backward(loss, undefined, parameters);
  const next = parameters.map((p, i) => op.sub(p, op.mul(lr, grads[i]!)));
  const { program } = trace([loss, ...next], [x, labels, lr, ...parameters]);
  const bindings = program.inputs.map((_, i): Binding => (i < 3 ? { kind: "public" } : { kind: "resident", donate: true }));
  const updates = parameters.map((_, i): Update => ({ output: i + 1, input: i + 3 }));
  return { program, bindings, updates, parameters: parameters.map((p) => p.shape) };
}

/** conv 5x5x16, relu, maxpool 2, conv 5x5x32, relu, maxpool 2, fc 128, relu, fc 10 on 1x28x28. */
export function cnnStep(n: number): TrainingStep {
  const x = leaf([n, 1, 28, 28]);
  const shapes = [[16, 1, 5, 5], [16], [32, 16, 5, 5], [32], [128, 1568], [128], [10, 128], [10]];
  const p = shapes.map((s) => leaf(s));
  const a = convBlock(convBlock(x, p[0]!, p[1]!), p[2]!, p[3]!);
  const h = op.relu(linear(op.reshape(a, [n, 1568]), p[4]!, p[5]!));
  return trainingStep(x, p, linear(h, p[6]!, p[7]!));
}

/** 784-128-10. */
export function mlpStep(n: number): TrainingStep {
  const x = leaf([n, 784]);
  const p = [[128, 784], [128], [10, 128], [10]].map((s) => leaf(s));
  return trainingStep(x, p, linear(op.relu(linear(x, p[0]!, p[1]!)), p[2]!, p[3]!));
}
