/** @file Slots: so many works at once and no more, begun in the order in which they came. */

export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#free = most;
  }

  /** Whether the next work waits for another to end. */
  get full(): boolean {
    return this.#free === 0;
  }

  /** Begins `work` at once where a slot is free, else when one of the works before it has ended, well or badly. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The slot goes from hand to hand: nobody who comes between is before one who waits.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
