/** @file `tacit train` and `tacit predict` as processes: streams, results, Ctrl-C, resuming. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "fast-png";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digitFiles, drawn, type Ran, scratch, tacit } from "./tacit.ts";

const place = scratch();
const COUNT = 340;
const files = digitFiles(COUNT);
const data = place.write("digits.safetensors", files.safetensors);
const FAST = ["--model", "mlp", "--batch", "32"];

afterAll(() => place[Symbol.dispose]());

interface Training {
  readonly schema: number;
  readonly kind: string;
  readonly accuracy: number;
  readonly epochs: readonly {
    readonly epoch: number;
    readonly loss: number;
    readonly accuracy: number;
    readonly seconds: number;
  }[];
  readonly confusion: readonly (readonly number[])[];
  readonly data: string;
  readonly model: string;
  readonly file: string;
}

describe("tacit train", () => {
  let said: Ran;
  beforeAll(async () => {
    said = await tacit([
      "train",
      "--data",
      data,
      ...FAST,
      "--epochs",
      "6",
      "--out",
      place.file("a.safetensors"),
      "--plots",
      place.file("plots"),
    ]);
  });

  test("ends with code 0 and a saved model", () => {
    expect(said).toMatchObject({ code: 0, signal: null });
    expect(existsSync(place.file("a.safetensors"))).toBe(true);
  });

  test("says data, model and progress on stderr, the result on stdout", () => {
    expect(said.stderr).toContain("data: digits.safetensors");
    expect(said.stderr).toContain("289 to train on, 51 to test");
    expect(said.stderr).toContain("model: mlp, 118282 weights");
    for (let epoch = 1; epoch <= 6; epoch++)
      expect(said.stderr).toMatch(new RegExp(`epoch ${epoch}/6 █{20} 10/10 .*took .*loss .*accuracy`));
    expect(said.stdout).toContain("accuracy on the test set: ");
    expect(said.stdout).not.toContain("epoch");
    expect(said.stdout).toContain("recall");
  });

  test("has no colour codes and redraws no line when it is not on a terminal", () => {
    expect(said.stderr + said.stdout).not.toMatch(/\r|\p{Cc}(?<!\n)/u);
  });

  test("--profile writes a trace file and shows the slowest steps, without changing the result", async () => {
    const trace = place.file("trace.json");
    const options = ["--epochs", "6", "--out", place.file("profiled.safetensors"), "--profile", trace];
    const ran = await tacit(["train", "--data", data, ...FAST, ...options]);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stderr).toMatch(/total ms +% +calls/);
    expect(ran.stderr).toContain("profile saved: ");
    const { traceEvents } = JSON.parse(readFileSync(trace, "utf8")) as { traceEvents: { name: string; ph: string }[] };
    expect(traceEvents.filter((e) => e.ph === "X" && e.name.startsWith("gemm")).length).toBeGreaterThan(100);
    expect(readFileSync(place.file("profiled.safetensors")).equals(readFileSync(place.file("a.safetensors")))).toBe(true);
  });

  test("draws the loss by step on stderr, with an end for each epoch, and nothing of it on stdout", () => {
    expect(said.stderr).toMatch(/┤[⠀-⣿┊ ]*[⠁-⣿]/);
    expect(
      said.stderr
        .split("\n")
        .find((line) => line.includes("┤"))
        ?.match(/┊/g)?.length,
    ).toBeGreaterThanOrEqual(5);
    expect(said.stdout).not.toMatch(/┤/);
  });

  test("with --plots writes the loss, the confusion matrix, the first layer's weights and the mistakes", () => {
    const files = ["confusion.svg", "kernels.svg", "loss.svg", "mistakes.svg"];
    expect(readdirSync(place.file("plots")).sort()).toEqual(files);
    const drawn = files.map((f) => readFileSync(join(place.file("plots"), f), "utf8"));
    expect(drawn.every((svg) => svg.startsWith("<svg ") && svg.endsWith("</svg>"))).toBe(true);
    const accuracy = /accuracy on the test set: (\d+\.\d\d %)/.exec(said.stdout)![1]!;
    expect(drawn[0]).toContain(`accuracy ${accuracy}`);
    expect(drawn[1]).toContain("Weights: 1.weight");
    expect(drawn[2]).toContain("loss (60 from");
    expect(drawn[3]).toMatch(/Mistakes: \d+ of 51/);
    expect(said.stderr).toContain(`pictures: loss.svg, confusion.svg, kernels.svg, mistakes.svg in ${place.file("plots")}`);
  });

  test("refuses --plots where no file can be made, before it trains", async () => {
    const ran = await tacit(["train", "--data", data, ...FAST, "--out", place.file("b"), "--plots", join(data, "plots")]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("error[FILE_WRITE]");
    expect(ran.stderr).toContain("another path with --plots");
    expect(ran.stderr).not.toContain("epoch");
  });

  test("leaves no temporary file", () => {
    expect(readdirSync(place.path).filter((f) => /tmp|probe/.test(f))).toEqual([]);
  });

  test("with --json prints one object of schema 1 that adds up", async () => {
    const ran = await tacit(["train", "--data", data, ...FAST, "--epochs", "3", "--json", "--out", place.file("j.safetensors")]);
    expect(ran.code).toBe(0);
    expect(ran.stdout.trim().split("\n")).toHaveLength(1);
    const r = JSON.parse(ran.stdout) as Training;
    expect(r).toMatchObject({
      schema: 1,
      kind: "training",
      model: "mlp",
      data: "digits.safetensors",
      file: place.file("j.safetensors"),
    });
    expect(r.epochs.map((e) => e.epoch)).toEqual([0, 1, 2]);
    expect(r.epochs[2]!.loss).toBeLessThan(r.epochs[0]!.loss);
    const total = r.confusion.flat().reduce((a, b) => a + b, 0);
    const right = r.confusion.reduce((n, row, i) => n + row[i]!, 0);
    expect(total).toBe(51);
    expect(r.accuracy).toBeCloseTo(right / 51, 12);
  });

  test("reads IDX pairs and CSV, and comes to the same weights from either as from safetensors, on any number of threads", async () => {
    const images = place.write("images.idx", files.images);
    const labels = place.write("labels.idx", files.labels);
    const csv = place.write("digits.csv", files.csv);
    const run = (source: readonly string[], out: string): Promise<Ran> =>
      tacit(["train", "--data", ...source, ...FAST, "--epochs", "1", "--json", "--out", place.file(out)]);
    const [a, b, c] = await Promise.all([
      run([data, "--threads", "1"], "s1"),
      run([images, "--labels", labels, "--threads", "2"], "i1"),
      run([csv, "--threads", "3"], "c1"),
    ]);
    const losses = [a, b, c].map((ran) => (JSON.parse(ran.stdout) as Training).epochs[0]!.loss);
    expect(losses[1]).toBe(losses[0]);
    // u8 pixels are scaled by a table, f32 ones by a product in double precision: the last bit may differ.
    expect(losses[2]).toBeCloseTo(losses[0]!, 5);
  });
});

describe("Ctrl-C during tacit train", () => {
  const options = ["--data", data, "--model", "cnn", "--batch", "4", "--epochs", "2", "--seed", "3"];
  const interrupted = place.file("stopped.safetensors");
  let stopped: Ran;
  beforeAll(async () => {
    stopped = await tacit(["train", ...options, "--out", interrupted], { interrupt: { when: "epoch 1/2" } });
  });

  test("ends with 130, says how to go on, keeps a checkpoint and writes no model", () => {
    expect(stopped).toMatchObject({ code: 130, signal: null, stdout: "" });
    expect(stopped.stderr).toContain("stopping after this step");
    expect(stopped.stderr).toContain("--resume");
    expect(existsSync(`${interrupted}.checkpoint`)).toBe(true);
    expect(existsSync(interrupted)).toBe(false);
  });

  test("and --resume come to the weights of a training that nobody interrupted, bit for bit", async () => {
    const whole = place.file("whole.safetensors");
    const straight = await tacit(["train", ...options, "--out", whole]);
    const resumed = await tacit(["train", ...options, "--out", interrupted, "--resume"]);
    expect([straight.code, resumed.code]).toEqual([0, 0]);
    expect(straight.stderr).not.toContain("will replace it");
    expect(Buffer.compare(readFileSync(interrupted), readFileSync(whole))).toBe(0);
    const again = await tacit(["train", "--data", data, ...FAST, "--epochs", "1", "--out", whole], {
      interrupt: { when: "epoch 1/1" },
    });
    expect(again.stderr).toContain("whole.safetensors is there already; the trained model will replace it");
    expect(resumed.stderr).toMatch(/resumed .*epoch 1, batch [1-9]/);
  });

  test("twice ends at once, also with 130; digits that were drawn here are named", async () => {
    const out = place.file("twice.safetensors");
    const ran = await tacit(["train", "--data", "digits", "--model", "mlp", "--out", out], {
      interrupt: { when: "epoch 1/3", times: 2 },
    });
    expect(ran.code).toBe(130);
    expect(ran.stderr).toContain("digits drawn by Tacit");
    expect(existsSync(out)).toBe(false);
  });

  test("is refused a resume with another batch size: the order would differ", async () => {
    const ran = await tacit(["train", ...options, "--batch", "8", "--out", interrupted, "--resume"]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("error[STATE_MISMATCH]");
  });

  test("a resume without a checkpoint says that it starts anew", async () => {
    const ran = await tacit([
      "train",
      "--data",
      data,
      ...FAST,
      "--epochs",
      "1",
      "--resume",
      "--out",
      place.file("new.safetensors"),
    ]);
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain("to resume from: training from the start");
  });
});

describe("tacit predict", () => {
  const { pictures, labels } = drawn(COUNT);
  const png = (i: number): string => {
    const picture = encode({ width: 28, height: 28, channels: 1, depth: 8, data: pictures.slice(i * 784, (i + 1) * 784) });
    return place.write(`${i}.png`, picture);
  };

  test("gives the class of a picture that the model was trained on, as text and as JSON", async () => {
    const model = place.file("p.safetensors");
    expect((await tacit(["train", "--data", data, ...FAST, "--epochs", "20", "--out", model])).code).toBe(0);
    for (const i of [0, 7]) {
      const ran = await tacit(["predict", model, png(i), "--json"]);
      expect(ran.code).toBe(0);
      const r = JSON.parse(ran.stdout) as { schema: number; kind: string; class: number; probabilities: number[] };
      expect(r).toMatchObject({ schema: 1, kind: "prediction", class: labels[i] });
      expect(r.probabilities).toHaveLength(10);
      expect(r.probabilities.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    }
    const text = await tacit(["predict", model, png(0)]);
    expect(text.stdout).toMatch(new RegExp(`\\nclass ${labels[0]}\\n$`));
    expect(text.stderr).toBe("");
  });

  test("calls classes by the words of a CSV, or by their numbers where a number is missing", async () => {
    const rows = (name: (label: number) => string): string =>
      Array.from(
        labels.subarray(0, 60),
        (label, i) => `${name(label < 5 ? 1 : 3)},${pictures.subarray(i * 784, (i + 1) * 784).join(",")}`,
      ).join("\n");
    const words = place.write(
      "words.csv",
      rows((n) => (n === 1 ? "low" : "high\u001b[31m")),
    );
    const numbers = place.write("numbers.csv", rows(String));
    const results = [];
    for (const csv of [words, numbers]) {
      const out = place.file("named.safetensors");
      expect((await tacit(["train", "--data", csv, ...FAST, "--epochs", "2", "--out", out])).code).toBe(0);
      results.push(
        JSON.parse((await tacit(["predict", out, png(0), "--json"])).stdout) as {
          class: number;
          name: string;
          probabilities: number[];
        },
      );
    }
    expect(results[0]!.probabilities).toHaveLength(2);
    expect(["low", "high?[31m"]).toContain(results[0]!.name);
    expect(results[1]!.probabilities).toHaveLength(4);
    expect(["1", "3"]).toContain(results[1]!.name);
  });

  test("gives the same class for the negative, dark on light, at another size", async () => {
    const [i, side] = [7, 56];
    const negative = new Uint8Array(side * side);
    for (let at = 0; at < negative.length; at++) {
      const [y, x] = [Math.floor(at / side / 2), Math.floor((at % side) / 2)];
      negative[at] = 255 - pictures[i * 784 + y * 28 + x]!;
    }
    const path = place.write("negative.png", encode({ width: side, height: side, channels: 1, depth: 8, data: negative }));
    const ran = await tacit(["predict", place.file("p.safetensors"), path, "--json"]);
    expect(ran.stderr).toMatch(/note: the picture of \d+x\d+ was resized to 28x28/);
    expect((JSON.parse(ran.stdout) as { class: number }).class).toBe(labels[i]);
  });
});
