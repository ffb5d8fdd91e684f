/** @file Every method of Tensor against plain arithmetic, on random shapes, on the reference device and on the default one. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpu } from "../../src/device/cpu/index.ts";
import type { Device } from "../../src/device/device.ts";
import { referenceDevice } from "../../src/device/reference/index.ts";
import { setDefaultDevice } from "../../src/engine/default-device.ts";
import { Random } from "../../src/random.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { TENSOR_ROWS } from "../vectors/tensor-rows.ts";
import { elementwise } from "./cases-elementwise.ts";
import { linear } from "./cases-linear.ts";
import { movement } from "./cases-movement.ts";
import { reductions } from "./cases-reduce.ts";
import { agrees } from "./harness.ts";

const cases = [...elementwise, ...reductions, ...movement, ...linear];
/** Tested elsewhere: they are about values, gradients and devices, not about arithmetic. */
const OTHERS = [
  ...["constructor", "derive", "binary", "device", "shape", "dtype", "ndim", "numel", "isFloatingPoint", "double", "toString"],
  ...["requiresGrad", "grad", "requiresGrad_", "retainGrad", "accumulateGrad", "backward", "copy_"],
  // nn/hooks tests
  "registerHook",
  // special.test.ts
  ...["isfinite", "isinf", "nanToNum", "isclose", "allclose", "equal"],
  // composed.test.ts
  ...[
    "t",
    "ravel",
    "reshapeAs",
    "viewAs",
    "typeAs",
    "rot90",
    "mv",
    "addmm",
    "baddbmm",
    "kron",
    "cross",
    "dist",
    "diff",
    "clampMin",
    "clampMax",
  ],
  ...["fmax", "fmin", "isposinf", "isneginf", "deg2rad", "rad2deg", "countNonzero", "nansum", "nanmean", "aminmax", "rounded"],
  // indexing.test.ts: they refuse; a helper.
  ...["maskedSelect", "nonzero", "chosen"],
  ...["realize", "data", "item", "tolist", "reveal"],
  ...["unary", "reduce", "folded", "extreme", "argument", "needFloat", "one", "triangle", "ranked", "sameDType"],
];

test("every method has a case here or golden vectors", () => {
  const names = new Set<string>();
  for (let p = Tensor.prototype; p !== Object.prototype; p = Object.getPrototypeOf(p)) {
    for (const name of Object.getOwnPropertyNames(p)) names.add(name);
  }
  const covered = new Set([...OTHERS, ...Object.keys(TENSOR_ROWS), ...cases.flatMap((c) => c.methods ?? [c.name])]);
  expect([...names].filter((n) => !covered.has(n))).toEqual([]);
});

const ROUNDS = process.env.TACIT_LONG ? 300 : 8;
const devices: readonly (readonly [string, () => Device, number, number])[] = [
  ["the reference device in f64", () => referenceDevice("f64"), ROUNDS, 1e-9],
  ["the reference device in f32", () => referenceDevice("f32"), 3, 2e-5],
  ["the cpu device", () => cpu(), 3, 5e-5],
];

describe.each(devices)("on %s", (_, make, rounds, tolerance) => {
  let former: Device | null;
  beforeAll(() => {
    former = setDefaultDevice(make());
  });
  afterAll(() => {
    setDefaultDevice(former);
  });
  test.each(cases.map((c, i) => [`${c.name} (${i})`, c] as const))("%s agrees", async (name, c) => {
    const random = new Random(1).fork(name);
    for (let i = 0; i < rounds; i++) await agrees(c.run(random), tolerance);
  });
});
