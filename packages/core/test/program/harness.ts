/** @file Programs for the tests of the encoding. */
import fc from "fast-check";
import { type Expr, emit } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import type { Program } from "../../src/program/program.ts";
import { trace } from "../../src/transform/index.ts";
import { CASES, type Case } from "../ops/cases.ts";
import { f, placeholders } from "../ops/harness.ts";

/** A two-layer network with its loss: several families, shared values, literals. */
export function network(): Program {
  const leaves = placeholders([f(4, 3), f(3, 5), f(5), f(5, 2), f(4, 2)]);
  const [x, w1, b1, w2, target] = leaves as [Expr, Expr, Expr, Expr, Expr];
  const h = op.relu(op.add(op.matmul(x, w1), b1));
  const losses = op.softmaxCrossEntropy(op.mul(op.matmul(h, w2), op.constant("f32", 0.1)), target);
  return trace([op.sum(losses, [0]), h], leaves).program;
}

/** One op with its arguments as inputs. */
export function programOf(c: Case): Program {
  const leaves = placeholders(c.args);
  return trace([emit(c.op, leaves, c.attrs)], leaves).program;
}

export const anyProgram: fc.Arbitrary<Program> = fc.oneof(fc.constantFrom(...CASES).map(programOf), fc.constant(network()));
