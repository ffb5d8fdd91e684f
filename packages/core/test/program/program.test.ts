/** @file Program: immutable, printable, with a stable id and canonical bytes. */
import { decode, encode } from "cborg";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Expr } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import { Program } from "../../src/program/program.ts";
import { trace } from "../../src/transform/index.ts";
import { CASES, title } from "../ops/cases.ts";
import { anyProgram, network, programOf } from "./harness.ts";

const refused = expect.objectContaining({ code: "PROGRAM_INVALID" });

describe("Program", () => {
  it("has an id that does not change from release to release", () => {
    expect(network().id).toBe("03dd719e642c2ea6f9d16ce758be3fd73bfa7d7832de69b5d46512e8c55ca1ba");
  });

  it("has canonical bytes as documented: arrays, integers and op names in deterministic CBOR", () => {
    const x = Expr.placeholder({ shape: [2], dtype: "f32" });
    const { program } = trace([op.neg(x)], [x]);
    // ["tacit program", 1, [[0, [2]]], [["neg", [], [0], 0, [2]]], [1]]
    expect(Buffer.from(program.toBytes()).toString("hex")).toBe(
      "856d74616369742070726f6772616d0181820081028185636e6567808100008102" + "8101",
    );
  });

  it("prints one line for each node, with types and names of attributes", () => {
    expect(network().toString()).toMatchInlineSnapshot(`
      "program (%0:f32[4,3], %1:f32[3,5], %2:f32[5], %3:f32[5,2], %4:f32[4,2]) {
        %5:f32[4,5] = matmul[transposeA=0 transposeB=0] %0 %1
        %6:f32[4,5] = add %5 %2
        %7:f32[4,5] = relu %6
        %8:f32[4,2] = matmul[transposeA=0 transposeB=0] %7 %3
        %10:f32[4,2] = mul %8 0.1:f32
        %11:f32[4] = softmaxCrossEntropy %10 %4
        %12:f32[] = sum[keepdim=0 axes=0] %11
        return %12, %7
      }"
    `);
  });

  it("prints literals by value and dtypes by name", () => {
    const x = Expr.placeholder({ shape: [2, 3], dtype: "u8" });
    const big = op.add(op.cast(x, "i64"), op.constant("i64", -(2n ** 40n)));
    const { program } = trace([op.slice(big, [0, 1], [2, 3])], [x]);
    expect(program.toString()).toContain("= add %1 -1099511627776:i64");
    expect(program.toString()).toContain("i64[2,3] = cast[dtype=i64] %0");
    expect(program.toString()).toContain("slice[start=0,1 stop=2,3 step=1,1]");
  });

  it.each(CASES.map((c) => [title(c), c] as const))("survives its bytes: %s", (_, c) => {
    const p = programOf(c);
    const q = Program.fromBytes(p.toBytes());
    expect(q.id).toBe(p.id);
    expect(q.toString()).toBe(p.toString());
    expect(q.outputAvals).toEqual(p.outputAvals);
  });

  it("has another id as soon as anything differs", () => {
    const ids = CASES.map((c) => programOf(c));
    const texts = new Set(ids.map((p) => p.toString()));
    expect(new Set(ids.map((p) => p.id)).size).toBe(texts.size);
  });

  it("cannot be changed after it was made, and does not follow the arrays it was made from", () => {
    const shape = [2];
    const attrs = [0, 0];
    const p = new Program([{ shape, dtype: "f32" }], [{ op: "sum", attrs, args: [0], aval: { shape: [], dtype: "f32" } }], [1]);
    const { id } = p;
    shape[0] = 3;
    attrs[0] = 1;
    expect(new Program(p.inputs, p.nodes, p.outputs).id).toBe(id);
    for (const frozen of [p.inputs, p.nodes, p.outputs, p.nodes[0], p.nodes[0]!.attrs, p.nodes[0]!.args, p.inputs[0]!.shape]) {
      expect(Object.isFrozen(frozen)).toBe(true);
    }
    p.toBytes().fill(0);
    expect(p.id).toBe(id);
    expect(Program.fromBytes(p.toBytes()).id).toBe(id);
  });

  it("knows the type of every value", () => {
    const p = network();
    expect(p.aval(0)).toEqual({ shape: [4, 3], dtype: "f32" });
    expect(p.aval(p.outputs[0]!)).toEqual({ shape: [], dtype: "f32" });
  });
});

/** The parts of the encoding, to be changed and encoded again. */
type Parts = [string, number, [number, number[]][], [string, number[], number[], number, number[]][], number[]];

function altered(change: (parts: Parts) => void): Uint8Array {
  const parts = decode(network().toBytes()) as Parts;
  change(parts);
  return encode(parts);
}

