/** @file Supply: where a job on shares gets its model and its pictures, and how results leave: all on this machine, or each at its owner's. */
import type { Tensor } from "@tacit/core";
import type { Disclosure } from "@tacit/core/device";
import type * as nn from "@tacit/core/nn";
import type { TypedArray } from "@tacit/core/program";
import { mpc, oneHot } from "@tacit/mpc";
import { type Block, blocksOf, type Samples, sliceOf } from "./batches.ts";
import type { SecretDevice } from "./device.ts";

/** Pictures f32 [n, 1, 28, 28] and one-hot labels f32 [n, classes] at the parties. */
export type Shared = readonly [images: Tensor, labels: Tensor];

/** Inputs of pictures, used one after the other. */
export class SharedBlocks {
  readonly rows: readonly Block[];
  readonly #share: (block: number) => Shared;
  readonly #ahead: number;
  readonly #shared: Shared[] = [];

  /** `ahead` blocks are shared while one is in use: sharing all at once would take several times their size. */
  constructor(rows: readonly Block[], ahead: number, share: (block: number) => Shared) {
    this.rows = rows;
    this.#ahead = ahead;
    this.#share = share;
  }

  take(block: number): Shared {
    const wanted = Math.min(block + 1 + this.#ahead, this.rows.length);
    while (this.#shared.length < wanted) this.#shared.push(this.#share(this.#shared.length));
    return this.#shared[block]!;
  }

  /** Pictures in all blocks. */
  get count(): number {
    return this.rows.reduce((n, { start, end }) => n + end - start, 0);
  }
}

export interface Supply {
  /** The model, its weights at the parties. */
  model(): Promise<nn.Layer>;
  readonly train: SharedBlocks;
  readonly test: SharedBlocks;
  /** Null where the value goes to somebody who is not here: then `what` says which of several it is. */
  disclose(value: Tensor, disclosure: Disclosure, what?: string): Promise<TypedArray | null>;
}

/** Encrypted test pictures of one input. */
const TEST_BLOCK = 1000;

/** Rows 0 to `count` in blocks of `size`. */
const cut = (count: number, size: number): Block[] =>
  Array.from({ length: Math.ceil(count / size) }, (_, i) => ({ start: i * size, end: Math.min(count, (i + 1) * size) }));

/** Data and new weights that are on this machine: shared as they are needed (but for `restored` inputs), revealed here. */
export function localSupply(
  device: SecretDevice,
  build: () => nn.Layer,
  samples: { readonly train: Samples; readonly test: Samples },
  { batch, classes, owner }: { readonly batch: number; readonly classes: number; readonly owner: string },
  restored: ReadonlyMap<string, Tensor> = new Map(),
): Supply {
  const at = (name: string): Tensor | undefined => restored.get(mpc.handleOf(owner, name));
  const share = (name: string, part: Samples): Shared => [
    at(`${name}-images`) ?? device.input(`${name}-images`, { values: part.images, shape: [part.count, 1, 28, 28] }, { owner }),
    at(`${name}-labels`) ?? device.input(`${name}-labels`, oneHot(part.labels, classes), { owner }),
  ];
  const blocks = (name: string, rows: readonly Block[], of: Samples, ahead: number): SharedBlocks =>
    new SharedBlocks(rows, ahead, (i) => share(`${name}-${i}`, sliceOf(of, rows[i]!.start, rows[i]!.end)));
  return {
    model: () => build().to(device),
    train: blocks("train", blocksOf(samples.train.count, batch), samples.train, 1),
    test: blocks("test", cut(samples.test.count, TEST_BLOCK), samples.test, 0),
    disclose: (value, disclosure) => value.reveal(disclosure),
  };
}
