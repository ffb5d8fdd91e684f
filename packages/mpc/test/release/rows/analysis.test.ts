/** @file What the analysis says of Programs: clean where noise stands between, and never clean where it does not. */
import { Expr, ops, type Program, type TypedArray, trace } from "@tacit/core/program";
import { describe, expect, it } from "vitest";
import { run } from "../../../../core/test/ops/harness.ts";
import { analyseRows, type RowAnalysis } from "../../../src/release/rows/index.ts";

const N = 6;
const leaf = (dtype: "f32" | "i32", ...shape: number[]): Expr => Expr.placeholder({ shape, dtype });
const clip = (x: Expr): Expr => ops.clippedSum(x, [1, 0]);
const noise = (x: Expr): Expr => ops.partyNoise(x, [2, 0]);

/** x: rows [N, 3]; y: rows [N]; w: weights [3, 3]; at, order: public row numbers [2], [N]; z: rows of a half of the people [N / 2, 3]. */
type Leaves = readonly [x: Expr, y: Expr, w: Expr, at: Expr, order: Expr, z: Expr];
type Make = (...leaves: Leaves) => Expr;
const leaves = (): Leaves => [
  leaf("f32", N, 3),
  leaf("f32", N),
  leaf("f32", 3, 3),
  leaf("i32", 2),
  leaf("i32", N),
  leaf("f32", N / 2, 3),
];
function programOf(make: Make): Program {
  const inputs = leaves();
  return trace([make(...inputs)], [...inputs]).program;
}
const analysed = (make: Make, distinct = true): RowAnalysis =>
  analyseRows(programOf(make), [0, 1, 5], (i) => distinct && (i === 3 || i === 4));
const kindOf = (make: Make, distinct = true): string => analysed(make, distinct).outputs[0]!;

const beside = (y: Expr): Expr => ops.reshape(y, [N, 1]);

const CLEAN: Readonly<Record<string, Make>> = {
  "a clipped sum with noise": (x) => noise(clip(x)),
  "functions of it": (x, _y, w) => ops.mul(ops.exp(noise(clip(x))), ops.sum(w, [0])),
  "a linear layer of rows": (x, _y, w) => noise(clip(ops.relu(ops.matmul(x, w, false, true)))),
  "two columns of rows": (x, y) => noise(clip(ops.add(x, beside(y)))),
  "outer products of rows, by batch": (x, y) => {
    const outer = ops.matmul(ops.reshape(x, [N, 3, 1]), ops.reshape(beside(y), [N, 1, 1]));
    return noise(clip(ops.cat([ops.reshape(outer, [N, 3]), beside(y)], 1)));
  },
  "rows that were transposed and back": (x) => noise(clip(ops.permute(ops.permute(x, [1, 0]), [1, 0]))),
  "softmax within rows": (x) => noise(clip(ops.softmax(x, 1))),
  "sums within rows": (x) => noise(clip(ops.sum(x, [1], true))),
  "rows that are selected once each": (x, _y, _w, at) => noise(clip(ops.indexSelect(x, at, 0))),
  "both columns of selected rows": (x, y, _w, at) =>
    noise(clip(ops.mul(ops.indexSelect(x, at, 0), ops.reshape(ops.indexSelect(y, at, 0), [2, 1])))),
  "a sum that was reshaped before the noise": (x) => noise(ops.reshape(clip(x), [3, 1])),
  "no protected rows at all": (_x, _y, w) => ops.sum(w, [0, 1]),
};

