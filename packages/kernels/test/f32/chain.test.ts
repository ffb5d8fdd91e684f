/** @file Tests of elementwise chains: every operation, every kind of operand, whole fused updates. */
import { describe, expect, it } from "vitest";
import {
  type ChainInput,
  type ChainOp,
  type ChainParams,
  type ChainStep,
  ELEMENT_BYTES,
  type ElementType,
  F32_KERNELS,
  type MemoryViews,
} from "../../src/f32/index.ts";
import { F32_REFERENCES } from "../../src/f32/reference/index.ts";
import { type Buffers, engines, Numbers, type Output } from "./harness.ts";

const all = engines();
const { chain } = F32_KERNELS;

const SPECIAL = [0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3.7, 1e-40, -1e-40, 1e30, -1e30, 65536, 3e9, -3e9];
const NON_FINITE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

function values(random: Numbers, type: ElementType, n: number): number[] {
  if (type === "f32") {
    return Array.from({ length: n }, (_, i) =>
      i % 5 === 0 ? random.pick([...SPECIAL, ...NON_FINITE]) : (random.unit() - 0.5) * 20,
    );
  }
  if (type === "bool") return random.ints(n, 0, 1);
  if (type === "u8") return random.ints(n, 0, 255);
  const small = random.ints(n, 0, 40);
  return small.map((v, i) => (i % 3 === 0 ? random.bits() | 0 : type === "i32" && i % 3 === 1 ? -v : v));
}
function put(buffers: Buffers, type: ElementType, data: number[]): number {
  if (type === "f32") return buffers.f32(data);
  if (type === "i32") return buffers.i32(data);
  return type === "u32" ? buffers.u32(data.map((v) => v >>> 0)) : buffers.u8(data);
}
const arrayOf = (type: ElementType): Output["type"] => (type === "bool" ? "u8" : type);

/** Runs one chain whose inputs are arrays of random values. Tolerance: 2e-7 relative (about 2 ulp), 2e-45 for subnormals. */
function check(types: readonly ElementType[], steps: readonly ChainStep[], result: ElementType, n: number, seed = 1): void {
  all.check((buffers) => {
    const random = new Numbers(seed);
    const inputs = types.map((dtype): ChainInput => ({ address: put(buffers, dtype, values(random, dtype, n)), dtype }));
    const address = buffers.room(n, ELEMENT_BYTES[result]);
    const params: ChainParams = { shape: [n], inputs, steps, outputs: [{ value: types.length + steps.length - 1, address }] };
    const tolerance = result === "f32" ? { relative: 3e-7, absolute: 3e-45 } : {};
    return { kernel: chain, params, outputs: [{ address, n, type: arrayOf(result), ...tolerance }] };
  });
}

const UNARY: Readonly<Record<string, readonly ElementType[]>> = {
  neg: ["f32", "i32", "u32", "u8"],
  abs: ["f32", "i32", "u32", "u8"],
  sign: ["f32", "i32", "u32", "u8"],
  ...Object.fromEntries(
    "exp log sqrt rsqrt reciprocal sigmoid tanh erf log1p expm1 atan sin cos floor ceil round relu"
      .split(" ")
      .map((op) => [op, ["f32"] as const]),
  ),
  bitNot: ["i32", "u32", "u8", "bool"],
};
const NUMBERS: readonly ElementType[] = ["f32", "i32", "u32", "u8"];
const INTEGERS: readonly ElementType[] = ["i32", "u32", "u8"];
const EVERY: readonly ElementType[] = ["f32", "i32", "u32", "u8", "bool"];
const BINARY: Readonly<Record<string, readonly ElementType[]>> = {
  add: EVERY,
  sub: NUMBERS,
  mul: EVERY,
  div: ["f32"],
  rem: NUMBERS,
  pow: ["f32"],
  maximum: EVERY,
  minimum: EVERY,
  reluGrad: ["f32"],
  bitAnd: [...INTEGERS, "bool"],
  bitOr: [...INTEGERS, "bool"],
  bitXor: [...INTEGERS, "bool"],
  shiftLeft: INTEGERS,
  shiftRight: INTEGERS,
};
const pairs = (table: Readonly<Record<string, readonly ElementType[]>>): (readonly [string, ElementType])[] =>
  Object.entries(table).flatMap(([op, types]) => types.map((t) => [op, t] as const));

