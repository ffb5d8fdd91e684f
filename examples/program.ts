/** @file Programs are data: print one, take its id, send it as bytes, differentiate it, batch it. */
import { Random, randn } from "@tacit/core";
import { Expr, grad, ops, Program, trace, vmap } from "@tacit/core/program";

// y = sum(sigmoid(x w)), written with the ops that Tensor's methods use.
const x = Expr.placeholder({ shape: [3], dtype: "f32" });
const w = Expr.placeholder({ shape: [3], dtype: "f32" });
const { program } = trace([ops.sum(ops.sigmoid(ops.mul(x, w)), [0], false)], [x, w]);
console.log(program.toString());
console.log(`id ${program.id}`);

const copy = Program.fromBytes(program.toBytes()); // strict: a Program from a stranger can fail, not surprise
console.log(`the same after a trip as bytes: ${copy.id === program.id}`);

const perExample = vmap(grad(program, { wrt: [1] }), [0, null], 4); // gradients by w for a batch of 4
console.log(perExample.toString());

// The same on tensors.
const a = randn([3], new Random(1), { requiresGrad: true });
a.sigmoid().sum().backward();
console.log(await a.grad!.tolist());