const REFUSED: Readonly<Record<string, Make>> = {
  "the rows themselves": (x) => x,
  "a sum without clipping": (x) => noise(ops.sum(x, [0])),
  "a clipped sum without noise": (x) => clip(x),
  "noise before the sum": (x) => clip(ops.neg(ops.partyNoise(x, [2, 0]))),
  "a clipped sum times a number before the noise": (x) => noise(ops.mul(clip(x), ops.lit(x, 2))),
  "two clipped sums added before the noise": (x) => noise(ops.add(clip(x), clip(ops.neg(x)))),
  "rows less their mean": (x) => noise(clip(ops.sub(x, ops.mul(ops.sum(x, [0], true), ops.lit(x, 1 / N))))),
  "rows mixed by a matrix": (x) => noise(clip(ops.matmul(ops.matmul(x, x, false, true), x))),
  "columns as rows": (x) => noise(clip(ops.permute(x, [1, 0]))),
  "rows in the contraction": (x) => noise(clip(ops.matmul(x, x, true, false))),
  "rows turned round beside themselves": (x) => noise(clip(ops.add(x, ops.flip(x, [0])))),
  "one row beside all others": (x) => noise(clip(ops.add(x, ops.slice(x, [0, 0], [1, 3])))),
  "rows cut across": (x) => noise(clip(ops.reshape(x, [N / 2, 6]))),
  "rows one behind the other": (x) => noise(clip(ops.cat([x, x], 0))),
  "row numbers that are secret": (x, y) => noise(clip(ops.indexSelect(x, ops.cast(ops.slice(y, [0], [2]), "i32"), 0))),
  "selected rows beside others": (x, y, _w, at) =>
    noise(clip(ops.mul(ops.indexSelect(x, at, 0), ops.reshape(ops.slice(y, [0], [2]), [2, 1])))),
  "softmax across rows": (x) => noise(clip(ops.softmax(x, 0))),
  "sorted rows": (x) => noise(clip(ops.sort(x, 0))),
  "noise beside the data that it should hide": (x) => ops.add(noise(clip(x)), ops.sum(x, [0])),
};

/** x as images [1, N, 3, 1], of which each row is a channel. */
const channels = (x: Expr): Expr => ops.reshape(x, [1, N, 3, 1]);
/** x as images [N, 1, 3, 1], one for each row. */
const images = (x: Expr): Expr => ops.reshape(x, [N, 1, 3, 1]);
/** x as one image [1, 1, N, 3], of which each row is a line. */
const lines = (x: Expr): Expr => ops.reshape(x, [1, 1, N, 3]);
const PLAIN = [1, 1, 0, 0, 1, 1];
/** w as one filter [1, 1, 3, 1] for all channels, and as filters [9, 1, 1, 1]. */
const filter = (w: Expr): Expr => ops.reshape(ops.slice(w, [0, 0], [3, 1]), [1, 1, 3, 1]);
const filters = (w: Expr, n: number): Expr => ops.expand(filter(w), [n, 1, 3, 1]);
/** Images back as rows. */
const asRows = (x: Expr): Expr => ops.reshape(x, [N, x.shape.reduce((a, b) => a * b, 1) / N]);
const steps = (x: Expr): Expr => ops.cat([x, ops.neg(x)], 0);

/** Programs that are as the ones in HOSTILE, but keep rows apart. */
const KEPT: Readonly<Record<string, Make>> = {
  "a convolution of one image for each row": (x, _y, w) => noise(clip(asRows(ops.conv2d(images(x), filter(w), [...PLAIN, 1])))),
  "a convolution of one group for each row": (x, _y, w) =>
    noise(clip(asRows(ops.conv2d(channels(x), filters(w, N), [...PLAIN, N])))),
  "gradients of filters, one group for each row": (x) =>
    noise(clip(asRows(ops.conv2dGradWeight(channels(x), channels(ops.neg(x)), [...PLAIN, N, 1, 1])))),
  "a pool within rows": (x) => noise(clip(asRows(ops.maxPool2d(channels(x), [3, 1, 1, 1, 0, 0])))),
  "rows in another order": (x, _y, _w, _at, order) => noise(clip(ops.indexSelect(x, order, 0))),
  "rows of half of the people": (_x, _y, _w, _at, _order, z) => noise(clip(z)),
  "numbers sorted within rows": (x) => noise(clip(ops.sort(x, 1))),
  "numbers gathered within rows": (x) => noise(clip(ops.gather(x, ops.argsort(x, 1), 1))),
  "rows less their own mean": (x) => noise(clip(ops.sub(x, ops.mul(ops.sum(x, [1], true), ops.lit(x, 1 / 3))))),
  "two steps of each row, one step cut out": (x) => noise(clip(ops.slice(steps(x), [N, 0], [2 * N, 3]))),
};

