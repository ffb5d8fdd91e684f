/** @file The DEBUG ladder: each level says its lines, a cache miss says what changed, and no line holds a value of a tensor. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cpu, debug, nn, optim, Random, Tensor, tensor } from "../../src/index.ts";
import { probe } from "../engine/probe.ts";

let lines: string[] = [];
let former: ((line: string) => void) | null = null;
beforeEach(() => {
  lines = [];
  former = debug.onLine((line) => lines.push(line));
});
afterEach(() => {
  debug.level = 0;
  debug.onLine(former);
});

/** Some value that no shape, size or time could show by chance. */
const SECRET = 918273.25;

async function train(sizes: readonly number[]): Promise<void> {
  const device = cpu();
  const random = new Random(1);
  const model = nn.sequential(nn.linear(6, 5, { device, random }), nn.relu(), nn.linear(5, 3, { device, random }));
  const opt = optim.sgd(model, { lr: 1e-9 });
  for (const n of sizes) {
    const x = Tensor.from(new Float32Array(6 * n).fill(SECRET), [n, 6], { device });
    await opt.step(nn.crossEntropy(model(x), Tensor.from(new Int32Array(n), [n])));
  }
}
const starts = (word: string): string[] => lines.filter((l) => l.startsWith(`tacit: ${word} `));

describe("the DEBUG ladder", () => {
  it("is silent at level 0", async () => {
    await train([4]);
    expect(lines).toEqual([]);
  });

  it("at level 1 says what is prepared, how large it is, and which input made the cache miss", async () => {
    debug.level = 1;
    await train([4, 4, 4, 2]);
    expect(lines.every((l) => l.startsWith("tacit: prepare "))).toBe(true);
    expect(lines[0]).toMatch(/^tacit: prepare [0-9a-f]{8} on cpu: \d+ nodes, \d+ inputs, [\d.e-]+ ms; the first Program there$/);
    expect(lines.at(-1)).toMatch(/; input 0 is f32\[2,6\], was f32\[4,6\]; input \d is i32\[2\], was i32\[4\]$/);
    expect(lines.length).toBeLessThanOrEqual(3);
  });

  it("names a literal that changed, and the line where a graph becomes another one", async () => {
    debug.level = 1;
    const x = Tensor.from([1, 2, 3], [3], { device: cpu() });
    await x.mul(2).exp().data();
    await x.mul(3).exp().data();
    await x.mul(3).tanh().data();
    expect(lines[1]).toMatch(/; constant of node 0 is 3, was 2$/);
    expect(lines[2]).toMatch(/; a new graph: node 2 is tanh at .*ladder\.test\.ts:\d+:\d+, the nearest Program has exp$/);
  });

  it("at level 2 says each run with its time and bytes", async () => {
    debug.level = 2;
    await train([4, 4]);
    expect(starts("run")).toHaveLength(2);
    expect(starts("run")[1]).toMatch(/^tacit: run [0-9a-f]{8} on cpu: [\d.e-]+ ms, \d+ B in, 4 B out$/);
  });

  it("at level 3 shows the Program and the plan, at level 4 each step with the user's line", async () => {
    debug.level = 3;
    await train([4]);
    expect(starts("Program")[0]).toContain("= softmaxCrossEntropy");
    expect(starts("plan")[0]).toContain("= gemm 4x5x6 bias relu");
    expect(starts("step")).toEqual([]);
    debug.level = 4;
    await train([4]);
    const gemm = starts("step").find((l) => l.includes("gemm 4x5x6"));
    expect(gemm).toMatch(/-> f32\[4,5\]: [\d.e-]+ ms(, [\d.e-]+ GFLOP\/s)?, at .*ladder\.test\.ts:\d+:\d+$/);
  });

  it("shows no value of a tensor at any level", async () => {
    debug.level = 4;
    await train([4]);
    expect(lines.join("\n")).not.toMatch(/918273/);
  });

  it("refuses other levels, and gives the one in force", () => {
    for (const level of [-1, 5, 1.5, Number.NaN]) {
      expect(() => {
        debug.level = level;
      }).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
    }
    debug.level = 2;
    expect(debug.level).toBe(2);
  });
});