describe("chain operations agree with the reference", () => {
  it.each(pairs(UNARY))("%s of %s", (op, type) => check([type], [{ op: op as ChainOp, args: [0] }], type, 1100));
  it.each(pairs(BINARY))("%s of %s", (op, type) => check([type, type], [{ op: op as ChainOp, args: [0, 1] }], type, 700));
  it("pow and sign of infinities, NaN, ones and zeros are PyTorch's", () => {
    const [nan, inf] = [Number.NaN, Number.POSITIVE_INFINITY];
    // torch.pow (1.13): base, exponent, result.
    const powers: readonly (readonly number[])[] = [
      [1, nan, 1],
      [1, inf, 1],
      [1, -inf, 1],
      [-1, inf, 1],
      [-1, -inf, 1],
      [-1, nan, nan],
      [nan, 0, 1],
      [nan, 1, nan],
      [0, nan, nan],
      [2, inf, inf],
      [-2, inf, inf],
      [0.5, inf, 0],
      [-0.5, inf, 0],
      [0.5, -inf, inf],
      [-2, -inf, 0],
      [inf, -inf, 0],
      [-inf, 3, -inf],
      [-0, -3, -inf],
      [-8, 1 / 3, nan],
      [-2, 3, -8],
      [0, 0, 1],
    ];
    const signs: readonly (readonly number[])[] = [
      [nan, 0],
      [-nan, 0],
      [0, 0],
      [-0, 0],
      [inf, 1],
      [-inf, -1],
      [1e-45, 1],
      [-1e-45, -1],
    ];
    for (const [op, rows] of [
      ["pow", powers],
      ["sign", signs],
    ] as const) {
      all.check((buffers) => {
        const arity = rows[0]!.length - 1;
        const column = (k: number): number => buffers.f32(rows.map((row) => row[k]!));
        const inputs = Array.from({ length: arity }, (_, k): ChainInput => ({ address: column(k), dtype: "f32" }));
        const address = buffers.room(rows.length);
        const steps: ChainStep[] = [{ op, args: inputs.map((_, k) => k) }];
        const wanted = Float32Array.from(rows, (row) => row[arity]!);
        const reference = (p: ChainParams, memory: MemoryViews): number => {
          F32_REFERENCES.chain(p, memory);
          expect(memory.f32.slice(address / 4, address / 4 + rows.length)).toEqual(wanted);
          return 0;
        };
        const params: ChainParams = { shape: [rows.length], inputs, steps, outputs: [{ value: arity, address }] };
        return { kernel: chain, reference, params, outputs: [{ address, n: rows.length, type: "f32" }] };
      });
    }
  });
  it.each(EVERY)("comparisons of %s", (type) => {
    for (const op of ["eq", "ne", "lt", "le", "gt", "ge"] as const) check([type, type], [{ op, args: [0, 1] }], "bool", 130);
  });
  it.each(EVERY)("where of %s", (type) => check(["bool", type, type], [{ op: "where", args: [0, 1, 2] }], type, 515));
  it("fma of f32", () => {
    all.check((buffers) => {
      const random = new Numbers(5);
      const inputs = [0, 1, 2].map((): ChainInput => ({ address: buffers.f32(random.floats(600)), dtype: "f32" }));
      const address = buffers.room(600);
      const params: ChainParams = {
        shape: [600],
        inputs,
        steps: [{ op: "fma", args: [0, 1, 2] }],
        outputs: [{ value: 3, address }],
      };
      return { kernel: chain, params, outputs: [{ address, n: 600, type: "f32", absolute: 2e-7 }] };
    });
  });
  it("casts between all types", () => {
    for (const from of EVERY) for (const to of EVERY) check([from], [{ op: "cast", args: [0], to }], to, 260);
  });
  it("says which operation is not defined for a type", () => {
    const params: ChainParams = {
      ...{ shape: [4], inputs: [{ address: 65536, dtype: "i32" }], steps: [{ op: "exp", args: [0] }] },
      outputs: [{ value: 1, address: 65536 }],
    };
    expect(() => chain.encode(params)).toThrow(/chain: expected an operation on i32, got exp/);
  });
});

