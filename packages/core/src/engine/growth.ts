/**
 * @file Growth: a value that is fed back without being computed (the state of a recurrent layer under `noGrad`) carries its whole
 * history along: every read runs a larger Program, prepared anew. Told once, with the cure.
 */
import { warnOnce } from "../debug/warn.ts";

/** Programs prepared in a row, each larger than the one before by the same number of ops and reading no fewer inputs. */
const PATIENCE = 8;

/** Watches the cache misses of one device. */
export class Growth {
  private nodes = 0;
  private inputs = 0;
  private step = 0;
  private streak = 0;

  /** A Program was found in the cache: what runs again does not grow. */
  hit(): void {
    this.streak = 0;
    this.step = 0;
  }

  /** A Program of so many ops and inputs has to be prepared. Longer batches have the same ops, other models other differences. */
  miss(nodes: number, inputs: number): void {
    const step = nodes - this.nodes;
    const same = step > 0 && step === this.step && inputs > this.inputs;
    this.streak = same ? this.streak + 1 : 0;
    this.nodes = nodes;
    this.inputs = inputs;
    this.step = step;
    if (this.streak < PATIENCE) return;
    warnOnce(
      "GRAPH_GROWS",
      `realize: ${this.streak + 1} Programs in a row were each ${step} ops larger than the one before: a value that is fed back keeps its history`,
      "compute what goes into the next step: await realize(...state), or detach and read it",
    );
  }
}
