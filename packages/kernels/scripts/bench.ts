/** @file Measures the f32 kernels: median and best of many runs. Usage: node bench.ts [threads] [relaxed|simd] */
import {
  type ChainParams,
  type ConvSizes,
  F32_KERNELS,
  F32Engine,
  type Instruction,
  type Kernel,
  WORDS,
  writeInstruction,
} from "../src/index.ts";

const threads = Number(process.argv[2] ?? 1);
const relaxed = process.argv[3] !== "simd";
const engine = await F32Engine.create({ threads, relaxed });
const k = F32_KERNELS;

const room = (n: number): number => {
  const at = engine.alloc(4 * n);
  for (let i = 0; i < n; i++) engine.f32[at / 4 + i] = Math.sin(i) / 4;
  return at;
};

interface Step {
  readonly name: string;
  readonly instruction: Instruction;
  readonly scratch: number;
}
function step<P>(name: string, kernel: Kernel<P>, params: P): Step {
  return { name, instruction: kernel.encode(params), scratch: kernel.scratchBytes(params) };
}
function plan(steps: readonly Step[]): () => void {
  const table = engine.alloc(4 * WORDS * steps.length);
  steps.forEach((s, i) => {
    engine.reserveScratch(s.scratch);
    const side = s.instruction.side ? engine.alloc(s.instruction.side.byteLength) : 0;
    writeInstruction(engine.views, table, i, s.instruction, side);
  });
  return () => engine.run(table, steps.length);
}

/** Milliseconds of one call: median and best of repeats that last about 0.4 s in all. */
function time(run: () => void): { median: number; best: number } {
  for (let i = 0; i < 5; i++) run();
  const until = performance.now() + 400;
  const times: number[] = [];
  while (times.length < 7 || (performance.now() < until && times.length < 4000)) {
    const t = performance.now();
    run();
    times.push(performance.now() - t);
  }
  times.sort((a, b) => a - b);
  return { median: times[times.length >> 1]!, best: times[0]! };
}
function report(name: string, run: () => void, work?: { readonly unit: string; readonly amount: number }): void {
  const { median, best } = time(run);
  const rate = work ? ` ${(work.amount / median / 1e6).toFixed(1)} (${(work.amount / best / 1e6).toFixed(1)}) ${work.unit}` : "";
  console.log(`${name.padEnd(34)} ${median.toFixed(3)} (${best.toFixed(3)}) ms${rate}`);
}
const flops = (amount: number): { unit: string; amount: number } => ({ unit: "GFLOP/s", amount });
const bytes = (amount: number): { unit: string; amount: number } => ({ unit: "GB/s", amount });

function benchGemm(): void {
  for (const n of [64, 256, 512, 1024]) {
    const [a, b, c] = [room(n * n), room(n * n), room(n * n)];
    report(`gemm ${n}`, plan([step("", k.gemm, { a, b, c, m: n, n, k: n })]), flops(2 * n ** 3));
  }
  const [a, b, c] = [room(4096), room(1024 * 4096), room(4096)];
  report("gemv 1x4096 by 4096x1024", plan([step("", k.gemm, { a, b, c, m: 1, n: 1024, k: 4096 })]), flops(2 * 4096 * 1024));
}

function convSteps(
  s: ConvSizes,
  o: { x: number; w: number; y: number; b: number },
): { forward: Step; input: Step; weight: Step } {
  return {
    forward: step("conv2d", k.conv2d, { ...s, x: o.x, weight: o.w, y: o.y, bias: o.b }),
    input: step("conv2dGradInput", k.conv2dGradInput, { ...s, dy: o.y, weight: o.w, dx: o.x }),
    weight: step("conv2dGradWeight", k.conv2dGradWeight, { ...s, x: o.x, dy: o.y, dw: o.w }),
  };
}
function benchConv(): void {
  const shapes: readonly (readonly [string, ConvSizes, number, number])[] = [
    ["3x3 32->64, 8x28x28", { n: 8, c: 32, h: 28, w: 28, o: 64, kh: 3, kw: 3, padH: 1, padW: 1 }, 28, 28],
    ["5x5 1->6, 64x28x28", { n: 64, c: 1, h: 28, w: 28, o: 6, kh: 5, kw: 5, padH: 2, padW: 2 }, 28, 28],
    ["5x5 6->16, 64x14x14", { n: 64, c: 6, h: 14, w: 14, o: 16, kh: 5, kw: 5 }, 10, 10],
    [
      "3x3/2 32->64, 8x28x28",
      { n: 8, c: 32, h: 28, w: 28, o: 64, kh: 3, kw: 3, padH: 1, padW: 1, strideH: 2, strideW: 2 },
      14,
      14,
    ],
    ["3x3 256->256, 4x8x8", { n: 4, c: 256, h: 8, w: 8, o: 256, kh: 3, kw: 3, padH: 1, padW: 1 }, 8, 8],
    ["3x3 depthwise 64, 8x28x28", { n: 8, c: 64, h: 28, w: 28, o: 64, kh: 3, kw: 3, padH: 1, padW: 1, groups: 64 }, 28, 28],
  ];
  for (const [name, s, oh, ow] of shapes) {
    const y = s.n * s.o * oh * ow;
    const o = { x: room(s.n * s.c * s.h * s.w), w: room(s.o * s.c * s.kh * s.kw), y: room(y), b: room(s.o) };
    const amount = (2 * y * s.c * s.kh * s.kw) / (s.groups ?? 1);
    for (const part of Object.values(convSteps(s, o))) report(`${part.name} ${name}`, plan([part]), flops(amount));
  }
}

