/** @file Module: callable classes, names, modes, state dicts, devices. */
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { referenceDevice } from "../../src/device/reference/index.ts";
import { TacitError } from "../../src/errors.ts";
import * as nn from "../../src/nn/index.ts";
import { sgd } from "../../src/optim/index.ts";
import { Random } from "../../src/random.ts";
import { ones, zeros } from "../../src/tensor/creation.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf } from "../errors.ts";

class Block extends nn.Module {
  override readonly name = "a property that functions have, too";
  readonly fc: nn.Linear;
  readonly scale: nn.Parameter = nn.parameter(Tensor.from([2]));

  constructor(size: number) {
    super();
    this.fc = nn.linear(size, size, { bias: false });
  }

  forward(x: Tensor, shift: Tensor): Tensor {
    return this.fc(x).mul(this.scale).add(shift);
  }
}

class Net extends nn.Module {
  readonly blocks: readonly Block[] = [new Block(3), new Block(3)];
  readonly norm: nn.BatchNorm2d = nn.batchNorm2d(2);
  readonly seen: nn.Buffer = nn.buffer(Tensor.from([0]));
  readonly tied: nn.Parameter = this.blocks[0]!.scale;

  forward(x: Tensor): Tensor {
    let y = x;
    for (const block of this.blocks) y = block(y, this.seen);
    return y;
  }
}

describe("a module", () => {
  test("is called like a function, with the types of its forward", async () => {
    const net = new Net();
    const x = Tensor.from([1, 2, 3, 4, 5, 6], [2, 3]);
    const y: Tensor = net(x);
    const [a, b] = net.blocks as [Block, Block];
    const byHand = x.linear(a.fc.weight).mul(2).linear(b.fc.weight).mul(2);
    expect(await y.data()).toEqual(await byHand.data());
    expect(net).toBeInstanceOf(nn.Module);
    expect(a.name).toBe("a property that functions have, too");
  });

  test("names parameters and buffers by their path, each once", () => {
    const net = new Net();
    const names = ["tied", "blocks.0.fc.weight", "blocks.1.scale", "blocks.1.fc.weight", "norm.weight", "norm.bias"];
    expect(net.namedParameters().map(([name]) => name)).toEqual(names);
    expect(net.namedBuffers().map(([name]) => name)).toEqual([
      "seen",
      "norm.runningMean",
      "norm.runningVar",
      "norm.numBatchesTracked",
    ]);
    expect(net.parameters().length).toBe(6);
    expect(net.namedModules().map(([name]) => name)).toEqual(["", "blocks.0", "blocks.0.fc", "blocks.1", "blocks.1.fc", "norm"]);
  });

  test("goes into training and evaluation with everything below it", () => {
    const net = new Net();
    expect(net.training && net.norm.training).toBe(true);
    expect(net.eval()).toBe(net);
    expect(net.namedModules().some(([, m]) => m.training)).toBe(false);
    net.train();
    expect(net.namedModules().every(([, m]) => m.training)).toBe(true);
  });

  test("applies a function to children before parents", () => {
    const order: string[] = [];
    nn.sequential(nn.linear(2, 2), nn.sequential(nn.relu())).apply((m) => void order.push(m.constructor.name));
    expect(order).toEqual(["Activation", "Sequential", "Linear", "Sequential"]);
  });

  test("prints its structure and no values, also in the console", () => {
    const net = nn.sequential(nn.linear(2, 3), nn.dropout(0.25));
    expect(String(net)).toBe("Sequential(\n  (0): Linear(2, 3)\n  (1): Dropout(0.25)\n)");
    expect(inspect(net)).toBe(String(net));
    expect((net as unknown as Record<symbol, () => unknown>)[Symbol.for("Jupyter.display")]!()).toEqual({
      "text/plain": String(net),
    });
    expect(inspect(nn.linear(1, 1).weight)).toMatch(/^Tensor<f32\[1,1\] .*>$/);
  });

  test("forgets gradients, and switches them off", () => {
    const layer = nn.linear(2, 1);
    layer(ones([1, 2]))
      .sum()
      .backward();
    expect(layer.weight.grad).not.toBeNull();
    layer.zeroGrad();
    expect(layer.weight.grad).toBeNull();
    layer.requiresGrad_(false);
    expect(layer(ones([1, 2])).requiresGrad).toBe(false);
  });
});

