/** @file Hooks of modules and tensors; containers; frozen parts; paths into a model; names of state dicts. */
import { describe, expect, test } from "vitest";
import { defaultDevice } from "../../src/engine/default-device.ts";
import { engineStats } from "../../src/engine/engine.ts";
import { TacitError } from "../../src/errors.ts";
import * as nn from "../../src/nn/index.ts";
import { sgd } from "../../src/optim/index.ts";
import { Random } from "../../src/random.ts";
import { noGrad } from "../../src/tensor/backward.ts";
import { ones, zeros } from "../../src/tensor/creation.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf } from "../errors.ts";

describe("a tensor's hook", () => {
  test("sees the whole gradient and may replace it, until it is removed", async () => {
    const x = Tensor.from([1, 2], [2], { requiresGrad: true });
    const y = x.mul(3);
    const seen: Tensor[] = [];
    const handle = y.registerHook((g) => {
      seen.push(g.mul(1));
      return g.mul(10);
    });
    y.mul(2).add(y).sum().backward();
    expect(await seen[0]!.tolist()).toEqual([3, 3]);
    expect(await x.grad!.tolist()).toEqual([90, 90]);
    handle.remove();
    x.grad = null;
    y.sum().backward();
    expect(await x.grad!.tolist()).toEqual([3, 3]);
    expect(seen.length).toBe(1);
  });

  test("of a parameter works in a step, stays over a new value, and is part of one Program for all steps", async () => {
    const layer = nn.linear(3, 1, { bias: false });
    nn.init.ones_(layer.weight);
    layer.weight.registerHook((g) => g.mul(0.5));
    layer.loadStateDict({ weight: zeros([1, 3]) });
    const opt = sgd(layer, { lr: 1 });
    const before = engineStats(defaultDevice()).prepared;
    for (let i = 0; i < 3; i++) await opt.step(layer(ones([1, 3])).sum());
    expect(await layer.weight.tolist()).toEqual([[-1.5, -1.5, -1.5]]);
    expect(engineStats(defaultDevice()).prepared - before).toBeLessThanOrEqual(2);
  });

  test("is differentiated again with the graph", async () => {
    const x = Tensor.from([2], [1], { requiresGrad: true });
    const y = x.mul(1);
    y.registerHook((g) => g.mul(x));
    y.square().sum().backward(undefined, { createGraph: true });
    expect(await x.grad!.item()).toBe(8); // 2y · x
    const first = x.grad!;
    x.grad = null;
    first.sum().backward();
    // d(2y·x)/dx along both factors; the way through y passes the hook once more.
    expect(await x.grad!.item()).toBe(4 + 2 * 2 * 2);
  });

  test("may take itself back and register itself anew while it runs; so may a module's", () => {
    const x = Tensor.from([1], [1], { requiresGrad: true });
    const layer = nn.relu();
    let calls = 0;
    const count = (): undefined => {
      if (++calls > 20) throw new Error("a hook ran without end");
    };
    const arm = (): void => {
      const handle = x.registerHook(() => {
        count();
        handle.remove();
        arm();
        return undefined;
      });
    };
    const armLayer = (): void => {
      const handle = layer.registerForwardHook(() => {
        count();
        handle.remove();
        armLayer();
        return undefined;
      });
    };
    arm();
    armLayer();
    for (let i = 0; i < 2; i++) layer(x).sum().backward();
    expect(calls).toBe(4);
  });

  test("is refused where no gradient comes, and for another shape", () => {
    expect(codeOf(() => zeros([2]).registerHook((g) => g))).toBe("AUTOGRAD_NO_GRAPH");
    const x = zeros([2], { requiresGrad: true });
    x.registerHook((g) => g.sum());
    expect(codeOf(() => x.sum().backward())).toBe("SHAPE_MISMATCH");
  });
});

class Two extends nn.Module {
  forward(a: Tensor, b: Tensor): Tensor {
    return a.mul(2).add(b.sum(1, { keepdim: true }).mul(3));
  }
}