function benchElementwise(): void {
  for (const n of [1 << 14, 1 << 22]) {
    const [x, y, z, m, v] = [room(n), room(n), room(n), room(n), room(n)];
    const at = (address: number): { address: number; dtype: "f32" } => ({ address, dtype: "f32" });
    const number = (constant: number): { constant: number; dtype: "f32" } => ({ constant, dtype: "f32" });
    const one = (inputs: ChainParams["inputs"], steps: ChainParams["steps"], out: number): Step =>
      step("", k.chain, { shape: [n], inputs, steps, outputs: [{ value: inputs.length + steps.length - 1, address: out }] });
    const relu = one([at(x)], [{ op: "relu", args: [0] }], y);
    report(`relu ${n}`, plan([relu]), bytes(8 * n));
    const sgd = one(
      [at(x), at(z), number(0.01)],
      [
        { op: "mul", args: [1, 2] },
        { op: "sub", args: [0, 3] },
      ],
      x,
    );
    report(`p - rate * g ${n}`, plan([sgd]), bytes(12 * n));
    const bias = step("", k.chain, {
      shape: [n / 1024, 64, 16],
      inputs: [at(x), { ...at(z), strides: [0, 1, 0] }, number(0)],
      steps: [
        { op: "add", args: [0, 1] },
        { op: "maximum", args: [3, 2] },
      ],
      outputs: [{ value: 4, address: y }],
    });
    report(`bias (runs of 16) + relu ${n}`, plan([bias]), bytes(8 * n));
    const inputs = [
      at(x),
      at(z),
      at(m),
      at(v),
      number(0.9),
      number(0.1),
      number(0.999),
      number(0.001),
      number(1e-8),
      number(0.001),
    ];
    const adam = step("", k.chain, {
      ...{ shape: [n], inputs },
      steps: [
        { op: "mul", args: [1, 5] },
        { op: "fma", args: [2, 4, 10] },
        { op: "mul", args: [1, 1] },
        { op: "mul", args: [12, 7] },
        { op: "fma", args: [3, 6, 13] },
        { op: "sqrt", args: [14] },
        { op: "add", args: [15, 8] },
        { op: "div", args: [11, 16] },
        { op: "mul", args: [17, 9] },
        { op: "sub", args: [0, 18] },
      ],
      outputs: [
        { value: 11, address: m },
        { value: 14, address: v },
        { value: 19, address: x },
      ],
    });
    report(`Adam ${n}`, plan([adam]), bytes(28 * n));
    for (const op of ["exp", "tanh", "erf", "sin"] as const)
      report(`${op} ${n}`, plan([one([at(x)], [{ op, args: [0] }], y)]), bytes(8 * n));
    report(
      `sum ${n}`,
      plan([step("", k.reduce, { op: "sum", dtype: "f32", x, y, outer: 1, reduced: n, inner: 1 })]),
      bytes(4 * n),
    );
    const side = Math.sqrt(n);
    const shape = [side, side];
    const transpose = step("", k.stridedCopy, { src: x, dst: y, shape, srcStrides: [1, side], elementBytes: 4 });
    report(`transpose ${n}`, plan([transpose]), bytes(8 * n));
    report(`random bits ${n}`, plan([step("", k.randomBits, { key: z, offset: z + 8, y, n })]), bytes(4 * n));
  }
}