describe("a state dict", () => {
  test("carries a model's state to another, exactly, and then leaves both alone", async () => {
    const [a, b] = [new Net(), new Net()];
    const x = ones([2, 3]);
    expect(await b(x).data()).not.toEqual(await a(x).data());
    b.loadStateDict(a.stateDict());
    expect(await b(x).data()).toEqual(await a(x).data());
    expect(b.parameters().every((p) => p.requiresGrad)).toBe(true);
    nn.init.zeros_(a.blocks[0]!.fc.weight);
    expect(await b(x).data()).not.toEqual(await a(x).data());
  });

  test("that does not fit is refused whole, with every fault listed", async () => {
    const layer = nn.linear(2, 3);
    const before = await layer.weight.data();
    const state = { weight: zeros([2, 3]), extra: zeros([1]) };
    let message = "";
    try {
      layer.loadStateDict(state);
    } catch (e) {
      message = e instanceof TacitError ? `${e.code} ${e.message}` : String(e);
    }
    for (const part of ["STATE_MISMATCH", "weight is f32[2,3], not f32[3,2]", "bias is missing", "extra is not in the model"])
      expect(message).toContain(part);
    expect(await layer.weight.data()).toEqual(before);
    expect(codeOf(() => layer.loadStateDict({ weight: zeros([2, 3]) }, { strict: false }))).toBe("STATE_MISMATCH");
    expect(codeOf(() => layer.loadStateDict({ weight: zeros([3, 2]), extra: zeros([1]) }, { strict: false }))).toBe("no error");
    expect([...(await layer.weight.data())]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("understands PyTorch's names", async () => {
    const norm = nn.batchNorm2d(1);
    const state = {
      weight: ones([1]),
      bias: ones([1]),
      running_mean: Tensor.from([3]),
      running_var: Tensor.from([4]),
      num_batches_tracked: Tensor.from(BigInt64Array.of(9n), []),
    };
    norm.loadStateDict(state);
    expect([await norm.runningMean?.item(), await norm.runningVar?.item(), await norm.numBatchesTracked?.item()]).toEqual([
      3, 4, 9,
    ]);
  });

  test("is refused from another device", async () => {
    const there = await nn.linear(2, 2).to(referenceDevice("f32"));
    expect(codeOf(() => nn.linear(2, 2).loadStateDict(there.stateDict()))).toBe("DEVICE_MISMATCH");
  });
});

test("a model moves to another device, learns there, and keeps its values", async () => {
  const model = nn.sequential(nn.conv2d(1, 2, 2), nn.batchNorm2d(2), nn.flatten());
  const x = Tensor.from([1, 2, 3, 4, 5, 6, 7, 8, 10], [1, 1, 3, 3]);
  const before = await model.eval()(x).data();
  const device = referenceDevice("f32");
  expect(await model.to(device)).toBe(model);
  for (const p of model.parameters()) expect([p.device, p.requiresGrad, p instanceof nn.Parameter]).toEqual([device, true, true]);
  const after = await model(x).data();
  for (const [i, v] of before.entries()) expect(after[i]).toBeCloseTo(Number(v), 5);
});

describe("layers", () => {
  test("refuse sizes that make no sense", () => {
    expect(codeOf(() => nn.linear(0, 2))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => nn.linear(2.5, 2))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => nn.conv2d(3, 4, 3, { groups: 2 }))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => nn.conv2d(2, 2, [3, 0]))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => nn.batchNorm2d(2)(zeros([1, 3, 2, 2])))).toBe("SHAPE_MISMATCH");
    expect(codeOf(() => nn.batchNorm2d(2)(zeros([1, 2, 1, 1])))).toBe("SHAPE_MISMATCH");
    expect(codeOf(() => nn.dropout(1.5))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => nn.linear(3, 2)(zeros([4, 2])))).toBe("SHAPE_MISMATCH");
    expect(codeOf(() => nn.parameter(Tensor.from(Int32Array.of(1))))).toBe("DTYPE_UNSUPPORTED");
  });

  test("start from the seed that is given, or from manualSeed", async () => {
    const weight = async (seed: number): Promise<unknown> => nn.linear(4, 4, { random: new Random(seed) }).weight.data();
    expect(await weight(1)).toEqual(await weight(1));
    expect(await weight(1)).not.toEqual(await weight(2));
    nn.manualSeed(8);
    const first = await nn.conv2d(1, 2, 3).weight.data();
    nn.manualSeed(8);
    expect(await nn.conv2d(1, 2, 3).weight.data()).toEqual(first);
  });

  test("activations and pools do what the tensor methods do", async () => {
    const x = Tensor.from(
      Float32Array.from({ length: 32 }, (_, i) => Math.sin(i)),
      [1, 2, 4, 4],
    );
    const pairs: [nn.Layer, Tensor][] = [
      [nn.relu(), x.relu()],
      [nn.sigmoid(), x.sigmoid()],
      [nn.tanh(), x.tanh()],
      [nn.gelu(), x.gelu()],
      [nn.gelu({ approximate: "tanh" }), x.gelu({ approximate: "tanh" })],
      [nn.softmax(1), x.softmax(1)],
      [nn.logSoftmax(), x.logSoftmax(3)],
      [nn.flatten(), x.reshape(1, 32)],
      [nn.flatten(0), x.reshape(32)],
      [nn.maxPool2d(2), x.maxPool2d(2)],
      [nn.maxPool2d([3, 2], { stride: 1, padding: 1 }), x.maxPool2d([3, 2], { stride: 1, padding: 1 })],
      [nn.avgPool2d(2, { padding: 1, countIncludePad: false }), x.avgPool2d(2, { padding: 1, countIncludePad: false })],
    ];
    for (const [layer, wanted] of pairs) {
      const y = layer(x);
      expect(y.shape).toEqual(wanted.shape);
      expect(await y.data(), String(layer)).toEqual(await wanted.data());
    }
  });
});

test("a class of one's own is a layer like any other, and learns", async () => {
  class Residual extends nn.Module {
    readonly fc: nn.Linear = nn.linear(4, 4);
    forward(x: Tensor): Tensor {
      return x.add(this.fc(x).tanh());
    }
  }
  const model = nn.sequential(new Residual(), nn.linear(4, 2), new Same());
  const [x, y] = [ones([3, 4]), Tensor.from(Int32Array.of(0, 1, 0))];
  const before = await model(x).data();
  await sgd(model, { lr: 0.5 }).step(nn.crossEntropy(model(x), y));
  expect(await model(x).data()).not.toEqual(before);
  expect(await nn.accuracy(new Same(), [[x, y]])).toBeCloseTo(2 / 3, 10);
});

class Same extends nn.Module {
  forward(x: Tensor): Tensor {
    return x.mul(1);
  }
}
