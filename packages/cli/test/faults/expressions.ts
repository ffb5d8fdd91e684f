/** @file One expression for each kind of op, on the one input of the matrix: the driver computes it on shares, the rig in the clear. */
import { Tensor } from "@tacit/core";

/** 16 numbers, fixed-point exact and all different: as shares, as bytes or as text they are found wherever they should not be. */
export const VALUES: Float32Array = Float32Array.from({ length: 16 }, (_, i) => (((i * 7) % 16) - 7.5) / 4);
export const SHAPE: readonly number[] = [4, 4];

const picture = (x: Tensor): Tensor => x.reshape([1, 1, 4, 4]);

export type Op = "linear" | "comparison" | "division" | "convolution" | "pooling" | "sort" | "classOnly";

export const EXPRESSIONS: Readonly<Record<Op, (x: Tensor) => Tensor>> = {
  linear: (x) => x.matmul(x),
  comparison: (x) => x.relu(),
  division: (x) => x.softmax(1),
  convolution: (x) => picture(x).conv2d(x.narrow(0, 0, 2).narrow(1, 0, 2).reshape([1, 1, 2, 2])),
  pooling: (x) => picture(x).maxPool2d(2),
  sort: (x) => x.sort(1).values,
  classOnly: (x) => x.argmax(1),
};

/** The same in the clear, row by row. */
const CLEAR = new Map<Op, readonly number[]>();
export async function computeClear(): Promise<void> {
  for (const [op, of] of Object.entries(EXPRESSIONS) as [Op, (x: Tensor) => Tensor][]) {
    const values = await of(Tensor.from(VALUES, SHAPE)).data();
    CLEAR.set(op, Array.from(values, Number));
  }
}

export const expected = (op: Op): readonly number[] => CLEAR.get(op) ?? [];