/** conv 5x5x16, relu, pool, conv 5x5x32, relu, pool, fc 128, relu, fc 10, cross-entropy, SGD; batch 64 of 28x28, "same" padding. */
function cnnSteps(): Step[] {
  const n = 64;
  const first: ConvSizes = { n, c: 1, h: 28, w: 28, o: 16, kh: 5, kw: 5, padH: 2, padW: 2 };
  const second: ConvSizes = { n, c: 16, h: 14, w: 14, o: 32, kh: 5, kw: 5, padH: 2, padW: 2 };
  const [x, w1, b1, c1] = [room(n * 784), room(400), room(16), room(n * 16 * 784)];
  const [p1, i1, w2, b2, c2] = [room(n * 16 * 196), room(n * 16 * 196), room(12800), room(32), room(n * 32 * 196)];
  const [p2, i2, w3, b3, h3] = [room(n * 1568), room(n * 1568), room(128 * 1568), room(128), room(n * 128)];
  const [w4, b4, out, target, loss, g] = [room(1280), room(10), room(n * 10), room(n * 10), room(n), room(n)];
  const [dout, dh3, dp2, dc2, dp1, dc1, rate] = [
    room(n * 10),
    room(n * 128),
    room(n * 1568),
    room(n * 6272),
    room(n * 3136),
    room(n * 12544),
    room(1),
  ];
  const [dw1, dw2, db] = [room(400), room(12800), room(128)];
  const pool1 = { n, c: 16, h: 28, w: 28, kh: 2, kw: 2 };
  const pool2 = { n, c: 32, h: 14, w: 14, kh: 2, kw: 2 };
  engine.f32[rate / 4] = 1e-6;
  const sgd = (p: number, d: number, size: number): Step =>
    step("sgd", k.chain, {
      shape: [size],
      inputs: [
        { address: p, dtype: "f32" },
        { address: d, dtype: "f32" },
        { address: rate, dtype: "f32", strides: [0] },
      ],
      steps: [
        { op: "mul", args: [1, 2] },
        { op: "sub", args: [0, 3] },
      ],
      outputs: [{ value: 4, address: p }],
    });
  const reluGrad = (d: number, y: number, size: number): Step =>
    step("reluGrad", k.chain, {
      shape: [size],
      inputs: [
        { address: d, dtype: "f32" },
        { address: y, dtype: "f32" },
      ],
      steps: [{ op: "reluGrad", args: [0, 1] }],
      outputs: [{ value: 2, address: d }],
    });
  const biasGrad = (d: number, c: number, inner: number): Step =>
    step("biasGrad", k.reduce, { op: "sum", dtype: "f32", x: d, y: db, outer: 1, reduced: n, inner: c, tail: inner });
  return [
    step("conv1", k.conv2d, { ...first, x, weight: w1, y: c1 }),
    step("pool1", k.maxPool2d, { ...pool1, x: c1, y: p1, index: i1, bias: b1, relu: true }),
    step("conv2", k.conv2d, { ...second, x: p1, weight: w2, y: c2 }),
    step("pool2", k.maxPool2d, { ...pool2, x: c2, y: p2, index: i2, bias: b2, relu: true }),
    step("fc1", k.gemm, { a: p2, b: w3, c: h3, m: n, n: 128, k: 1568, rsb: 1, csb: 1568, colBias: b3, relu: true }),
    step("fc2", k.gemm, { a: h3, b: w4, c: out, m: n, n: 10, k: 128, rsb: 1, csb: 128, colBias: b4 }),
    step("loss", k.softmaxCrossEntropy, { logits: out, target, losses: loss, n, c: 10 }),
    step("lossGrad", k.softmaxCrossEntropyGrad, { logits: out, target, g, grad: dout, n, c: 10 }),
    step("fc2 dx", k.gemm, { a: dout, b: w4, c: dh3, m: n, n: 128, k: 10 }),
    reluGrad(dh3, h3, n * 128),
    step("fc2 dw", k.gemm, { a: dout, b: h3, c: w4, m: 10, n: 128, k: n, rsa: 1, csa: 10, axpy: rate }),
    step("fc1 dx", k.gemm, { a: dh3, b: w3, c: dp2, m: n, n: 1568, k: 128 }),
    step("fc1 dw", k.gemm, { a: dh3, b: p2, c: w3, m: 128, n: 1568, k: n, rsa: 1, csa: 128, axpy: rate }),
    step("pool2 grad", k.maxPool2dGrad, { ...pool2, dy: dp2, index: i2, dx: dc2 }),
    biasGrad(dc2, 32, 196),
    step("conv2 dx", k.conv2dGradInput, { ...second, dy: dc2, weight: w2, dx: dp1 }),
    step("conv2 dw", k.conv2dGradWeight, { ...second, x: p1, dy: dc2, dw: dw2 }),
    sgd(w2, dw2, 12800),
    step("pool1 grad", k.maxPool2dGrad, { ...pool1, dy: dp1, index: i1, dx: dc1 }),
    biasGrad(dc1, 16, 784),
    step("conv1 dw", k.conv2dGradWeight, { ...first, x, dy: dc1, dw: dw1 }),
    sgd(w1, dw1, 400),
  ];
}

console.log(`threads ${threads}, ${relaxed ? "relaxed" : "plain"} SIMD: median (best)`);
const only = process.argv[4];
if (!only || only === "gemm") benchGemm();
if (!only || only === "conv") benchConv();
if (!only || only === "elementwise") benchElementwise();
if (!only || only === "cnn") {
  const steps = cnnSteps();
  report("CNN step, all kernels", plan(steps));
  for (const s of steps) report(`  ${s.name}`, plan([s]));
}
await engine.stop();
