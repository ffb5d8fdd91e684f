/** @file Golden values written by tools/vectors against PyTorch: reading them, and comparing on two devices. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Device } from "../../src/device/device.ts";
import { referenceDevice } from "../../src/device/reference/index.ts";
import { defaultDevice, setDefaultDevice } from "../../src/engine/default-device.ts";
import type { DType } from "../../src/program/dtype.ts";
import { Tensor } from "../../src/tensor/tensor.ts";

export interface Packed {
  readonly shape: readonly number[];
  readonly dtype: "f64" | "i32" | "bool";
  readonly data: readonly number[];
}

/** An op on inputs, its output, the gradient that flows into it and the gradients that come out. */
export interface Case {
  readonly op: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly inputs: readonly Packed[];
  readonly output: Packed;
  readonly upstream?: readonly number[];
  readonly grads?: readonly (readonly number[] | null)[];
}

/** A place to compare on: device, float dtype, and the error allowed relative to the largest value (at least 1). */
export interface Place {
  readonly name: string;
  readonly dtype: "f64" | "f32";
  readonly tolerance: number;
  readonly device: Device;
}

/** The oracle in f64, to 1e-10; the default device in f32, to 2e-5 (sums of up to 100 products, 2^-24 each, with a margin). */
export const PLACES: readonly Place[] = [
  { name: "reference, f64", dtype: "f64", tolerance: 1e-10, device: referenceDevice("f64") },
  { name: "default device, f32", dtype: "f32", tolerance: 2e-5, device: defaultDevice() },
];

export function readVectors<T>(file: string): T {
  const content: unknown = JSON.parse(readFileSync(new URL(`../../../../vectors/${file}`, import.meta.url), "utf8"));
  return content as T;
}

/** Runs `body` with the place's device as the default. */
export async function on<T>(place: Place, body: () => Promise<T>): Promise<T> {
  const former = setDefaultDevice(place.device);
  try {
    return await body();
  } finally {
    setDefaultDevice(former);
  }
}

export function unpack(p: Packed, place: Place): Tensor {
  const dtype: DType = p.dtype === "f64" ? place.dtype : p.dtype;
  return Tensor.from([...p.data], p.shape, { dtype });
}

/** Every value within the place's tolerance; names the worst one. */
export function expectClose(
  actual: ArrayLike<number | bigint>,
  wanted: readonly number[],
  tolerance: number,
  what: string,
): void {
  expect(actual.length, `${what}: length`).toBe(wanted.length);
  const scale = wanted.reduce((m, v) => Math.max(m, Math.abs(v)), 1);
  let worst = 0;
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs(Number(actual[i]) - wanted[i]!);
    worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
  }
  expect(worst / scale, `${what}: largest error over ${scale}`).toBeLessThanOrEqual(tolerance);
}

/** Forward value and gradients of a case. */
export async function checkCase(
  c: Case,
  run: (inputs: readonly Tensor[], args: Case["args"]) => Tensor,
  place: Place,
): Promise<void> {
  const what = `${c.op} ${JSON.stringify(c.args).slice(0, 80)} of ${c.inputs.map((x) => `[${x.shape}]`).join(" ")}`;
  const inputs = c.inputs.map((p) => unpack(p, place));
  if (c.upstream) for (const x of inputs) if (x.isFloatingPoint) x.requiresGrad_();
  const y = run(inputs, c.args);
  expect([...y.shape], `${what}: shape`).toEqual([...c.output.shape]);
  if (c.upstream) y.backward(Tensor.from([...c.upstream], y.shape, { dtype: place.dtype }));
  expectClose(await y.data(), c.output.data, place.tolerance, what);
  for (const [i, wanted] of (c.grads ?? []).entries()) {
    const { grad } = inputs[i]!;
    if (wanted === null || grad === null) {
      // PyTorch leaves no gradient, or ours is none: then PyTorch's must be zero.
      expect(
        (wanted ?? []).every((v) => v === 0),
        `${what}: gradient ${i}`,
      ).toBe(true);
      continue;
    }
    expectClose(await grad.data(), wanted, place.tolerance, `${what}: gradient ${i}`);
  }
}
