/** @file What a user, a disk or a stranger's file can do wrong: a clear error with a code, exit 1, nothing lost. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { encodeIdx } from "@tacit/core/data";
import { encode } from "fast-png";
import { afterAll, describe, expect, test } from "vitest";
import { encodeSafetensors, rawSafetensors } from "./safetensors.ts";
import { digitFiles, type Ran, scratch, tacit } from "./tacit.ts";

const place = scratch();
const COUNT = 70;
const files = digitFiles(COUNT);
const good = place.write("good.safetensors", files.safetensors);
const FAST = ["--model", "mlp", "--batch", "30", "--epochs", "1"];
afterAll(() => place[Symbol.dispose]());

/** Exit 1, nothing on stdout, the error as people read it: one line with the code, no stack. */
function expectFault(ran: Ran, code: string, says: RegExp): void {
  const line = ran.stderr.split("\n").find((l) => l.startsWith("tacit: error["));
  expect(line).toMatch(new RegExp(`^tacit: error\\[${code}\\]: `));
  expect(line).toMatch(says);
  expect(ran).toMatchObject({ code: 1, signal: null, stdout: "" });
  expect(ran.stderr).toContain(`more: tacit explain ${code}\n`);
  expect(ran.stderr).not.toMatch(/\n\s+at /);
}

interface Case {
  readonly what: string;
  readonly args: readonly string[];
  readonly code: string;
  readonly says: RegExp;
}

const train = (...args: readonly string[]): string[] => ["train", ...FAST, "--out", place.file("never.safetensors"), ...args];
const idx = (name: string, bytes: Uint8Array): string[] => [
  "--data",
  place.write(name, bytes),
  "--labels",
  place.write("y.idx", files.labels),
];
const labelled = (name: string, dtype: string, bytes: Uint8Array): string =>
  place.write(
    name,
    encodeSafetensors([
      { name: "images", dtype: "U8", shape: [3, 28, 28], bytes: new Uint8Array(3 * 784) },
      { name: "labels", dtype, shape: [3], bytes },
    ]),
  );