const BAD: [string, (p: Parts) => void, RegExp][] = [
  ["another format", (p) => void (p[0] = "other"), /format/],
  ["another version", (p) => void (p[1] = 2), /version/],
  ["a dtype that is not there", (p) => void (p[2][0]![0] = 8), /dtype code/],
  ["a negative size", (p) => void (p[2][0]![1] = [-1]), /sizes/],
  ["a fractional size", (p) => void (p[2][0]![1] = [1.5]), /major type 7/],
  ["an input of too many dimensions", (p) => void (p[2][0]![1] = new Array(9).fill(1)), /at most 8/],
  ["an input of 2^31 + 1 elements", (p) => void (p[2][0]![1] = [2 ** 31 - 1, 2]), /elements/],
  ["an unknown op", (p) => void (p[3][0]![0] = "evil"), /known op/],
  ["an op named like a property of every object", (p) => void (p[3][0]![0] = "constructor"), /known op/],
  ["a missing argument", (p) => void (p[3][0]![2] = [0]), /2 arguments, got 1/],
  ["an argument too many", (p) => void p[3][0]![2].push(0), /2 arguments, got 3/],
  ["an argument that comes later", (p) => void (p[3][0]![2] = [0, 6]), /id of an earlier value, got 6/],
  ["a node that reads itself", (p) => void (p[3][0]![2] = [0, 5]), /id of an earlier value, got 5/],
  ["a negative argument", (p) => void (p[3][0]![2] = [0, -1]), /earlier value/],
  ["an attribute beyond 32 bits", (p) => void (p[3][0]![1] = [2 ** 31, 0]), /32-bit/],
  ["an attribute that the op refuses", (p) => void (p[3][0]![1] = [2, 0]), /transposeA/],
  ["a type that is not the inferred one", (p) => void (p[3][0]![4] = [4, 6]), /inferred type f32\[4,5\], got f32\[4,6\]/],
  ["a dtype that is not the inferred one", (p) => void (p[3][0]![3] = 7), /inferred type f32/],
  ["shapes that do not fit", (p) => void (p[2][1]![1] = [2, 5]), /inner sizes/],
  ["no outputs", (p) => void (p[4] = []), /at least one/],
  ["an output that is not there", (p) => void (p[4] = [99]), /earlier value, got 99/],
  ["too many attributes", (p) => void (p[3][0]![1] = new Array(89).fill(0)), /at most 88 attributes/],
  ["text for a number", (p) => void ((p as unknown[])[4] = ["0"]), /safe integers/],
  ["a number for an op", (p) => void ((p[3][0] as unknown[])[0] = 7), /op name/],
  ["a node of four parts", (p) => void p[3][0]!.pop(), /array of 5/],
  ["a map", (p) => void ((p as unknown[])[4] = { a: 1 }), /major type 5/],
  ["bytes", (p) => void ((p as unknown[])[4] = new Uint8Array(3)), /major type 2/],
  ["null", (p) => void ((p as unknown[])[4] = null), /major type 7/],
];

describe("Program.fromBytes", () => {
  it.each(BAD)("refuses %s", (_, change, message) => {
    expect(() => Program.fromBytes(altered(change))).toThrow(
      expect.objectContaining({ code: "PROGRAM_INVALID", message: expect.stringMatching(message) }),
    );
  });

  it("refuses longer forms of the same numbers, indefinite lengths, and bytes after the end", () => {
    const bytes = network().toBytes();
    expect(() => Program.fromBytes(Uint8Array.of(...bytes, 0))).toThrow(refused);
    expect(() => Program.fromBytes(Uint8Array.of(0x9f, ...bytes.subarray(1), 0xff))).toThrow(refused);
    // 0x85 is an array of 5; 0x98 0x05 says the same in two bytes.
    expect(() => Program.fromBytes(Uint8Array.of(0x98, 5, ...bytes.subarray(1)))).toThrow(/shortest form/);
    const version = bytes.indexOf(1, 15);
    expect(() =>
      Program.fromBytes(Uint8Array.of(...bytes.subarray(0, version), 0x18, 1, ...bytes.subarray(version + 1))),
    ).toThrow(/shortest form/);
  });

  it("refuses an announced length at its head, before the elements are looked at", () => {
    const bytes = network().toBytes();
    const inputs = 1 + 1 + "tacit program".length + 1;
    expect(bytes[inputs]).toBe(0x85);
    const swollen = Uint8Array.of(...bytes.subarray(0, inputs), 0x9a, 0xff, 0xff, 0xff, 0xff, ...bytes.subarray(inputs + 1));
    expect(() => Program.fromBytes(swollen)).toThrow(/expected arrays that fit in the bytes, got one of 4294967295 elements/);
  });

  it("refuses names with a byte order mark or with bytes that are not UTF-8", () => {
    const x = Expr.placeholder({ shape: [2], dtype: "f32" });
    const bytes = trace([op.neg(x)], [x]).program.toBytes();
    const name = Buffer.from(bytes).indexOf("neg") - 1;
    for (const text of [
      [0xef, 0xbb, 0xbf, 0x6e, 0x65, 0x67],
      [0x6e, 0x65, 0x67, 0xff],
      [0x6e, 0x65, 0x67, 0x00],
    ]) {
      const changed = Uint8Array.of(...bytes.subarray(0, name), 0x60 + text.length, ...text, ...bytes.subarray(name + 4));
      expect(() => Program.fromBytes(changed)).toThrow(refused);
    }
  });

  it("refuses every prefix", () => {
    const bytes = network().toBytes();
    for (let n = 0; n < bytes.length; n++) expect(() => Program.fromBytes(bytes.subarray(0, n))).toThrow(refused);
  });

  it("keeps the limits that it is given", () => {
    const p = network();
    const bytes = p.toBytes();
    for (const limits of [
      { bytes: 10 },
      { nodes: 2 },
      { inputs: 4 },
      { outputs: 1 },
      { rank: 1 },
      { elements: 19 },
      { totalElements: 100 },
      { args: 1 },
    ]) {
      expect(() => Program.fromBytes(bytes, limits), JSON.stringify(limits)).toThrow(refused);
    }
    expect(Program.fromBytes(bytes, { bytes: bytes.length, nodes: p.nodes.length, inputs: 5, outputs: 2, rank: 2 }).id).toBe(
      p.id,
    );
  });

  it("names in its refusal nothing of a hostile op name but its beginning", () => {
    const long = altered((p) => void (p[3][0]![0] = "x".repeat(60)));
    expect(() => Program.fromBytes(long)).toThrow(/\(x{32}\): expected a known op/);
  });

  it("reads back whatever was written", () => {
    fc.assert(fc.property(anyProgram, (p) => Program.fromBytes(p.toBytes()).id === p.id));
  });
});