describe("a module's hooks", () => {
  test("before and after forward see and replace, in the order of their registration", async () => {
    const layer = nn.relu();
    const calls: string[] = [];
    const handles = [
      layer.registerForwardPreHook((_m, [x]) => [(x as Tensor).neg()]),
      layer.registerForwardPreHook((m) => void calls.push(`before ${m === layer}`)),
      layer.registerForwardHook((_m, [x], y) => {
        calls.push(`after ${(x as Tensor).shape} ${(y as Tensor).shape}`);
        return (y as Tensor).mul(2);
      }),
    ];
    expect(await layer(Tensor.from([-1, 2])).tolist()).toEqual([2, 0]);
    expect(calls).toEqual(["before true", "after 2 2"]);
    for (const h of handles) h.remove();
    expect(await layer(Tensor.from([-1, 2])).tolist()).toEqual([0, 2]);
    layer.registerForwardPreHook(() => 3);
    expect(codeOf(() => layer(zeros([1])))).toBe("ARGUMENT_INVALID");
  });

  test("on gradients get those of all inputs and outputs at once, and change what goes on", async () => {
    const two = new Two();
    const [a, b, c] = [ones([2, 1]).requiresGrad_(), ones([2, 3]).requiresGrad_(), ones([2, 1])];
    const seen: (Tensor | null)[] = [];
    const handle = two.registerFullBackwardHook((m, inputs, outputs) => {
      expect(m).toBe(two);
      seen.push(...inputs, ...outputs);
      return [null, inputs[1]!.mul(100)];
    });
    two(a, b)
      .mul(Tensor.from([1, 2], [2, 1]))
      .sum()
      .backward();
    expect(seen.map((g) => g?.shape)).toEqual([
      [2, 1],
      [2, 3],
      [2, 1],
    ]);
    expect(await seen[2]!.tolist()).toEqual([[1], [2]]);
    expect(await a.grad!.tolist()).toEqual([[2], [4]]);
    expect(await b.grad!.tolist()).toEqual([
      [300, 300, 300],
      [600, 600, 600],
    ]);
    seen.length = 0;
    two.registerFullBackwardHook((_m, inputs) => void seen.push(...inputs) as undefined);
    handle.remove();
    two(c, b).sum().backward();
    expect(seen.map((g) => g?.shape)).toEqual([undefined, [2, 3]]);
    expect(noGrad(() => two(a, b)).shape).toEqual([2, 1]);
  });

  test("on gradients are called where only parameters need one", async () => {
    const layer = nn.linear(2, 3);
    let outputs: nn.Gradients = [];
    let inputs: nn.Gradients = [];
    layer.registerFullBackwardHook((_m, i, o) => {
      [inputs, outputs] = [i, o];
      return undefined;
    });
    layer(ones([1, 2]))
      .mul(4)
      .sum()
      .backward();
    expect(inputs).toEqual([null]);
    expect(await outputs[0]!.tolist()).toEqual([[4, 4, 4]]);
    expect(await layer.bias!.grad!.tolist()).toEqual([4, 4, 4]);
  });
});

class Mixed extends nn.Module {
  readonly blocks: nn.ModuleList<nn.Linear> = nn.moduleList([nn.linear(2, 2), nn.linear(2, 2)]);
  readonly heads: nn.ModuleDict<nn.Linear> = nn.moduleDict({ age: nn.linear(2, 1), name: nn.linear(2, 3) });
  readonly scales: nn.ParameterList = nn.parameterList([ones([1]), ones([2])]);

  forward(x: Tensor, head: string): Tensor {
    let y = x;
    for (const block of this.blocks) y = block(y).relu();
    return this.heads.get(head)(y).mul(this.scales.at(0));
  }
}

