/** @file Whether the rows of a data set are read one by one: a `map` sees whole batches, and may let a row depend on those beside it. */
import type { Batch, Dataset } from "@tacit/core/data";
import { TacitError } from "@tacit/core/errors";
import type { Aval } from "@tacit/core/program";

type Values = readonly ArrayLike<number | bigint>[];

const valuesOf = async (batch: Batch): Promise<Values> => Promise.all(batch.map((t) => t.data()));

/** The first and the last of a batch's rows, column by column. */
const ends = (batch: Values, count: number): readonly [Values, Values] => {
  const part = (at: number): Values =>
    batch.map((v) => Array.prototype.slice.call(v, (at * v.length) / count, ((at + 1) * v.length) / count));
  return [part(0), part(count - 1)];
};

/** The first column in which two readings of a row differ in any bit that counts; -1 for none. */
const differing = (a: Values, b: Values): number =>
  a.findIndex((v, i) => v.length !== b[i]!.length || Array.prototype.some.call(v, (x, j) => !Object.is(x, b[i]![j])));

/**
 * The types of one row, of a data set whose epoch has these rows. The first and the last row are read alone, twice, and compared with what they are
 * at both ends of a pair and of a chunk of `size` rows, in both orders. That is a sample of what a map could do, and no proof.
 * @throws TacitError PRIVACY_MIXED where a row is not what it is alone, or is drawn anew at each reading
 */
export async function rowTypes<T extends Batch>(data: Dataset<T>, order: Int32Array, size: number): Promise<readonly Aval[]> {
  const [first, last] = [order[0]!, order.at(-1)!];
  const types = (await data.read(Int32Array.of(first), 0)).map((t): Aval => ({ shape: t.shape.slice(1), dtype: t.dtype }));
  const read = async (rows: readonly number[]): Promise<Values> => valuesOf(await data.read(Int32Array.from(rows), 0));
  const alone = new Map([
    [first, await read([first])],
    [last, await read([last])],
  ]);
  for (const [row, values] of alone) {
    const at = differing(values, await read([row]));
    if (at >= 0) refuseDraws(at);
  }
  const pair = [first, last];
  const chunk = [first, ...order.subarray(1, Math.max(1, Math.min(size, order.length) - 1)), last];
  for (const rows of [pair, pair.toReversed(), chunk, chunk.toReversed()]) {
    const [start, end] = ends(await read(rows), rows.length);
    const [one, other] = [differing(alone.get(rows[0]!)!, start), differing(alone.get(rows.at(-1)!)!, end)];
    if (one >= 0 || other >= 0) refuseMixed(Math.max(one, other));
  }
  return types;
}

function refuseDraws(column: number): never {
  throw new TacitError(
    "PRIVACY_MIXED",
    `makePrivate: expected rows that are the same whenever they are read, got column ${column} drawn anew each time`,
    {
      hint: "what a row gets would depend on how many rows were read before it: draw from context.random in data.mapExamples, which follows from row and epoch",
    },
  );
}

function refuseMixed(column: number): never {
  throw new TacitError(
    "PRIVACY_MIXED",
    `makePrivate: expected rows that are read one by one, got column ${column} of rows that change with their batch`,
    {
      hint: "a map of the data set sees whole batches: let it treat each row by itself (no mean, sum or select over axis 0)",
    },
  );
}
