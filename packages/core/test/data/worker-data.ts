/** @file The datasets that the threads of workers.test.ts read. */
import { isMainThread, threadId } from "node:worker_threads";
import { Dataset } from "../../src/data/dataset.ts";
import { examples } from "../../src/data/examples.ts";
import { TacitError } from "../../src/errors.ts";
import { Tensor } from "../../src/tensor/tensor.ts";

/** [index, random number, thread]; sample 13 is bad, early samples are slow. */
export const dataset: Dataset<readonly [Tensor, Tensor]> = examples(
  {
    length: 20,
    get: async (index, { random }) => {
      await new Promise((resolve) => setTimeout(resolve, index < 4 ? 30 : 0));
      if (index === 13 && !isMainThread)
        throw new TacitError("PNG_INVALID", "sample 13: expected a picture, got none", { hint: "draw one" });
      return [{ values: Float32Array.of(index, random.next()), shape: [2], dtype: "f32" }, isMainThread ? 0 : threadId];
    },
  },
  { name: "slow ones", seed: 4 },
);

/** Ends its thread. */
class Fatal extends Dataset<readonly [Tensor]> {
  override read(): readonly [Tensor] {
    if (!isMainThread) process.exit(3);
    return [Tensor.from([1])];
  }
}
export const fatal: Dataset<readonly [Tensor]> = new Fatal("fatal", 4);
