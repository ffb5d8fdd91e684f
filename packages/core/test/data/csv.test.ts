/** @file CSV: numbers, labels, quotes, and faults named by line and column. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCsv } from "../../src/data/csv.ts";
import { codeOf } from "../errors.ts";

test("reads numbers with a header, and finds by itself whether there is one", () => {
  const table = parseCsv("a,b\n1,2.5\n-3e2,.5\n");
  expect(table).toEqual({
    names: ["a", "b"],
    features: { values: Float32Array.of(1, 2.5, -300, 0.5), shape: [2, 2], dtype: "f32" },
    labels: null,
    classes: [],
  });
  expect(parseCsv("1,2\r\n3,4").features.shape).toEqual([2, 2]);
  expect(parseCsv("1,2\n3,4", { header: true }).names).toEqual(["1", "2"]);
});

test("takes words or numbers as labels, in a stable order of classes", () => {
  const iris = parseCsv("x,kind\n1,rose\n2,lily\n3,rose\n", { label: "kind" });
  expect(iris.classes).toEqual(["lily", "rose"]);
  expect(iris.labels?.values).toEqual(Int32Array.of(1, 0, 1));
  expect(iris.names).toEqual(["x"]);
  const digits = parseCsv("10,0.5\n9,0.25\n10,1\n", { label: 0 });
  expect([digits.classes, digits.labels?.values, digits.features.shape]).toEqual([["9", "10"], Int32Array.of(1, 0, 1), [3, 1]]);
  expect(parseCsv("1,2,b\n3,4,a", { label: -1 }).classes).toEqual(["a", "b"]);
});

test("reads quoted fields with delimiters, quotes and line breaks, other delimiters, and a byte order mark", () => {
  const table = parseCsv('\uFEFF"a ""x""";"b;\nc"\n"1";2\n', { delimiter: ";" });
  expect(table.names).toEqual(['a "x"', "b;\nc"]);
  expect(table.features.values).toEqual(Float32Array.of(1, 2));
});

test("reads back whatever numbers are written", () => {
  const rows = fc.array(fc.tuple(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.integer()), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(rows, (list) => {
      const { values } = parseCsv(list.map((r) => r.join(",")).join("\n"), { header: false }).features;
      expect([...values]).toEqual(list.flat().map((v) => Math.fround(v) + 0));
    }),
  );
});

test("names line and column of a fault", () => {
  const message = (text: string): string => {
    try {
      parseCsv(text);
    } catch (e) {
      return String(e);
    }
    return "no error";
  };
  expect(message("a,b\n1,2\n1,x\n")).toContain("csv line 3 column 2: expected a finite number, got text");
  expect(message("a,b\n1,2\n1\n")).toContain("csv line 3: expected 2 fields, got 1");
  expect(message("a,b\n1,\n")).toContain("got nothing");
  expect(message('a\n"1\n2\n')).toContain("csv line 2: expected a closing quote");
});

test("refuses what is empty, infinite, too large or badly asked for", () => {
  for (const text of ["", "1,NaN", "1,Infinity", "a,b\n1,0x10", 'a,b\n1,"2"3'])
    expect(codeOf(() => parseCsv(text, { header: text.startsWith("a") }))).toBe("CSV_INVALID");
  expect(codeOf(() => parseCsv("1,2\n3,4", { limits: { rows: 1 } }))).toBe("SIZE_LIMIT");
  expect(codeOf(() => parseCsv("1,2,3", { limits: { columns: 2 } }))).toBe("SIZE_LIMIT");
  expect(codeOf(() => parseCsv("1,2,3", { limits: { bytes: 2 } }))).toBe("SIZE_LIMIT");
  expect(codeOf(() => parseCsv("1,2", { label: "y" }))).toBe("CSV_INVALID");
  expect(codeOf(() => parseCsv("1,2", { delimiter: "\n" }))).toBe("CSV_INVALID");
});
