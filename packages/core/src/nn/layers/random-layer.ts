/** @file RandomLayer: what draws random numbers while training, by the counter-based generator: the same everywhere. */
import { expected } from "../../errors.ts";
import type { Shape } from "../../program/aval.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { defaultRandom } from "../generator.ts";
import type { InitOptions } from "../init.ts";
import { passInTraining } from "../mistakes.ts";
import { Module } from "../module.ts";

/** Where a random layer stands: key of its stream and number of draws. */
export interface DropoutState {
  readonly key: readonly [number, number];
  readonly calls: number;
}

export abstract class RandomLayer extends Module {
  private key: readonly [number, number];
  private calls = 0;

  constructor(options: InitOptions) {
    super();
    const random = options.random ?? defaultRandom();
    this.key = [random.bits(), random.bits()];
  }

  /**
   * Fresh random words u32 of `shape` for one call: Philox4x32-10 under the layer's key at counter (block, call). Key and call are inputs
   * of the Program, and public on every device.
   */
  protected bits(where: string, shape: Shape): Tensor {
    passInTraining(this, where);
    const key = Tensor.adopt(Uint32Array.from(this.key), [2], "u32", { public: true });
    const counter = Uint32Array.of(0, this.calls >>> 0, Math.floor(this.calls / 2 ** 32));
    const offset = Tensor.adopt(counter, [3], "u32", { public: true });
    this.calls++;
    return key.randomBits(offset, shape);
  }

  /** What decides the draws to come; for checkpoints. */
  randomState(): DropoutState {
    return { key: this.key, calls: this.calls };
  }
  loadRandomState(state: DropoutState): void {
    const word = (x: unknown): boolean => Number.isInteger(x) && Number(x) >= 0 && Number(x) < 2 ** 32;
    const key: unknown = state.key; // may come from a file
    if (!Array.isArray(key) || key.length !== 2 || !key.every(word) || !Number.isSafeInteger(state.calls) || state.calls < 0) {
      expected("STATE_MISMATCH", "dropout", "a key of two words and a count", "another state");
    }
    this.key = [state.key[0], state.key[1]];
    this.calls = state.calls;
  }
}
