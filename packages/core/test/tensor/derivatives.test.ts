/** @file vjp, jvp, jacrev, hessian and hvp: against closed forms, finite differences and each other; vmap and grad composed in every order. */
import { describe, expect, test } from "vitest";
import { referenceDevice } from "../../src/device/reference/index.ts";
import {
  einsum,
  grad,
  hessian,
  hvp,
  jacrev,
  jvp,
  Random,
  randn,
  setDefaultDevice,
  stack,
  type Tensor,
  tensor,
  vjp,
  vmap,
  zeros,
} from "../../src/index.ts";

// Before any tensor is made: f32 on the cpu would round off the differences.
setDefaultDevice(referenceDevice("f64"));
const random = new Random(12);
const close = async (a: Tensor, b: Tensor, tolerance = 1e-10): Promise<void> => {
  expect(a.shape).toEqual(b.shape);
  expect(await a.sub(b).abs().amax().item()).toBeLessThan(tolerance);
};
const w = randn([4, 3], random);
const hidden = (x: Tensor): Tensor => w.matmul(x).tanh();
const loss = (x: Tensor): Tensor => hidden(x).pow(3).sum().add(x.prod());

/** Central differences of f along every element of x, as columns of the Jacobian. */
async function differences(f: (x: Tensor) => Tensor, x: Tensor): Promise<Tensor> {
  const columns = Array.from({ length: x.numel }, (_, i) => {
    const h = zeros([x.numel])
      .indexFill(0, tensor([i], { dtype: "i32" }), 1e-5)
      .reshape(x.shape);
    return f(x.add(h))
      .sub(f(x.sub(h)))
      .div(2e-5);
  });
  return stack(columns, -1);
}

describe("derivatives of any shape", () => {
  const x = randn([3], random);

  test("the Jacobian and the Hessian equal central differences and are symmetric where they must be", async () => {
    await close(jacrev(hidden)(x), await differences(hidden, x), 1e-8);
    await close(hessian(loss)(x), await differences(grad(loss), x), 1e-6);
    const h = hessian(loss)(x);
    await close(h, h.T, 1e-12);
    const cube = (y: Tensor): Tensor => y.pow(3).sum();
    await close(hessian(cube)(x), x.mul(6).diag());
  });

  test("products with Jacobian and Hessian are what the matrices give", async () => {
    const [v, u] = [randn([3], random), randn([4], random)];
    await close(hvp(loss, x, v), hessian(loss)(x).matmul(v));
    const [value, pull] = vjp(hidden, x);
    await close(value, hidden(x));
    await close(pull(u)[0]!, jacrev(hidden)(x).T.matmul(u));
    const [same, slope] = jvp(hidden, x, v);
    await close(same, hidden(x));
    await close(slope, jacrev(hidden)(x).matmul(v));
    expect(slope.requiresGrad).toBe(false);
  });

  test("matrices as arguments and results; another argument; nothing that depends", async () => {
    const [a, b] = [randn([2, 3], random), randn([3, 2], random)];
    const product = (p: Tensor, q: Tensor): Tensor => p.matmul(q);
    const j = jacrev(product, 1)(a, b);
    const eye = zeros([2]).add(1).diag();
    await close(j, einsum("ij,kl->ikjl", a, eye).reshape(2, 2, 3, 2));
    await close(jacrev(() => tensor([1, 2]))(x), zeros([2, 3]));
    await close(jvp((y) => y.mul(0).detach(), x, x)[1], zeros([3]));
    expect(() => jacrev((y) => y.gt(0))(x)).toThrow(expect.objectContaining({ code: "DTYPE_UNSUPPORTED" }));
    expect(() => jvp(hidden, x, zeros([2]))).toThrow(expect.objectContaining({ code: "SHAPE_MISMATCH" }));
    expect(() => hvp(loss, x, zeros([2]))).toThrow(expect.objectContaining({ code: "SHAPE_MISMATCH" }));
  });

  test("third derivatives: the Jacobian of a Hessian, and the gradient of a Hessian's trace", async () => {
    const quartic = (y: Tensor): Tensor => y.pow(4).sum();
    const third = jacrev(hessian(quartic))(x);
    await close(
      third,
      x
        .mul(24)
        .diag()
        .diagEmbed()
        .mul(zeros([3]).add(1).diag().unsqueeze(-1)),
    );
    await close(grad((y) => hessian(quartic)(y).trace())(x), x.mul(24));
  });
});

describe("vmap and grad composed", () => {
  const xs = randn([5, 3], random);

  test("per-example gradients, Hessians and Hessian-vector products equal loops", async () => {
    const vs = randn([5, 3], random);
    await close(vmap(grad(loss))(xs), stack(xs.unbind().map((x) => grad(loss)(x))));
    await close(vmap(hessian(loss))(xs), stack(xs.unbind().map((x) => hessian(loss)(x))));
    const products = vmap((x, v) => hvp(loss, x, v))(xs, vs);
    await close(products, stack(xs.unbind().map((x, i) => hvp(loss, x, vs.select(0, i)))));
  });

  test("grad of a vmap by what its function captures, also by captured results of ops", async () => {
    const p = randn([3], random);
    const f = (q: Tensor): Tensor =>
      vmap((x) => x.mul(q.exp()).sum())(xs)
        .square()
        .sum();
    const plain = (q: Tensor): Tensor => xs.mul(q.exp()).sum(1).square().sum();
    await close(grad(f)(p), grad(plain)(p));
    await close(grad(f)(p.mul(2)), grad(plain)(p.mul(2)));
    await close(hessian(f)(p), hessian(plain)(p));
  });

  test("a vmap of a vmap with dimensions of its own on every side", async () => {
    const [a, b] = [randn([2, 4, 3], random), randn([3, 2, 5], random)];
    // Outer over a's last and b's first dimension, inner over a's first and b's first remaining one.
    const inner = vmap((p: Tensor, q: Tensor) => p.unsqueeze(1).mul(q), { inDims: [0, 0], outDim: 2 });
    const got = vmap(inner, { inDims: [2, 0], outDim: -1 })(a, b);
    const loop = stack(
      [0, 1, 2].map((k) =>
        stack(
          [0, 1].map((i) => a.select(2, k).select(0, i).unsqueeze(1).mul(b.select(0, k).select(0, i))),
          2,
        ),
      ),
      -1,
    );
    await close(got, loop);
  });

  test("results get their own dimensions, and one for each is asked for", async () => {
    const [s, m] = vmap((x) => [x.sum(), x.unsqueeze(0).mul(x.unsqueeze(1))], { outDim: [0, 2] })(xs) as [Tensor, Tensor];
    await close(s, xs.sum(1));
    await close(m, einsum("bi,bj->ijb", xs, xs));
    expect(() => vmap((x) => [x], { outDim: [0, 0] })(xs)).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
  });

  test("a gradient step inside a gradient (MAML): the outer gradient passes through the inner one", async () => {
    const x = randn([3], random);
    const inner = (p: Tensor): Tensor => loss(p);
    const outer = (p: Tensor): Tensor => loss(p.sub(grad(inner)(p).mul(0.1)));
    await close(grad(outer)(x), await differences(outer, x), 1e-7);
  });
});