describe("chain operands", () => {
  it.each([
    { shape: [3, 5, 7], strides: [0, 1, 0] },
    { shape: [3, 5, 7], strides: [0, 0, 1] },
    { shape: [3, 5, 7], strides: [1, 0, 0] },
    { shape: [3, 5, 7], strides: [0, 0, 0] },
    { shape: [40, 1, 33], strides: [33, 0, 1] },
    { shape: [2, 3, 4, 3, 2, 5], strides: [1, 0, 2, 0, 8, 0] },
    { shape: [700, 3], strides: [1, 700] },
    { shape: [2, 1030], strides: [0, 2] },
    { shape: [], strides: [] },
    { shape: [0, 4], strides: [0, 1] },
  ])("are broadcast: shape $shape, strides $strides", ({ shape, strides }) => {
    for (const dtype of ["f32", "u8"] as const) {
      all.check((buffers) => {
        const random = new Numbers(9);
        const n = shape.reduce((a, b) => a * b, 1);
        const extent = 1 + strides.reduce((s, v, d) => s + v * Math.max(0, shape[d]! - 1), 0);
        const inputs: ChainInput[] = [
          { address: buffers.f32(random.floats(n)), dtype: "f32" },
          { address: put(buffers, dtype, values(random, dtype, extent)), dtype, strides },
        ];
        const address = buffers.room(n);
        const steps: ChainStep[] = [
          { op: "cast", args: [1], to: "f32" },
          { op: "maximum", args: [0, 2] },
        ];
        const params: ChainParams = { shape, inputs, steps, outputs: [{ value: 3, address }] };
        return { kernel: chain, params, outputs: [{ address, n, type: "f32" }] };
      });
    }
  });

  it("may be kept as they are, twice, and in other types at once", () => {
    all.check((buffers) => {
      const n = 1337;
      const x = buffers.f32(values(new Numbers(2), "f32", n));
      const outs = [buffers.room(n), buffers.room(n), buffers.room(n), buffers.room(n, 1), buffers.room(n, 1)];
      const params: ChainParams = {
        shape: [n],
        inputs: [
          { address: x, dtype: "f32" },
          { constant: 0.25, dtype: "f32" },
        ],
        steps: [
          { op: "mul", args: [0, 1] },
          { op: "gt", args: [2, 1] },
          { op: "bitNot", args: [3] },
        ],
        outputs: [0, 2, 2, 3, 4].map((value, i) => ({ value, address: outs[i]! })),
      };
      const outputs = outs.map((address, i): Output => ({ address, n, type: i < 3 ? "f32" : "u8" }));
      return { kernel: chain, params, outputs };
    });
  });

  it("may be updated in place while a later step still reads them", () => {
    all.check((buffers) => {
      const n = 1025;
      const random = new Numbers(4);
      const x = buffers.f32(random.floats(n));
      const y = buffers.room(n);
      const params: ChainParams = {
        shape: [n],
        inputs: [
          { address: x, dtype: "f32" },
          { constant: 2, dtype: "f32" },
        ],
        steps: [
          { op: "mul", args: [0, 1] },
          { op: "sub", args: [2, 0] },
          { op: "sub", args: [3, 0] },
        ],
        outputs: [
          { value: 2, address: x },
          { value: 4, address: y },
        ],
      };
      return { kernel: chain, params, outputs: [x, y].map((address) => ({ address, n, type: "f32" as const })) };
    });
  });
});