describe("containers", () => {
  test("name what they hold as PyTorch's", () => {
    const names = new Mixed().namedParameters().map(([name]) => name);
    expect(names).toEqual([
      "blocks.0.weight",
      "blocks.0.bias",
      "blocks.1.weight",
      "blocks.1.bias",
      "heads.age.weight",
      "heads.age.bias",
      "heads.name.weight",
      "heads.name.bias",
      "scales.0",
      "scales.1",
    ]);
  });

  test("hold, grow and refuse", () => {
    const net = new Mixed();
    expect(net(zeros([1, 2]), "name").shape).toEqual([1, 3]);
    expect([net.blocks.length, net.blocks.append(nn.linear(2, 2)).length, net.heads.size, net.scales.length]).toEqual([
      2, 3, 2, 2,
    ]);
    expect(net.blocks.at(-1)).toBe([...net.blocks][2]);
    expect(codeOf(() => net.blocks.at(3))).toBe("INDEX_INVALID");
    expect(codeOf(() => net.heads.get("height"))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => net.heads.set("a.b", nn.linear(1, 1)))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => net.blocks.forward())).toBe("ARGUMENT_INVALID");
  });

  test("are walked by paths, and a wrong path names the nearest", () => {
    const net = nn.sequential(nn.sequential(nn.linear(2, 3)), nn.batchNorm2d(3));
    expect(net.getSubmodule("0.0")).toBeInstanceOf(nn.Linear);
    expect(net.getSubmodule("")).toBe(net);
    expect(net.getParameter("0.0.weight").shape).toEqual([3, 2]);
    expect(net.getBuffer("1.runningMean").shape).toEqual([3]);
    expect(new Mixed().getParameter("scales.1").shape).toEqual([2]);
    for (const [run, meant] of [
      [() => net.getParameter("0.0.wieght"), "0.0.weight"],
      [() => net.getSubmodule("0.9"), "0.0"],
    ] as const) {
      let hint: string | undefined;
      try {
        run();
      } catch (e) {
        hint = (e as TacitError).hint;
      }
      expect(hint).toContain(meant);
    }
  });
});

describe("the names of a state dict", () => {
  class Numbered extends nn.Module {
    readonly layer1: nn.Sequential = nn.sequential(nn.linear(1, 1));
    readonly inProjWeight: nn.Parameter = nn.parameter(zeros([1]));
    readonly weightIhL0: nn.Parameter = nn.parameter(zeros([1]));
    readonly conv_2: nn.Linear = nn.linear(1, 1, { bias: false });
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const state = (): Record<string, Tensor> => ({
    in_proj_weight: ones([1]),
    weight_ih_l0: ones([1]),
    "layer1.0.weight": ones([1, 1]),
    "layer1.0.bias": ones([1]),
    "conv2.weight": ones([1, 1]),
  });
  const fault = (s: Record<string, Tensor>): TacitError => {
    try {
      new Numbered().loadStateDict(s);
    } catch (e) {
      if (e instanceof TacitError) return e;
    }
    throw new Error("expected a refusal");
  };

  test("match ours with numbers and underscores", async () => {
    const net = new Numbered();
    net.loadStateDict(state());
    for (const p of net.parameters()) expect(await p.sum().item()).toBe(1);
  });

  test("that are unknown are told with what may be meant", () => {
    const { "layer1.0.weight": weight, ...rest } = state();
    expect(fault({ ...rest, "layer1.0.wieght": weight! }).message).toContain(
      "layer1.0.wieght is not in the model (is layer1.0.weight meant?)",
    );
    const wrapped = Object.fromEntries(Object.entries(state()).map(([name, t]) => [`module.${name}`, t]));
    expect(fault(wrapped).hint).toContain('"module."');
    expect(fault({ ...state(), inProjWeight: ones([1]) }).message).toContain("inProjWeight is there twice");
  });
});

test("a frozen part keeps its values while the rest learns", async () => {
  const model = nn.sequential(nn.linear(2, 3, { random: new Random(1) }), nn.tanh(), nn.linear(3, 1, { random: new Random(2) }));
  model.layers[0]!.requiresGrad_(false);
  const before = await Promise.all(model.parameters().map((p) => p.data()));
  const opt = sgd(model, { lr: 0.1 });
  await opt.step(model(ones([4, 2])).sum());
  const after = await Promise.all(model.parameters().map((p) => p.data()));
  expect(after.map((v, i) => JSON.stringify(v) === JSON.stringify(before[i]))).toEqual([true, true, false, false]);
});
