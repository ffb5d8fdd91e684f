/** @file What plots are made from: tensors, arrays, odd and wrong data; histories; files; notebooks. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { nn, Random, Tensor, tensor } from "@tacit/core";
import { type Device, referenceDevice } from "@tacit/core/device";
import { afterAll, describe, expect, test } from "vitest";
import { Figure, History, plot } from "../src/index.ts";
import type { LinesSpec, PlotSpec, ScatterSpec } from "../src/spec.ts";
import { example, numbers, Residual } from "./corpus.ts";

const spec = <K extends PlotSpec["kind"]>(figure: Figure, kind: K): Extract<PlotSpec, { kind: K }> => {
  expect(figure.spec.kind).toBe(kind);
  return figure.spec as Extract<PlotSpec, { kind: K }>;
};

describe("data", () => {
  test("in arrays is drawn at once, in tensors after they are read", async () => {
    expect(plot.lines([1, 2])).toBeInstanceOf(Figure);
    expect(plot.lines(new Float32Array([1, 2]))).toBeInstanceOf(Figure);
    const later = plot.lines({ a: tensor([1, 2, 3]), b: [4, 5] });
    expect(later).toBeInstanceOf(Promise);
    const s = spec(await later, "lines");
    expect(s.series.map((x) => [x.name, x.x, x.y])).toEqual([
      ["a", [1, 2, 3], [1, 2, 3]],
      ["b", [1, 2], [4, 5]],
    ]);
  });

  test("of whole numbers in 64 bits and of booleans is drawn too", async () => {
    expect(spec(await plot.bars(tensor([3n, 4n])), "bars").values).toEqual([3, 4]);
    expect(spec(await plot.bars(tensor([true, false])), "bars").values).toEqual([1, 0]);
    expect(spec(plot.bars(new BigInt64Array([7n])), "bars").values).toEqual([7]);
  });

  test("that is secret is refused, by every kind of plot", async () => {
    const device: Device = { ...referenceDevice("f32"), name: "sealed", readable: false };
    const sealed = (shape: number[]): Tensor =>
      Tensor.from(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape, { device });
    const refused = { code: "DEVICE_SECRET" };
    await expect(plot.lines({ loss: sealed([3]) })).rejects.toMatchObject(refused);
    await expect(plot.lines([1], { right: { lr: sealed([1]) } })).rejects.toMatchObject(refused);
    await expect(plot.scatter(sealed([3, 2]))).rejects.toMatchObject(refused);
    await expect(plot.scatter([[1, 2]], { labels: sealed([1]) })).rejects.toMatchObject(refused);
    await expect(plot.bars(sealed([3]))).rejects.toMatchObject(refused);
    await expect(plot.histogram(sealed([3]))).rejects.toMatchObject(refused);
    await expect(plot.heatmap(sealed([3, 3]))).rejects.toMatchObject(refused);
    await expect(plot.images(sealed([1, 1, 4, 4]))).rejects.toMatchObject(refused);
    await expect(plot.kernels(sealed([1, 1, 4, 4]))).rejects.toMatchObject(refused);
    await expect(plot.display(sealed([3]))).rejects.toMatchObject(refused);
    await expect(new History().add({ loss: sealed([1]) })).rejects.toMatchObject(refused);
  });

  test("with gaps keeps them, and says how many", () => {
    const s = spec(plot.lines({ a: [1, Number.NaN, null, Number.POSITIVE_INFINITY, 5] }), "lines");
    expect(s.series[0]!.y).toEqual([1, null, null, null, 5]);
    expect(s.notes).toEqual(["a: 3 of 5 values are not finite"]);
  });

  test("not above 0 on a logarithmic axis is left out, and counted", () => {
    const figure = plot.lines({ a: [1, 0, -2, 4] }, { log: true });
    expect(figure.spec.notes).toEqual(["a: 2 of 4 values are not above 0, and have no place on a logarithmic axis"]);
    expect(figure.svg()).toContain("2 of 4 values are not above 0");
    const scattered = spec(plot.scatter({ x: [0, 1, 2], y: [1, 1, Number.NaN] }, { logX: true }), "scatter") as ScatterSpec;
    expect(scattered.groups[0]!.x).toEqual([1]);
    expect(scattered.notes).toEqual(["2 of 3 points have no place on these axes"]);
  });

  test("that is smoothed keeps its raw curve, faint; what is shorter than the mean's memory stays raw", () => {
    const s = spec(plot.lines({ loss: numbers(100), val: [1, 2] }, { smooth: 0.9 }), "lines") as LinesSpec;
    expect(s.series.map((x) => [x.name, x.style, x.color])).toEqual([
      ["loss", "faint", 0],
      ["loss", "line", 0],
      ["val", "line", 1],
    ]);
  });

  test.each<[string, () => unknown, string, string]>([
    [
      "an x too few",
      () => plot.lines({ a: { x: [1], y: [1, 2] } }),
      "SHAPE_MISMATCH",
      "lines a: expected an x for each of 2 values, got 1",
    ],
    [
      "a matrix as a curve",
      () => plot.lines({ a: [[1, 2]] as never }),
      "SHAPE_MISMATCH",
      "lines a: expected values of one dimension, got [1,2]",
    ],
    ["words as numbers", () => plot.lines(["1", "2"] as never), "ARGUMENT_INVALID", "lines: expected numbers, got string"],
    [
      "a number alone",
      () => plot.histogram(3 as never),
      "ARGUMENT_INVALID",
      "histogram: expected numbers or a tensor, got number",
    ],
    [
      "a smoothing of 1",
      () => plot.lines([1], { smooth: 1 }),
      "ARGUMENT_INVALID",
      "lines: expected smooth from 0 to below 1, got 1",
    ],
    [
      "points in three dimensions",
      () => plot.scatter([[1, 2, 3]]),
      "SHAPE_MISMATCH",
      "scatter: expected points [N, 2], got [1,3]",
    ],
    [
      "a label too few",
      () => plot.scatter([[1, 2]], { labels: [] }),
      "SHAPE_MISMATCH",
      "scatter: expected a label for each of 1 points, got 0",
    ],
    [
      "ragged rows",
      () => plot.heatmap([[1, 2], [3]]),
      "SHAPE_MISMATCH",
      "heatmap: expected nested arrays of shape [2,2], got a part of length 1",
    ],
    [
      "a range upside down",
      () => plot.heatmap([[1]], { range: [1, 0] }),
      "ARGUMENT_INVALID",
      "range: expected a lower and a higher number, got [1,0]",
    ],
    [
      "a confusion matrix that is not square",
      () => plot.confusion([[1, 2]]),
      "SHAPE_MISMATCH",
      "confusion: expected 1 rows of 1 counts, got a row of 2",
    ],
    [
      "half a count",
      () => plot.confusion([[0.5]]),
      "ARGUMENT_INVALID",
      "confusion: expected whole counts of at least 0, got others",
    ],
    [
      "pictures of two channels",
      () => plot.images({ values: [1, 2], shape: [1, 2, 1, 1] }),
      "SHAPE_MISMATCH",
      "images: expected pictures [N,1,H,W], [N,3,H,W], [N,H,W] or [H,W], got [1,2,1,1]",
    ],
    [
      "values that do not fill their shape",
      () => plot.images({ values: [1], shape: [2, 2] }),
      "SHAPE_MISMATCH",
      "images: expected 4 values for [2,2], got 1",
    ],
    ["no kernels", () => plot.kernels([1, 2]), "SHAPE_MISMATCH", "kernels: expected a weight [out, in, H, W], got [2]"],
    ["no bins", () => plot.histogram([1], { bins: 0 }), "ARGUMENT_INVALID", "histogram: expected bins from 1 to 1000, got 0"],
    [
      "another kind",
      () => plot.figure({ kind: "pie" } as never),
      "ARGUMENT_INVALID",
      'figure: expected a plot of kind lines, scatter, bars, histogram, heatmap, confusion, images, graph, got "pie"',
    ],
    ["what is no model", () => plot.model({} as never), "ARGUMENT_INVALID", "model: expected a module, got object"],
  ])("that is wrong is refused: %s", (_, make, code, message) => {
    expect(make).toThrow(expect.objectContaining({ code, message }));
  });
});

describe("counts, levels and shapes", () => {
  test("a histogram counts every finite value once, in bins of whole edges", () => {
    const s = spec(plot.histogram([0, 0.5, 1, 1, 2, Number.NaN], { bins: 4 }), "histogram");
    expect(s.edges).toEqual([0, 0.5, 1, 1.5, 2]);
    expect(s.counts).toEqual([1, 1, 2, 1]);
    const many = spec(plot.histogram(numbers(10_000)), "histogram");
    expect(many.counts.reduce((a, b) => a + b, 0)).toBe(10_000);
    expect(many.counts.length).toBeGreaterThan(10);
  });

  test("pictures of 0 to 1, of bytes and of any numbers span black to white", async () => {
    const levels = async (f: Figure | Promise<Figure>): Promise<readonly number[]> => spec(await f, "images").tiles[0]!.levels;
    expect(await levels(plot.images(tensor([[0, 0.5, 1]])))).toEqual([0, 128, 255]);
    expect(await levels(plot.images(Tensor.from(new Uint8Array([0, 51, 255]), [1, 3])))).toEqual([0, 51, 255]);
    expect(await levels(plot.images(tensor([[-1, 0, 1]])))).toEqual([0, 128, 255]);
    expect(await levels(plot.images(tensor([[0, 1, 2]]), { range: [0, 4] }))).toEqual([0, 64, 128]);
  });

  test("planes of red, green and blue become pixels", async () => {
    const s = spec(await plot.images(Tensor.from([1, 0, 0, 1, 0, 0], [1, 3, 1, 2])), "images");
    expect(s.tiles[0]!.levels).toEqual([255, 0, 0, 0, 255, 0]);
  });

  test("kernels have zero in the middle, and a row for the inputs of an output", async () => {
    const s = spec(await plot.kernels(Tensor.from([-1, 0, 0.5, 2, 0, 0, 0, 0], [2, 2, 1, 2])), "images");
    expect([s.low, s.high, s.columns, s.tiles.length]).toEqual([-2, 2, 2, 4]);
    expect(s.tiles[0]!.levels).toEqual([64, 128]);
    const linear = nn.linear(12, 5, { random: new Random(1) }).weight;
    expect(spec(await plot.kernels(linear, { picture: [3, 4], limit: 4 }), "images")).toMatchObject({
      notes: ["4 of 5 kernels"],
      tiles: [{ width: 4, height: 3 }, {}, {}, {}],
    });
  });

  test("a model's graph follows the values, counts shared layers once, and leaves the model as it was", () => {
    const net = new Residual();
    const s = spec(plot.model(net, example()), "graph");
    expect(s.nodes.map((x) => [x.name, x.shape, x.reads])).toEqual([
      ["a", [1, 4, 6, 6], [-1]],
      ["b", [1, 4, 6, 6], [0]],
      ["out.0", [1, 144], [0, 1]],
      ["out.1", [1, 10], [2]],
    ]);
    expect(Object.hasOwn(net.a, "forward")).toBe(false);
    const twice = nn.linear(3, 3);
    const shared = spec(plot.model(nn.sequential(twice, twice), Tensor.from([1, 2, 3], [1, 3])), "graph");
    expect(shared.nodes.map((x) => x.parameters)).toEqual([12, 0]);
    expect(() => plot.model(net, Tensor.from([1], [1, 1]))).toThrow(expect.objectContaining({ code: "SHAPE_MISMATCH" }));
    expect(Object.hasOwn(net.a, "forward")).toBe(false);
  });

  test("display picks pictures, a heat map, bars, a curve, a histogram or layers", async () => {
    const zeros = (...shape: number[]): Tensor => Tensor.from(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
    const shapes = [[2, 1, 8, 8], [3, 4], [5], [100], [1, 7], [4, 8, 8], [2, 5, 3, 3], []];
    const kinds = [];
    for (const shape of shapes) kinds.push((await plot.display(zeros(...shape))).spec.kind);
    expect(kinds).toEqual(["images", "heatmap", "bars", "lines", "bars", "images", "histogram", "bars"]);
    expect((await plot.display(nn.linear(2, 2))).spec.kind).toBe("graph");
    expect((await plot.display([1, 2])).spec.kind).toBe("bars");
    const figure = plot.bars([1]);
    expect(await plot.display(figure)).toBe(figure);
  });
});

describe("a history", () => {
  test("collects numbers and tensors by step, with marks for epochs, and draws them", async () => {
    const h = plot.history();
    h.add({ loss: 2, lr: 0.1 });
    await h.add({ loss: tensor([1]).sum() });
    h.epoch();
    h.add({ loss: 0.5, lr: 0.05 });
    expect([h.step, h.last("loss"), h.mean("loss"), h.mean("loss", 2), h.last("nothing")]).toEqual([
      3,
      0.5,
      3.5 / 3,
      0.75,
      Number.NaN,
    ]);
    expect(h.values("lr")).toEqual([0.1, 0.05]);
    const s = spec(h.plot(), "lines");
    expect(s.series.map((x) => [x.name, x.axis, x.x])).toEqual([
      ["loss", "left", [1, 2, 3]],
      ["lr", "right", [1, 3]],
    ]);
    expect(s.marks).toEqual([{ at: 2, label: "epoch 1" }]);
    expect(spec(h.plot({ keys: ["lr"] }), "lines").right).toBeNull();
    expect(() => h.plot({ keys: ["loos"] })).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
    expect(() => h.add({ loss: "1" as never })).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
  });

  test("is its curves to console.log and to a notebook", () => {
    const h = new History();
    h.add({ loss: 1 });
    expect(inspect(h)).toContain("┤");
    const show = (h as unknown as Record<symbol, () => Record<string, string>>)[Symbol.for("Jupyter.display")]!;
    expect(show.call(h)["image/svg+xml"]).toBe(h.plot().svg());
  });

  test("of a resumed training goes on counting, and an empty one is drawn", () => {
    const h = new History(100);
    h.add({ loss: 1 });
    expect(spec(h.plot(), "lines").series[0]!.x).toEqual([101]);
    expect(String(new History())).toContain("no values");
  });
});

describe("a figure", () => {
  const place = mkdtempSync(join(tmpdir(), "tacit-plot-"));
  afterAll(() => rmSync(place, { recursive: true, force: true }));
  const figure = plot.lines([1, 2, 3], { title: "t" });

  test("is saved as SVG, text or its description, in a directory that is made", async () => {
    for (const ending of ["svg", "txt", "json"]) await figure.save(join(place, "new", `a.${ending}`));
    const read = (ending: string): string => readFileSync(join(place, "new", `a.${ending}`), "utf8");
    expect(read("svg")).toBe(figure.svg());
    expect(read("txt")).toBe(`${figure.text()}\n`);
    expect(JSON.parse(read("json"))).toEqual(figure.spec);
    await expect(figure.save("a.png")).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    await expect(figure.save(join(place, "new", "a.svg", "b.svg"))).rejects.toMatchObject({ code: "FILE_WRITE" });
  });

  test("is drawn by console.log, and gives a notebook SVG and text", () => {
    expect(inspect(figure)).toContain("┤");
    expect(String(figure)).toBe(figure.text());
    const show = (figure as unknown as Record<symbol, () => Record<string, string>>)[Symbol.for("Jupyter.display")]!;
    expect(show.call(figure)).toEqual({ "image/svg+xml": figure.svg(), "text/plain": figure.text() });
  });

  test("says in a sentence what it shows", () => {
    expect(plot.lines({ loss: [3, 1, 2] }, { x: "step" }).description).toBe(
      "Line plot by step: loss (3 from 1 to 3, the last 2)",
    );
    expect(
      plot.confusion([
        [3, 1],
        [0, 4],
      ]).description,
    ).toBe("Confusion matrix of 2 classes: 7 of 8 right (87.50 %); 0 taken for 1 (1)");
    expect(plot.bars([]).description).toBe("Bar chart: no values");
  });
});