/** Adam's update in eleven steps; parameter, both moments in place. */
export function adam(p: number, g: number, m: number, v: number, rate: number, n: number): ChainParams {
  const f = (constant: number): ChainInput => ({ constant, dtype: "f32" });
  const at = (address: number): ChainInput => ({ address, dtype: "f32" });
  const inputs: ChainInput[] = [
    at(p),
    at(g),
    at(m),
    at(v),
    { ...at(rate), strides: [0] },
    f(0.9),
    f(0.1),
    f(0.999),
    f(0.001),
    f(1e-8),
  ];
  const steps: ChainStep[] = [
    { op: "mul", args: [1, 6] }, // 10
    { op: "fma", args: [2, 5, 10] }, // 11: m
    { op: "mul", args: [1, 1] },
    { op: "mul", args: [12, 8] },
    { op: "fma", args: [3, 7, 13] }, // 14: v
    { op: "sqrt", args: [14] },
    { op: "add", args: [15, 9] },
    { op: "div", args: [11, 16] },
    { op: "mul", args: [17, 4] },
    { op: "sub", args: [0, 18] }, // 19: p
  ];
  return {
    shape: [n],
    inputs,
    steps,
    outputs: [
      { value: 11, address: m },
      { value: 14, address: v },
      { value: 19, address: p },
    ],
  };
}

describe("whole chains", () => {
  it("computes Adam's update in place", () => {
    all.check((buffers) => {
      const n = 5003;
      const random = new Numbers(6);
      const [p, g, m] = [0, 1, 2].map(() => buffers.f32(random.floats(n)));
      const v = buffers.f32(random.floats(n).map(Math.abs));
      const params = adam(p!, g!, m!, v, buffers.f32([0.01]), n);
      const outputs = [p!, m!, v].map((address): Output => ({ address, n, type: "f32", relative: 1e-6, absolute: 1e-6 }));
      return { kernel: chain, params, outputs };
    });
  });

  it("reuses registers: a long chain needs few", () => {
    const steps = Array.from({ length: 40 }, (_, i): ChainStep => ({ op: "tanh", args: [i] }));
    const params: ChainParams = {
      shape: [64],
      inputs: [{ address: 65536, dtype: "f32" }],
      steps,
      outputs: [{ value: 40, address: 65536 }],
    };
    expect(chain.scratchBytes(params)).toBeLessThan(3 * 4 * 512);
  });

  it("agrees with the reference for random chains", () => {
    const random = new Numbers(8);
    const ops = ["add", "sub", "mul", "maximum", "minimum", "neg", "abs", "floor", "where", "lt", "fma"] as const;
    for (let i = 0; i < 30; i++) {
      const types: ElementType[] = ["f32", "f32", "f32", "bool"];
      const steps: ChainStep[] = [];
      for (let s = random.int(1, 12); s > 0; s--) {
        const floats = types.flatMap((t, v) => (t === "f32" ? [v] : []));
        const bools = types.flatMap((t, v) => (t === "bool" ? [v] : []));
        const op = random.pick(ops);
        const args =
          op === "where"
            ? [random.pick(bools), random.pick(floats), random.pick(floats)]
            : [0, 1, 2].map(() => random.pick(floats));
        steps.push({
          op,
          args: op === "where" || op === "fma" ? args : args.slice(0, ["neg", "abs", "floor"].includes(op) ? 1 : 2),
        });
        types.push(op === "lt" ? "bool" : "f32");
      }
      all.check((buffers) => {
        const data = new Numbers(i);
        const n = 1 + i * 61;
        const inputs = (["f32", "f32", "f32", "bool"] as const).map(
          (dtype): ChainInput => ({
            address: dtype === "f32" ? buffers.f32(data.ints(n, -9, 9)) : buffers.u8(data.ints(n, 0, 1)),
            dtype,
          }),
        );
        const last = types.length - 1;
        const outputs = [...new Set([last, Math.max(4, last - 2)])].map((value) => {
          const type = types[value]!;
          return { value, type, address: buffers.room(n, ELEMENT_BYTES[type]) };
        });
        // Small whole numbers, few steps: products stay exact, so that fused and separate rounding agree.
        return {
          kernel: chain,
          params: { shape: [n], inputs, steps, outputs },
          outputs: outputs.map((o): Output => ({ address: o.address, n, type: arrayOf(o.type), relative: 1e-5, absolute: 1e-3 })),
        };
      });
    }
  });
});
