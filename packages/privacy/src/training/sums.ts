/** @file Exact sums over the rows of a step: chunks of one shape on the device, integers added on the host. */
import { noGrad, realize, Tensor } from "@tacit/core";
import type { Batch, Dataset } from "@tacit/core/data";
import { type Expr, evaluate } from "@tacit/core/program";
import { type ChunkOptions, type ChunkProgram, chunkProgram } from "./chunk-program.ts";
import { exampleProgram, type Subject } from "./example-program.ts";
import { unitsPer } from "./grid.ts";

export interface StepSums {
  /** Σ q for each parameter, integers. */
  readonly sums: readonly Float64Array[];
  /** Rows of norm at most C less the others. */
  readonly count: number;
}

/**
 * Layers that draw anew at each call (dropout) have a place in a stream. A step traces once, before it reads: all its rows share one mask, and
 * the stream moves on by one trace, whether the sample has many rows or none. So no row's mask depends on which other rows came.
 */
const draws = (module: object): boolean => "randomState" in module;

export class RowSums<T extends Batch> {
  readonly #subject: Subject<T>;
  readonly #data: Dataset<T>;
  readonly #options: ChunkOptions;
  readonly #fresh: boolean;
  #chunk: ChunkProgram;
  #captured: readonly Expr[];

  /** Traces the loss. @throws as `exampleProgram` */
  constructor(subject: Subject<T>, data: Dataset<T>, options: ChunkOptions) {
    this.#subject = subject;
    this.#data = data;
    this.#options = options;
    this.#fresh = subject.model.modules().some(draws);
    const example = exampleProgram(subject);
    this.#captured = example.captured;
    this.#chunk = chunkProgram(example, options);
  }

  /** The sums over `rows`, the sample of one step, each clipped to C = `maxGradNorm`. No rows: zeros. */
  async of(rows: Int32Array, epoch: number, maxGradNorm: number): Promise<StepSums> {
    const { size, parameters } = this.#options;
    const sums = parameters.map((p) => new Float64Array(p.shape.reduce((n, d) => n * d, 1)));
    let count = 0;
    if (this.#fresh) this.#retrace();
    for (let start = 0; start < rows.length; start += size) {
      const parts = await this.#run(rows.subarray(start, start + size), epoch, maxGradNorm);
      sums.forEach((s, i) => {
        const part = parts[i]!;
        for (let j = 0; j < s.length; j++) s[j]! += part[j]!;
      });
      count += parts[sums.length]![0]!;
    }
    return { sums, count };
  }

  /** One chunk. A chunk that is not full reads its last row again in the places that are left; the mask leaves them out. */
  async #run(rows: Int32Array, epoch: number, maxGradNorm: number): Promise<readonly ArrayLike<number>[]> {
    const { size, units } = this.#options;
    const padded = Int32Array.from({ length: size }, (_, i) => rows[Math.min(i, rows.length - 1)]!);
    const columns = await this.#data.read(padded, epoch);
    const mask = Float32Array.from({ length: size }, (_, i) => (i < rows.length ? 1 : 0));
    const inputs = [
      ...this.#subject.learning.map(([, p]) => p.expr),
      ...columns.map((c) => c.expr),
      ...this.#captured,
      Tensor.adopt(mask, [size], "f32").expr,
      Tensor.adopt(Float32Array.of(unitsPer(units, maxGradNorm)), [1], "f32").expr,
    ];
    const outputs = noGrad(() => evaluate(this.#chunk.program, inputs)).map((e) => new Tensor(e));
    await realize(...outputs);
    return (await Promise.all(outputs.map((t) => t.data()))) as readonly Float32Array[];
  }

  #retrace(): void {
    const example = exampleProgram(this.#subject);
    this.#captured = example.captured;
    this.#chunk = chunkProgram(example, this.#options);
  }
}