it("a line names the Program that a device with gaps runs in place of the traced one", async () => {
  const device = probe({
    check: (p) => p.nodes.flatMap((n, node) => (n.op === "softmax" ? [{ node, op: n.op, reason: "no kernel" }] : [])),
  });
  debug.level = 1;
  await Tensor.from([1, 2], [2], { device }).softmax(0).data();
  const { id, nodes } = device.jobs[0]!.program;
  expect(lines[0]).toContain(`1 node, 1 input (written out as ${id.slice(0, 8)}, ${nodes.length} nodes)`);
});

describe("detectAnomaly", () => {
  const device = cpu();
  const failure = async (work: () => Promise<unknown>): Promise<unknown> => {
    const before = debug.detectAnomaly();
    try {
      await work();
      return null;
    } catch (error) {
      return error;
    } finally {
      debug.detectAnomaly(before);
    }
  };
  const anomaly = (message: RegExp): unknown =>
    expect.objectContaining({
      code: "ANOMALY_FOUND",
      message: expect.stringMatching(message) as string,
      at: expect.stringMatching(/ladder\.test\.ts:\d+:\d+$/) as string,
    });

  it("names the op that first makes NaN, and its line", async () => {
    const w = Tensor.from([-1, 4], [2], { device, requiresGrad: true });
    expect(await failure(() => optim.sgd([w], { lr: 0.1 }).step(w.sqrt().mul(2).sum()))).toEqual(
      anomaly(/^sqrt: .*got NaN in f32\[2\]$/),
    );
    expect(await w.tolist()).toEqual([-1, 4]);
  });

  it("goes back to the infinity from which a NaN comes, and into gradients", async () => {
    const w = Tensor.from([0, 4], [2], { device, requiresGrad: true });
    expect(await failure(() => w.log().mul(0).data())).toEqual(anomaly(/^log: .*got infinity/));
    const root = Tensor.from([0, 4], [2], { device, requiresGrad: true });
    expect(await failure(() => optim.sgd([root], { lr: 0.1 }).step(root.sqrt().sum()))).toEqual(anomaly(/got infinity/));
  });

  it("blames the data where they hold NaN already", async () => {
    const x = Tensor.from([Number.NaN, 1], [2], { device });
    expect(await failure(() => x.add(1).data())).toMatchObject({
      message: expect.stringMatching(/^input 0: .*NaN in f32\[2\]/) as string,
    });
  });

  it("leaves the line to what an op refuses, and no rejection without a handler where everything fails", async () => {
    const x = Tensor.from([1, 2], [2], { device });
    const far = Tensor.from([7], [1], { device, dtype: "i32" });
    const at = expect.stringMatching(/ladder\.test\.ts:\d+:\d+$/) as string;
    expect(await failure(() => x.indexSelect(0, far).data())).toMatchObject({ code: "INDEX_INVALID", at });
    const broken = probe({ turns: 3 });
    broken.prepare = () => new Promise((_, reject) => void setTimeout(() => reject(new Error("no memory")), 5));
    const y = Tensor.from([1, 2], [2], { device: broken });
    expect(await failure(() => y.add(1).data())).toMatchObject({ message: "no memory" });
  });

  it("lets masks of infinity pass, and healthy steps give the same numbers as without it", async () => {
    const run = async (): Promise<unknown> => {
      const w = Tensor.from([1, 2, 3, 4], [2, 2], { device, requiresGrad: true });
      const masked = w.maskedFill(
        tensor([
          [false, true],
          [false, false],
        ]),
        Number.NEGATIVE_INFINITY,
      );
      await optim.sgd([w], { lr: 0.5 }).step(masked.softmax(1).square().sum());
      return w.tolist();
    };
    let watched: unknown;
    expect(await failure(async () => (watched = await run()))).toBeNull();
    expect(watched).toEqual(await run());
  });
});
