/** @file Parsers of files that people get from anywhere: Programs, safetensors, checkpoints, IDX, CSV, PNG. */

import { gzipSync } from "node:zlib";
import { nn, optim } from "@tacit/core";
import { Program } from "@tacit/core/program";
import { encode } from "fast-png";
import { parseScores, type ScoreFile } from "../../../../cli/src/audits/scores.ts";
import { parseCsv } from "../../../../core/src/data/csv.ts";
import { encodeIdx, parseIdx, readIdx } from "../../../../core/src/data/idx.ts";
import { checkpoint } from "../../../../core/src/io/checkpoint.ts";
import { decodeSafetensors, encodeSafetensors } from "../../../../core/src/io/safetensors.ts";
import { parseIndex } from "../../../../core/src/io/shards.ts";
import { network } from "../../../../core/test/program/harness.ts";
import { decodePng, decodePngRgb } from "../../../../vision/src/png.ts";
import { bytesOf, holds, type Parser, succeeds, textOf } from "../parser.ts";

const program: Parser = {
  name: "Program",
  guards: ["core/src/program/cbor.ts", "core/src/program/program.ts"],
  form: "cbor",
  seeds: [network().toBytes()],
  codes: ["PROGRAM_INVALID"],
  read: (input) => Program.fromBytes(input).toBytes(),
};

const tensors = encodeSafetensors(
  [
    ["weight", { values: Float32Array.of(1, 2, 3, 4), shape: [2, 2], dtype: "f32" }],
    ["steps", { values: BigInt64Array.of(3n), shape: [], dtype: "i64" }],
    ["mask", { values: Uint8Array.of(0, 1, 1), shape: [3], dtype: "bool" }],
  ],
  [["format", "pt"]],
);
const header = '{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]}}';
const small = new Uint8Array(
  Buffer.concat([Buffer.from(BigUint64Array.of(BigInt(header.length)).buffer), Buffer.from(header), new Uint8Array(12)]),
);

const safetensors: Parser = {
  name: "safetensors",
  guards: ["core/src/io/safetensors.ts", "core/src/io/header-json.ts"],
  form: "bytes",
  seeds: [tensors, small],
  codes: ["SAFETENSORS_INVALID", "DTYPE_UNSUPPORTED", "SIZE_LIMIT"],
  read(input) {
    const read = decodeSafetensors(input);
    const again = succeeds(
      () => decodeSafetensors(encodeSafetensors(read.tensors, read.metadata)),
      "what was read can be written and read",
    );
    holds(again.tensors.size === read.tensors.size && again.metadata.size === read.metadata.size, "as many tensors and words");
    return undefined;
  },
};

/** The header alone, mutated as JSON; the data fits what the examples say. */
const safetensorsHeader: Parser = {
  name: "safetensors header",
  guards: ["core/src/io/header-json.ts"],
  form: "json",
  seeds: [header, '{"__metadata__":{"format":"pt"},"a":{"dtype":"U8","shape":[3,4],"data_offsets":[0,12]}}'].map(bytesOf),
  codes: ["SAFETENSORS_INVALID", "DTYPE_UNSUPPORTED", "SIZE_LIMIT"],
  read(input) {
    const size = Buffer.from(BigUint64Array.of(BigInt(input.length)).buffer);
    const read = decodeSafetensors(new Uint8Array(Buffer.concat([size, input, new Uint8Array(12)])));
    for (const { shape } of read.tensors.values())
      holds(shape.reduce((n, d) => n * Math.max(1, d), 1) <= 2 ** 31, "no shape that a loop never ends over");
    return undefined;
  },
};

const index: Parser = {
  name: "safetensors index",
  guards: ["core/src/io/shards.ts"],
  form: "json",
  seeds: [bytesOf('{"metadata":{"total_size":8},"weight_map":{"a":"model-1-of-2.safetensors","b":"model-2-of-2.safetensors"}}')],
  codes: ["SAFETENSORS_INVALID", "SIZE_LIMIT"],
  read(input) {
    for (const file of parseIndex(textOf(input)).keys())
      holds(/^[\w-][\w.-]*\.safetensors$/.test(file), "files beside the index");
    return undefined;
  },
};

const model = new nn.Linear(2, 2);
const adam = optim.adam(model.parameters(), { lr: 0.1 });
const saved = await checkpoint.encode({ model, optimizer: adam, extra: { epoch: 3 } });

const checkpoints: Parser = {
  name: "checkpoint",
  guards: ["core/src/io/checkpoint.ts"],
  form: "bytes",
  seeds: [saved],
  codes: ["SAFETENSORS_INVALID", "DTYPE_UNSUPPORTED", "SIZE_LIMIT", "CHECKPOINT_INVALID", "STATE_MISMATCH", "ARGUMENT_INVALID"],
  share: 0.1,
  read(input) {
    checkpoint.decode(input, { model, optimizer: adam });
    return undefined;
  },
};