const i32 = (...values: readonly number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);
const f32 = (...values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const hugeIdx = Uint8Array.from([0, 0, 8, 3, 255, 255, 255, 255, 0, 0, 0, 28, 0, 0, 0, 28]);
const lying =
  '{"images":{"dtype":"U8","shape":[3,28,28],"data_offsets":[0,2352]},"labels":{"dtype":"U8","shape":[3],"data_offsets":[2349,2352]}}';

const BAD_DATA: readonly Case[] = [
  { what: "a file that is not there", args: train("--data", place.file("none.csv")), code: "FILE_READ", says: /no such file/ },
  { what: "a directory as data", args: train("--data", place.path), code: "FILE_READ", says: /got a directory/ },
  {
    what: "a file of another kind",
    args: train("--data", place.write("read.md", "# hello")),
    code: "ARGUMENT_INVALID",
    says: /read\.md", which is neither CSV, safetensors nor IDX/,
  },
  {
    what: "IDX pictures without labels",
    args: train("--data", place.write("alone.idx", files.images)),
    code: "ARGUMENT_INVALID",
    says: /--labels/,
  },
  {
    what: "safetensors cut short",
    args: train("--data", place.write("cut.safetensors", files.safetensors.subarray(0, 5000))),
    code: "SAFETENSORS_INVALID",
    says: /bytes of data, got/,
  },
  {
    what: "a safetensors header of 2^62 bytes",
    args: train("--data", place.write("long.safetensors", rawSafetensors("{}", new Uint8Array(8), 2n ** 62n))),
    code: "SIZE_LIMIT",
    says: /header of at most/,
  },
  {
    what: "safetensors whose tensors overlap",
    args: train("--data", place.write("lying.safetensors", rawSafetensors(lying, new Uint8Array(2352)))),
    code: "SAFETENSORS_INVALID",
    says: /safetensors/,
  },
  {
    what: "IDX cut short",
    args: train(...idx("cut.idx", files.images.subarray(0, 4000))),
    code: "IDX_INVALID",
    says: /54896 bytes .* got 4000/,
  },
  {
    what: "IDX that announces terabytes",
    args: train(...idx("huge.idx", hugeIdx)),
    code: "SIZE_LIMIT",
    says: /1073741824 bytes/,
  },
  {
    what: "IDX that is another file",
    args: train(...idx("text.idx", Buffer.from("hello there"))),
    code: "IDX_INVALID",
    says: /magic/,
  },
  {
    what: "gzip cut short",
    args: train(...idx("cut.gz", gzipSync(files.images).subarray(0, 900))),
    code: "GZIP_INVALID",
    says: /complete gzip stream/,
  },
  {
    what: "more pictures than labels",
    args: train(
      "--data",
      place.write("x.idx", files.images),
      "--labels",
      place.write("few.idx", encodeIdx({ values: new Uint8Array(9), shape: [9], dtype: "u8" })),
    ),
    code: "SHAPE_MISMATCH",
    says: /9 pictures of 28x28, got \[70,28,28\]/,
  },
  {
    what: "CSV with a word among the pixels",
    args: train("--data", place.write("word.csv", `${files.csv}3,${"0,".repeat(783)}NaN\n`)),
    code: "CSV_INVALID",
    says: /line 71 column 785: expected a finite number/,
  },
  {
    what: "a label of -1",
    args: train("--data", labelled("m.safetensors", "I32", i32(0, -1, 1))),
    code: "LABEL_OUT_OF_RANGE",
    says: /-1 at position 1/,
  },
  {
    what: "a label of -2 in CSV",
    args: train("--data", place.write("neg.csv", `${files.csv}-2,${"0,".repeat(783)}0\n`)),
    code: "LABEL_OUT_OF_RANGE",
    says: /-2 at position 70/,
  },
  {
    what: "a label of 1000",
    args: train("--data", labelled("k.safetensors", "I32", i32(0, 1, 1000))),
    code: "LABEL_OUT_OF_RANGE",
    says: /1000 at/,
  },
  {
    what: "a label of 2.5",
    args: train("--data", labelled("h.safetensors", "F32", f32(0, 1, 2.5))),
    code: "LABEL_OUT_OF_RANGE",
    says: /2\.5 at/,
  },
];

describe("tacit train refuses", () => {
  test.concurrent.each(BAD_DATA)("$what", async ({ args, code, says }) => {
    expectFault(await tacit(args), code, says);
  });

  test("nothing of that has left a model or a temporary file", () => {
    expect(readdirSync(place.path).filter((f) => /^never|tmp$|probe$/.test(f.replace(/^\./, "")))).toEqual([]);
  });
});

describe("a command line that is wrong", () => {
  test.concurrent.each([
    { what: "an unknown command", args: ["trian"], says: /unknown command 'trian'.*Did you mean train/ },
    { what: "an unknown option", args: ["train", "--epoch", "3"], says: /unknown option '--epoch'/ },
    { what: "a number that is none", args: ["train", "--lr", "fast"], says: /'fast' is invalid. expected a number above 0/ },
    { what: "no threads at all", args: ["train", "--threads", "0"], says: /whole number of at least 1/ },
    { what: "a missing argument", args: ["predict", "model.safetensors"], says: /missing required argument 'image'/ },
  ])("$what: COMMAND_LINE", async ({ args, says }) => {
    const ran = await tacit(args, { cwd: place.path });
    expectFault(ran, "COMMAND_LINE", says);
    expect(ran.stderr).toContain("hint: tacit --help");
  });
});

describe("tacit predict refuses", () => {
  const gray = encode({ width: 28, height: 28, channels: 1, depth: 8, data: new Uint8Array(784) });
  const model = place.file("m1.safetensors");
  const trained = tacit(["train", ...FAST, "--data", good, "--out", model]);

  test.concurrent("damaged pictures, endless ones and other files", async () => {
    expect((await trained).code).toBe(0);
    const cases: readonly (readonly [string, string, RegExp])[] = [
      [place.write("cut.png", gray.subarray(0, gray.length - 9)), "PNG_INVALID", /cut short/],
      [place.write("text.png", Buffer.from("no picture")), "PNG_INVALID", /another kind of file/],
      [place.file("none.png"), "FILE_READ", /no such file/],
      [place.path, "FILE_READ", /directory/],
      ["/dev/zero", "SIZE_LIMIT", /at most 16777216 bytes/],
    ];
    for (const [path, code, says] of cases) expectFault(await tacit(["predict", model, path]), code, says);
  });

  test.concurrent("files that hold no model, or half of one", async () => {
    await trained;
    const picture = place.write("gray.png", gray);
    expectFault(await tacit(["predict", good, picture]), "MODEL_UNKNOWN", /tacit\.model/);
    expectFault(await tacit(["predict", picture, model]), "SAFETENSORS_INVALID", /gray\.png", which is not a safetensors file/);
    const bytes = readFileSync(model);
    const cut = place.write("half.safetensors", bytes.subarray(0, bytes.length / 2));
    expectFault(await tacit(["predict", cut, picture]), "SAFETENSORS_INVALID", /bytes of data/);
  });
});

describe("a disk that refuses", () => {
  test("a path through a file: said before any training, exit 1", async () => {
    const file = place.write("file.txt", "x");
    const ran = await tacit(["train", ...FAST, "--data", good, "--out", join(file, "model.safetensors")]);
    expectFault(ran, "FILE_WRITE", /a path through a file/);
    expect(ran.stderr).not.toContain("epoch");
  });

  test("a directory as --out: said before any training, exit 1", async () => {
    mkdirSync(place.file("folder"));
    const ran = await tacit(["train", ...FAST, "--data", good, "--out", place.file("folder")]);
    expectFault(ran, "FILE_WRITE", /a directory/);
    expect(ran.stderr).not.toContain("epoch");
  });

  test("that is full in the middle of a checkpoint: the old one survives to the byte, nothing else is left, and training goes on from it", async () => {
    const folder = place.file("full");
    mkdirSync(folder);
    const args = ["train", "--data", good, "--model", "mlp", "--batch", "30", "--out", join(folder, "model.safetensors")];
    const checkpoint = join(folder, "model.safetensors.checkpoint");
    expect((await tacit([...args, "--epochs", "1"])).code).toBe(0);
    const before = readFileSync(checkpoint);
    const [limit, size] = [256, statSync(checkpoint).size];
    expect(size).toBeGreaterThan(limit * 1024);
    const ran = await tacit([...args, "--epochs", "3", "--resume"], { fileLimit: limit });
    expectFault(ran, "FILE_WRITE", /\.checkpoint: expected a writable place, got a file too large for the disk/);
    expect(ran.stderr).toContain("epoch 2/3");
    expect(readFileSync(checkpoint).equals(before)).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(["model.safetensors", "model.safetensors.checkpoint"]);
    const on = await tacit([...args, "--epochs", "3", "--resume"]);
    expect(on.code).toBe(0);
    expect(on.stderr).toContain("epoch 3/3");
  });
});

describe("a training that diverges", () => {
  test("but stays finite is warned about once, with what to do", async () => {
    const wild = [
      "train",
      "--data",
      good,
      "--model",
      "mlp",
      "--batch",
      "10",
      "--epochs",
      "3",
      "--out",
      place.file("big.safetensors"),
    ];
    const ran = await tacit([...wild, "--lr", "1e6"]);
    expect(ran.code).toBe(0);
    expect(
      ran.stderr.match(/warning\[LOSS_DIVERGES\]: step \d+: expected losses that fall from [\d.]+, got \d+ on end/g),
    ).toHaveLength(1);
    expect(ran.stderr).toContain("hint: lower the learning rate");
    const calm = await tacit([...wild, "--lr", "1e-3"]);
    expect(calm.stderr).not.toContain("warning");
  });

  test("ends with LOSS_NOT_FINITE, and the checkpoint of before is still there", async () => {
    const out = place.file("wild.safetensors");
    const args = ["train", "--data", good, "--model", "mlp", "--batch", "10", "--out", out];
    expect((await tacit([...args, "--epochs", "1"])).code).toBe(0);
    const [checkpoint, model] = [readFileSync(`${out}.checkpoint`), readFileSync(out)];
    const ran = await tacit([...args, "--epochs", "40", "--lr", "1e30"]);
    expectFault(ran, "LOSS_NOT_FINITE", /expected a finite loss, got (NaN|Infinity)/);
    expect(ran.stderr).toMatch(/hint: .*learning rate/);
    expect(existsSync(out)).toBe(true);
    expect(readFileSync(out).equals(model)).toBe(true);
    expect(readFileSync(`${out}.checkpoint`).equals(checkpoint)).toBe(true);
  });
});