/** The op that mixes rows, and how. */
const HOSTILE: Readonly<Record<string, readonly [string, Make]>> = {
  "a convolution with rows as channels, all in one group": [
    "conv2d",
    (x, _y, w) =>
      noise(
        clip(
          asRows(
            ops.conv2d(channels(x), ops.reshape(ops.expand(ops.reshape(w, [1, 9, 1]), [4, 9, 1]), [6, 6, 1, 1]), [...PLAIN, 1]),
          ),
        ),
      ),
  ],
  "a convolution with two rows in each group": [
    "conv2d",
    (x, _y, w) => noise(clip(asRows(ops.conv2d(channels(x), ops.expand(filter(w), [N, 2, 3, 1]), [...PLAIN, N / 2])))),
  ],
  "a convolution with rows along the height": [
    "conv2d",
    (x, _y, w) => noise(clip(ops.reshape(ops.conv2d(lines(x), filter(w), [1, 1, 1, 0, 1, 1, 1]), [N, 3]))),
  ],
  "a convolution of images with filters of rows": [
    "conv2d",
    (x) => noise(clip(asRows(ops.conv2d(images(x), images(x), [...PLAIN, 1])))),
  ],
  "gradients of filters, over all images": [
    "conv2dGradWeight",
    (x) => noise(clip(asRows(ops.conv2dGradWeight(ops.expand(images(x), [N, N, 3, 1]), images(x), [...PLAIN, 1, 1, 1])))),
  ],
  "gradients of images, by filters of two rows": [
    "conv2dGradInput",
    (x) =>
      noise(
        clip(
          asRows(
            ops.conv2dGradInput(ops.full([1, N, 1, 1], "f32", 1), ops.expand(images(x), [N, 2, 3, 1]), [...PLAIN, N / 2, 3, 1]),
          ),
        ),
      ),
  ],
  "a pool over rows": ["maxPool2d", (x) => noise(clip(ops.reshape(ops.maxPool2d(lines(x), [3, 1, 1, 1, 1, 0]), [N, 3])))],
  "a mean over rows by a pool": [
    "avgPool2d",
    (x) => noise(clip(ops.reshape(ops.avgPool2d(lines(x), [3, 1, 1, 1, 1, 0, 1]), [N, 3]))),
  ],
  "a norm over rows": ["layerNorm", (x) => noise(clip(ops.permute(ops.layerNorm(ops.permute(x, [1, 0]), [1, 1, 0, 0]), [1, 0])))],
  "a norm over rows, written out": ["sum", (x) => noise(clip(ops.sub(x, ops.mul(ops.sum(x, [0], true), ops.lit(x, 1 / N)))))],
  "rows gathered by public numbers": [
    "gather",
    (x, _y, _w, at) => noise(clip(ops.gather(x, ops.expand(ops.reshape(at, [2, 1]), [2, 3]), 0))),
  ],
  "rows gathered by their order": ["gather", (x) => noise(clip(ops.gather(x, ops.iota("i32", 0, [N, 3]), 0)))],
  "rows scattered": ["scatterAdd", (x) => noise(clip(ops.scatterAdd(x, ops.iota("i32", 1, [N, 3]), x, 0)))],
  "rows added by public numbers": ["indexAdd", (x, _y, _w, at) => noise(clip(ops.indexAdd(x, at, ops.indexSelect(x, at, 0), 0)))],
  "numbers sorted along rows": ["sort", (x) => noise(clip(ops.sort(x, 0)))],
  "places sorted along rows": ["argsort", (x) => noise(clip(ops.cast(ops.argsort(x, 0), "f32")))],
  "a running sum along rows": ["cumsum", (x) => noise(clip(ops.cumsum(x, 0)))],
  "rows selected out of selected ones, as if they were selected once": [
    "indexSelect",
    (x, _y, _w, at) => noise(clip(ops.mul(ops.indexSelect(ops.indexSelect(x, at, 0), at, 0), ops.indexSelect(x, at, 0)))),
  ],
  "rows beside rows in another order": ["mul", (x, _y, _w, _at, order) => noise(clip(ops.mul(x, ops.indexSelect(x, order, 0))))],
  "rows beside those of half as many people": ["mul", (x, _y, _w, _at, _order, z) => noise(clip(ops.mul(x, steps(z))))],
  "two steps of each row, cut between": ["slice", (x) => noise(clip(ops.slice(steps(x), [1, 0], [N + 1, 3])))],
  "columns as rows, as many as there are rows": ["clippedSum", (x) => noise(clip(ops.permute(ops.cat([x, x], 1), [1, 0])))],
  "each row as three slices": ["clippedSum", (x) => noise(clip(ops.reshape(x, [3 * N, 1])))],
  "each row as two slices": ["clippedSum", (x) => noise(clip(steps(x)))],
  "an op that nobody has thought of": ["sin", (x) => noise(clip(ops.sin(x)))],
};

