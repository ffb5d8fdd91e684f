/** @file The generator behind initial weights and dropout seeds where none is given. */
import { Random, type RandomState } from "../random.ts";

let current = new Random(0);

/** Starts the default generator of `nn` anew, as `torch.manual_seed`. It begins with seed 0: the same script gives the same model. */
export function manualSeed(seed: number | bigint): void {
  current = new Random(seed);
}

/** The default generator of `nn`. */
export const defaultRandom = (): Random => current;

/** Where the default generator of `nn` stands; for checkpoints. */
export const defaultRandomState = (): RandomState => current.state();

/** Puts the default generator where `state` was taken. @throws SEED_INVALID */
export function loadDefaultRandomState(state: RandomState): void {
  current = Random.from(state);
}
