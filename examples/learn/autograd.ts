/** @file What backward() does: the same gradients by hand, by the engine, and by trying out small changes. */
import { grad, noGrad, Random, randn, setDefaultDevice, type Tensor, tensor } from "@tacit/core";
import { referenceDevice } from "@tacit/core/device";

setDefaultDevice(referenceDevice("f64")); // differences of nearly equal numbers need all the digits there are

// 1. One number. y = (3w - 6)²: with u = 3w - 6 the chain rule gives dy/dw = dy/du · du/dw = 2u · 3.
const w = tensor(4, { dtype: "f64", requiresGrad: true });
const y = w.mul(3).sub(6).square();
y.backward(); // walks from y back to w, multiplying what each op knows about itself
console.log(`dy/dw at w = 4: by hand ${2 * (3 * 4 - 6) * 3}, by backward() ${await w.grad!.item()}`);

// 2. A network of two layers: h = tanh(x A), p = h B, loss = Σ (p - t)². Nothing but the same rule, once per op, from the end.
const random = new Random(0);
const normal = (...shape: number[]): Tensor => randn(shape, random, { dtype: "f64" });
const [x, t] = [normal(5, 3), normal(5, 2)];
const [A, B] = [normal(3, 4).requiresGrad_(), normal(4, 2).requiresGrad_()];
const lossAt = (a: Tensor, b: Tensor): Tensor => x.mm(a).tanh().mm(b).sub(t).square().sum();

const [byHandA, byHandB] = noGrad(() => {
  const h = x.mm(A).tanh();
  const dp = h.mm(B).sub(t).mul(2); //            the square:  2 (p - t)
  const dB = h.transpose(0, 1).mm(dp); //         p = h B:     hᵀ dp for B,
  const dh = dp.mm(B.transpose(0, 1)); //                      dp Bᵀ for h
  const du = dh.mul(h.square().neg().add(1)); //  tanh:        (1 - tanh²)
  return [x.transpose(0, 1).mm(du), dB] as const; // u = x A:  xᵀ du for A
});

lossAt(A, B).backward();
const [byEngineA, byEngineB] = [A.grad!, B.grad!];

// 3. Without any rule: move one number a little up and a little down, and see what the loss does. Two runs per number, so this
// costs 2·20 runs here and two million for a million weights; backward() gives all at once for about the price of two.
async function differences(of: Tensor, loss: (moved: Tensor) => Tensor): Promise<Tensor> {
  const values = await of.data<Float64Array>();
  const out = new Float64Array(values.length);
  const step = 1e-5;
  for (let i = 0; i < values.length; i++) {
    const moved = (by: number): Tensor => loss(tensor(values.with(i, values[i]! + by)).reshape(of.shape));
    out[i] = (await noGrad(() => moved(step).sub(moved(-step))).item()) / (2 * step);
  }
  return tensor(out).reshape(of.shape);
}
const byChangeA = await differences(A, (a) => lossAt(a, B));
const byChangeB = await differences(B, (b) => lossAt(A, b));

const apart = (a: Tensor, b: Tensor): Promise<number> => a.sub(b).abs().amax().item();
const firstRow = async (g: Tensor): Promise<string> => ((await g.tolist()) as number[][])[0]!.map((v) => v.toFixed(6)).join("  ");
console.log(`first row of dloss/dA by the engine  ${await firstRow(byEngineA)}`);
console.log(`                      by differences ${await firstRow(byChangeA)}`);
const hand = Math.max(await apart(byHandA, byEngineA), await apart(byHandB, byEngineB));
const change = Math.max(await apart(byChangeA, byEngineA), await apart(byChangeB, byEngineB));
console.log(
  `largest difference of 20 gradients: hand and engine ${hand.toExponential(1)}, changes and engine ${change.toExponential(1)}`,
);

// 4. A gradient is computed by ops as well, so it has a gradient again: (x³)'' = 6x.
const second = grad(grad((v) => v.pow(3)));
console.log(`second derivative of x³ at 2: ${await second(tensor(2, { dtype: "f64" })).item()}`);
if (!(hand < 1e-12 && change < 1e-6)) throw new Error("expected three ways to the same gradients");