describe("the analysis of rows", () => {
  it.each(Object.keys(CLEAN))("lets pass: %s", (name) => {
    expect(kindOf(CLEAN[name]!)).toBe("clean");
  });

  it.each(Object.keys(KEPT))("lets pass: %s", (name) => {
    expect(kindOf(KEPT[name]!)).toBe("clean");
  });

  it.each(Object.keys(HOSTILE))("names the op that mixes rows: %s", (name) => {
    const [op, make] = HOSTILE[name]!;
    const { outputs, reasons } = analysed(make);
    expect(outputs).toEqual(["mixed"]);
    expect(reasons[0]).toMatch(new RegExp(`^${op} \\(node \\d+\\)`));
  });

  it("says where clipping or noise is missing", () => {
    const reasonOf = (make: Make): string | undefined => analysed(make).reasons[0];
    expect(reasonOf((x) => ops.neg(x))).toMatch(/no clippedSum/);
    expect(reasonOf(clip)).toMatch(/no partyNoise/);
    expect(reasonOf((x) => noise(clip(x)))).toBeUndefined();
  });

  it("counts no slices of a single row as rows", () => {
    const one = leaf("f32", 1, 3);
    const kind = (made: Expr): string => analyseRows(trace([made], [one]).program, [0], () => false).outputs[0]!;
    expect(kind(noise(clip(ops.sort(ops.permute(ops.permute(one, [1, 0]), [1, 0]), 0))))).toBe("clean");
    expect(kind(noise(clip(ops.permute(one, [1, 0]))))).toBe("mixed");
    expect(kind(noise(clip(ops.cat([one, one], 0))))).toBe("mixed");
  });

  it.each(Object.keys(REFUSED))("does not let pass: %s", (name) => {
    expect(kindOf(REFUSED[name]!)).not.toBe("clean");
  });

  it("does not let pass rows that public numbers may select twice", () => {
    expect(kindOf(CLEAN["rows that are selected once each"]!, false)).toBe("mixed");
  });

  it("counts each use of noise with its sensitivity, its deviation and its coordinates, disclosed or not", () => {
    const program = programOf((x, y) => ops.add(noise(clip(x)), ops.sum(noise(ops.clippedSum(beside(y), [3, 2])), [0])));
    expect(analyseRows(program, [0, 1], () => false).noises.map(({ node: _, ...n }) => n)).toEqual([
      { sensitivity: 1, deviation: 2, dimension: 3, float: true },
      { sensitivity: 0.75, deviation: 2, dimension: 1, float: true },
    ]);
  });
});

/** The rows that the first clippedSum behind x reads. */
function clippedRows(x: Expr): Expr {
  return x.op?.name === "clippedSum" ? x.args[0]! : clippedRows(x.args[0]!);
}

describe("its rules, against values", () => {
  const all = { ...CLEAN, ...KEPT };
  const made = Object.keys(all).filter((n) => n !== "no protected rows at all");
  it.each(made)("%s: one person's data change one row of what is clipped", (name) => {
    const inputs = leaves();
    const rows = clippedRows(all[name]!(...inputs));
    const values = (person: number): TypedArray[] => [
      Float64Array.from({ length: 3 * N }, (_, i) => Math.sin(i) + (Math.floor(i / 3) === person ? 0.5 : 0)),
      Float64Array.from({ length: N }, (_, i) => Math.cos(i) + (i === person ? 0.5 : 0)),
      Float64Array.from({ length: 9 }, (_, i) => Math.sin(2 * i + 1)),
      Int32Array.from([4, 1]),
      Int32Array.from([3, 5, 0, 2, 4, 1]),
      Float64Array.from({ length: (3 * N) / 2 }, (_, i) => Math.cos(3 * i) + (Math.floor(i / 3) === person ? 0.5 : 0)),
    ];
    const at = (person: number): number[] => [...run([rows], [...inputs], values(person), "f64")[0]!].map(Number);
    const base = at(-1);
    const width = base.length / rows.shape[0]!;
    for (let person = 0; person < N; person++) {
      const changed = new Set(at(person).flatMap((v, i) => (v === base[i] ? [] : [Math.floor(i / width)])));
      expect(changed.size).toBeLessThanOrEqual(1);
    }
  });
});