const images = encodeIdx({ values: Uint8Array.from({ length: 24 }, (_, i) => i * 9), shape: [2, 3, 4], dtype: "u8" });
const labels = encodeIdx({ values: Int32Array.of(3, -1, 70_000), shape: [3], dtype: "i32" });
const idx: Parser = {
  name: "IDX",
  guards: ["core/src/data/idx.ts"],
  form: "bytes",
  seeds: [images, labels, encodeIdx({ values: Float32Array.of(1.5, Number.NaN), shape: [2, 1], dtype: "f32" })],
  codes: ["IDX_INVALID", "SIZE_LIMIT"],
  read(input) {
    const { shape, values, dtype } = parseIdx(input);
    holds(values.length === shape.reduce((n, d) => n * d, 1), "as many values as the shape says");
    holds(shape.reduce((n, d) => n * Math.max(1, d), 1) <= 2 ** 31, "no shape that a loop never ends over");
    return dtype === "u8" ? encodeIdx({ shape, values, dtype }) : undefined;
  },
};

const gzip: Parser = {
  name: "IDX, gzip",
  guards: ["core/src/data/gunzip.ts"],
  form: "bytes",
  seeds: [new Uint8Array(gzipSync(images)), new Uint8Array(gzipSync(new Uint8Array(4000)))].slice(0, 1),
  codes: ["IDX_INVALID", "SIZE_LIMIT", "GZIP_INVALID"],
  share: 0.02,
  async read(input) {
    await readIdx(input);
    return undefined;
  },
};

const csv: Parser = {
  name: "CSV",
  guards: ["core/src/data/csv.ts"],
  form: "bytes",
  seeds: ['sepal,petal,"kind, of"\n1,2.5e3,setosa\r\n-.5,+4,"iris ""v"""\n\n', "1,2\n3,4\n", "a,b\n1,2"].map(bytesOf),
  codes: ["CSV_INVALID", "SIZE_LIMIT"],
  read(input) {
    // The examples that begin with a name have words in their last column.
    const table = parseCsv(input, input[0] === 0x73 ? { label: -1 } : {});
    holds(table.features.values.length === table.features.shape[0]! * table.features.shape[1]!, "a full table");
    return undefined;
  },
};

const scores = (what: string, name: string, seeds: readonly string[], read: (file: ScoreFile) => boolean): Parser => ({
  name: `scores of an audit, ${what}, ${name}`,
  guards: ["cli/src/audits/scores.ts"],
  form: name.endsWith("json") ? "json" : "bytes",
  seeds: seeds.map(bytesOf),
  codes: ["PRIVACY_AUDIT_DATA", "CSV_INVALID", "SIZE_LIMIT"],
  read(input) {
    holds(read(parseScores(name, input)), "numbers, and of CSV a coin for each");
    return undefined;
  },
});

const groups = (file: ScoreFile): boolean => {
  const { canaries, candidates } = file.groups({ canaries: ["canary", "1"], candidates: ["candidate", "0"] }, "space");
  return [canaries, candidates].every((values) => values instanceof Float64Array);
};
const coins = (file: ScoreFile): boolean => {
  const found = file.coins();
  return file.json !== null || found.coins.length === found.scores.length;
};

const pixels = Uint8Array.from({ length: 48 }, (_, i) => (i * 37) % 256);
const pictures = [
  encode({ width: 4, height: 4, channels: 3, depth: 8, data: pixels }),
  encode({ width: 4, height: 3, channels: 1, depth: 8, data: pixels.subarray(0, 12) }),
  encode({ width: 2, height: 2, channels: 4, depth: 8, data: pixels.subarray(0, 16) }),
].map((b) => new Uint8Array(b));
const PICTURE = { pixels: 4096 };
const png = (name: string, decode: (input: Uint8Array) => void): Parser => ({
  name,
  guards: ["vision/src/png.ts"],
  form: "bytes",
  seeds: pictures,
  codes: ["PNG_INVALID", "SIZE_LIMIT"],
  read(input) {
    decode(input);
    return undefined;
  },
});

export const FILE_PARSERS: readonly Parser[] = [
  program,
  safetensors,
  safetensorsHeader,
  index,
  checkpoints,
  idx,
  gzip,
  csv,
  scores("groups", "a.csv", ["canary,1.5\ncandidate,-2\n", "1,0.5\n0,2\n"], groups),
  scores("groups", "a.json", ['{"canaries":[1.5],"candidates":[2,3],"space":10}'], groups),
  scores("coins", "a.csv", ["1,0.5\n0,2\n"], coins),
  scores("coins", "a.json", ['{"included":[0,1],"scores":[1,2]}'], coins),
  png("PNG, gray", (input) => {
    const { width, height, values } = decodePng(input, PICTURE);
    holds(values.length === width * height && values.every((v) => v >= 0 && v <= 1), "values from 0 to 1");
  }),
  png("PNG, colour", (input) => {
    holds(
      decodePngRgb(input, PICTURE).values.every((v) => v >= 0 && v <= 1),
      "values from 0 to 1",
    );
  }),
];
