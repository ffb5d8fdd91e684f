/**
 * @file The Program of one row's gradients, traced from the user's loss. It sees one row because only one is there: the loss gets a
 * batch of one, of stand-ins without values. What else the loss reads must be the model's, or public.
 */
import { gradients, Tensor } from "@tacit/core";
import type { Batch } from "@tacit/core/data";
import { kindOf, TacitError } from "@tacit/core/errors";
import type { Module } from "@tacit/core/nn";
import { type Aval, Expr, ops, type Program, sizeOf, trace } from "@tacit/core/program";
import { refuse } from "../check.ts";
import type { Learning } from "./learning.ts";

export { checkLayers } from "./layers.ts";
export { type Learner, Learners, type Learning } from "./learning.ts";

/** The columns of one row, as the arguments of a loss. The data set alone says what they are. */
export type Row<T extends Batch> = T extends readonly [...infer U extends Tensor[]] ? U : Tensor[];

/** What is differentiated: fixed for a run. */
export interface Subject<T extends Batch> {
  /** Who asks, for errors. */
  readonly where: string;
  readonly model: Module;
  readonly learning: Learning;
  readonly loss: (...row: Row<T>) => Tensor;
  /** Types of one row, without the axis that counts rows. */
  readonly row: readonly Aval[];
}

/** Inputs: the learning parameters, the columns of one row, then what was captured. Outputs: one gradient for each parameter. */
export interface ExampleProgram {
  readonly program: Program;
  /** Public values and frozen parts of the model that the loss reads, as inputs of every chunk. */
  readonly captured: readonly Expr[];
}

/**
 * @throws TacitError PRIVACY_LAYER where `forward` changes a buffer; PRIVACY_MIXED where the loss reads something private that is no
 *   row; PRIVACY_PARAMETER where it is not one number, or some parameter has no gradient
 */
export function exampleProgram<T extends Batch>(subject: Subject<T>): ExampleProgram {
  const { where, learning, model, row } = subject;
  const slots = row.map((aval) => Expr.placeholder(aval));
  const columns = slots.map((e, i) => new Tensor(ops.reshape(e, [1, ...row[i]!.shape])));
  const { found, standIns } = withStandIns(subject, columns as readonly Tensor[] as Row<T>);
  const idle = learning.filter((_, i) => found[i] === null).map(([name]) => name);
  if (idle.length > 0) {
    const message = `${where}: expected a gradient at every parameter, got none at ${idle.join(", ")}`;
    const hint = "use it in the loss, or freeze it with requiresGrad_(false): noise would move it otherwise";
    throw new TacitError("PRIVACY_PARAMETER", message, { hint });
  }
  const inputs = [...standIns, ...slots];
  const { program, leaves } = trace(found as readonly Expr[], inputs);
  const captured = leaves.slice(inputs.length);
  checkCaptured(where, model, captured);
  return { program, captured };
}

interface Found {
  readonly found: readonly (Expr | null)[];
  /** What stands for the parameters. */
  readonly standIns: readonly Expr[];
}

/** Differentiates the loss while the learning parameters are nodes without value: what it makes reads no parameter that a step replaces. */
function withStandIns<T extends Batch>({ where, model, learning, loss }: Subject<T>, row: Row<T>): Found {
  const real = learning.map(([, p]) => p.expr);
  const buffers = model.namedBuffers();
  const before = buffers.map(([, b]) => b.expr);
  const standIns = learning.map(([, p]) => {
    const e = Expr.placeholder(p.expr);
    e.requiresGrad = true;
    e.owner = p;
    p.expr = e;
    return e;
  });
  try {
    const value = lossOf(where, loss, row);
    const changed = buffers.find(([, b], i) => b.expr !== before[i]);
    if (changed !== undefined) {
      const hint = "running statistics are a release of their own: use trackRunningStats: false, or group or layer norm";
      const message = `${where}: expected layers that keep nothing of a row, got one that sets ${changed[0]}`;
      throw new TacitError("PRIVACY_LAYER", message, { hint });
    }
    return { found: derivatives(where, value, learning), standIns };
  } finally {
    learning.forEach(([, p], i) => {
      p.expr = real[i]!;
    });
    buffers.forEach(([, b], i) => {
      b.expr = before[i]!;
    });
  }
}

/** What the loss is of a row. @throws TacitError PRIVACY_PARAMETER for what is no function, or gives no tensor */
function lossOf<T extends Batch>(where: string, loss: Subject<T>["loss"], row: Row<T>): Tensor {
  const hint = "loss: (x, y) => nn.crossEntropy(model(x), y)";
  if (typeof loss !== "function") refuse(where, "a loss, a function of one row", kindOf(loss), hint);
  const value: unknown = loss(...row);
  if (value instanceof Tensor) return value;
  if (!(value instanceof Promise)) return refuse(where, "a loss that gives a tensor", `one that gives ${kindOf(value)}`, hint);
  value.catch(() => undefined); // nobody will wait for it
  return refuse(
    where,
    "a loss that gives a tensor",
    "one that gives a promise",
    `it is traced once, without values: no async, no await; ${hint}`,
  );
}

/** As `gradients` of core gives them, so that detach, noGrad and hooks hold. */
function derivatives(where: string, loss: Tensor, learning: Learning): readonly (Expr | null)[] {
  if (sizeOf(loss.shape) !== 1) {
    const hint = "take the mean or the sum over what the row has";
    const message = `${where}: expected a loss of one number for one row, got shape [${loss.shape}]`;
    throw new TacitError("PRIVACY_PARAMETER", message, { hint });
  }
  loss.expr.used = true; // a value that nobody will ask for
  if (!loss.requiresGrad) return learning.map(() => null);
  const parameters = learning.map(([, p]) => p);
  return gradients(loss, parameters).map((g) => g?.expr ?? null);
}

/** A captured tensor may hold other people's rows: only the model's own and public ones pass. */
function checkCaptured(where: string, model: Module, captured: readonly Expr[]): void {
  const own = new Set([...model.parameters(), ...model.buffers()].map((t) => t.expr.leaf));
  const odd = captured.find((e) => e.leaf === null || !(e.leaf.open || own.has(e.leaf)));
  if (odd === undefined) return;
  throw new TacitError(
    "PRIVACY_MIXED",
    `${where}: expected a loss that reads its row, the model and public tensors, got one that reads a tensor [${odd.shape}] besides`,
    {
      hint: "make it public (tensor(values, { public: true })) if it holds no private data, else make it a column of the data set",
    },
  );
}
