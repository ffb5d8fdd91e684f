/** @file The dataset that the Workers of workers.browser.test.ts read. */
import type { Tensor } from "@tacit/core";
import { type Dataset, examples } from "@tacit/core/data";

const inWorker = typeof document === "undefined";

/** [index, random number], and whether a Worker read it; sample 9 is bad there. */
export const dataset: Dataset<readonly [Tensor, Tensor]> = examples({
  length: 10,
  get: (index, { random }) => {
    if (index === 9 && inWorker) throw new Error("sample 9 is bad");
    return [{ values: Float32Array.of(index, random.next()), shape: [2], dtype: "f32" }, inWorker ? 1 : 0];
  },
});
