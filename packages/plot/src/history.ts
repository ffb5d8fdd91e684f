/** @file History: the numbers of a training, step by step, and their curves. */
import type { Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import type { Figure } from "./figure.ts";
import { isTensor } from "./input.ts";
import { type LinesOptions, lines } from "./kinds/lines/make.ts";

export interface HistoryOptions extends Omit<LinesOptions, "right" | "marks"> {
  /** Which numbers to draw; default all. */
  readonly keys?: readonly string[];
  /** Which of them stand on the right axis. Default: `lr` and `accuracy`, where there is something else. */
  readonly right?: readonly string[];
}

interface Column {
  readonly x: number[];
  readonly y: number[];
}

const RIGHT = ["lr", "accuracy"];

/** Collects numbers by step: `h.add({ loss, accuracy })`. */
export class History {
  static {
    // In a notebook, and in console.log, a history is its curves.
    for (const name of ["Jupyter.display", "nodejs.util.inspect.custom", "Deno.customInspect"]) {
      const symbol = Symbol.for(name);
      Object.defineProperty(History.prototype, symbol, {
        value(this: History): unknown {
          return (this.plot() as unknown as Readonly<Record<symbol, () => unknown>>)[symbol]!();
        },
      });
    }
  }

  readonly #columns = new Map<string, Column>();
  readonly #epochs: { readonly at: number; readonly label: string }[] = [];
  #step: number;

  /** @param step steps that were done before: a resumed training goes on counting */
  constructor(step = 0) {
    this.#step = step;
  }

  /** Steps so far. */
  get step(): number {
    return this.#step;
  }

  get keys(): readonly string[] {
    return [...this.#columns.keys()];
  }

  /**
   * The numbers of one more step, any of them; tensors with one element are read first, and the step counts when they are.
   * @throws DEVICE_SECRET for a secret tensor; SHAPE_MISMATCH for one with several elements
   */
  add(numbers: Readonly<Record<string, number>>): void;
  add(numbers: Readonly<Record<string, number | Tensor>>): void | Promise<void>;
  add(numbers: Readonly<Record<string, number | Tensor>>): void | Promise<void> {
    const entries = Object.entries(numbers);
    if (entries.some(([, v]) => isTensor(v))) {
      return Promise.all(entries.map(async ([k, v]) => [k, isTensor(v) ? await v.item() : v] as const)).then((read) =>
        this.#record(read),
      );
    }
    this.#record(entries as [string, number][]);
  }

  #record(entries: readonly (readonly [string, number])[]): void {
    for (const [key, v] of entries)
      if (typeof v !== "number")
        expected("ARGUMENT_INVALID", `history ${key}`, "a number or a tensor", v === null ? "null" : typeof v);
    this.#step++;
    for (const [key, v] of entries) {
      const column = this.#columns.get(key) ?? { x: [], y: [] };
      this.#columns.set(key, column);
      column.x.push(this.#step);
      column.y.push(v);
    }
  }

  /** An epoch ends here: a mark in the plot. */
  epoch(label = `epoch ${this.#epochs.length + 1}`): void {
    this.#epochs.push({ at: this.#step, label });
  }

  /** All numbers of a key, in order; empty for an unknown one. */
  values(key: string): readonly number[] {
    return this.#columns.get(key)?.y ?? [];
  }

  /** The last number of a key; NaN where there is none. */
  last(key: string): number {
    return this.values(key).at(-1) ?? Number.NaN;
  }

  /** The mean of the last `count` numbers of a key (all, unless said); NaN where there is none. */
  mean(key: string, count: number = Number.POSITIVE_INFINITY): number {
    const all = this.values(key);
    const some = all.slice(Math.max(0, all.length - count));
    return some.reduce((a, b) => a + b, 0) / some.length;
  }

  /** The curves by step. Curves of more than 50 points are smoothed (0.9) unless `smooth` says otherwise. */
  plot(options: HistoryOptions = {}): Figure {
    const { keys, right, ...rest } = options;
    const shown = (keys ?? this.keys).map((key) => {
      const column = this.#columns.get(key);
      if (column === undefined) expected("ARGUMENT_INVALID", "history", `one of ${this.keys.join(", ")}`, JSON.stringify(key));
      return [key, column] as const;
    });
    const usual = shown.some(([key]) => !RIGHT.includes(key)) ? RIGHT : [];
    const isRight = (key: string): boolean => (right ?? usual).includes(key);
    const onRight = shown.filter(([key]) => isRight(key));
    const longest = Math.max(0, ...shown.map(([, c]) => c.y.length));
    return lines(Object.fromEntries(shown.filter(([key]) => !isRight(key))), {
      x: "step",
      smooth: longest > 50 ? 0.9 : 0,
      marks: this.#epochs,
      ...(onRight.length === 0 ? {} : { right: Object.fromEntries(onRight), rightLabel: onRight.map(([key]) => key).join(", ") }),
      ...rest,
    });
  }

  toString(): string {
    return this.plot().toString();
  }
}

/** An empty history. */
export const history = (step = 0): History => new History(step);
