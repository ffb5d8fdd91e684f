/** @file Dropout: zeros elements at random while training (Srivastava et al. 2014), by the counter-based generator: the same everywhere. */
import { expected } from "../../errors.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { defaultRandom } from "../generator.ts";
import type { InitOptions } from "../init.ts";
import { passInTraining } from "../mistakes.ts";
import { Module } from "../module.ts";

/** Where a dropout layer stands: key of its stream and number of masks drawn. */
export interface DropoutState {
  readonly key: readonly [number, number];
  readonly calls: number;
}

export class Dropout extends Module {
  /** Probability that an element is dropped. */
  readonly p: number;
  private key: readonly [number, number];
  private calls = 0;

  constructor(p = 0.5, options: InitOptions = {}) {
    super();
    if (!(p >= 0 && p <= 1)) expected("ARGUMENT_INVALID", "dropout", "a probability", `${p}`);
    this.p = p;
    const random = options.random ?? defaultRandom();
    this.key = [random.bits(), random.bits()];
  }

  /**
   * While training: x · mask / (1 - p), with a fresh mask per call. The mask is Philox4x32-10 under the layer's key at counter
   * (block, call): key and call are inputs of the Program, and public on every device.
   */
  forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x;
    passInTraining(this, "dropout");
    if (this.p === 1) return x.mul(0);
    const key = Tensor.adopt(Uint32Array.from(this.key), [2], "u32", { public: true });
    const counter = Uint32Array.of(0, this.calls >>> 0, Math.floor(this.calls / 2 ** 32));
    const offset = Tensor.adopt(counter, [3], "u32", { public: true });
    this.calls++;
    const keep = key.randomBits(offset, x.shape).ge(Math.round(this.p * 2 ** 32));
    return x.mul(keep.cast(x.dtype).mul(1 / (1 - this.p)));
  }

  /** What decides the masks to come; for checkpoints. */
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

  override extraRepr(): string {
    return `${this.p}`;
  }
}

export const dropout = (p = 0.5, options: InitOptions = {}): Dropout => new Dropout(p, options);
