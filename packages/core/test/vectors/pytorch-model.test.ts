/** @file A file that PyTorch's state_dict was written to, independently of this project: read into our modules, and written as PyTorch names it. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { narrow } from "../../src/io/half.ts";
import * as io from "../../src/io/index.ts";
import * as nn from "../../src/nn/index.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { expectClose, on, type Packed, PLACES, readVectors, unpack } from "./golden.ts";

interface Row {
  readonly input: Packed;
  readonly output: Packed;
  readonly state: readonly (readonly [string, readonly number[]])[];
  readonly values: readonly number[];
  readonly f16: readonly number[];
  readonly bf16: readonly number[];
}
const row = readVectors<{ readonly cases: readonly [Row] }>("pytorch-model.json").cases[0];
const path = new URL("../../../../vectors/pytorch-model.safetensors", import.meta.url).pathname;
const place = PLACES[1]!;

class Net extends nn.Module {
  conv1 = nn.conv2d(1, 4, 3);
  bn1 = nn.batchNorm2d(4);
  rnn = nn.lstm(16, 3, { numLayers: 2, bidirectional: true, batchFirst: true });
  layers = [nn.transformerEncoderLayer(6, 2, { dimFeedforward: 5, batchFirst: true })];
  classifier = nn.sequential(nn.layerNorm(6), nn.linear(6, 3));

  forward(input: Tensor): Tensor {
    const x = this.bn1(this.conv1(input)).relu();
    let [y] = this.rnn.forward(x.permute(0, 3, 1, 2).flatten(2));
    for (const layer of this.layers) y = layer(y);
    return this.classifier(y.mean(1));
  }
}

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tacit-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const outputOf = async (net: Net): Promise<ArrayLike<number | bigint>> => net.eval()(unpack(row.input, place)).data();

describe("a model of PyTorch", () => {
  test("loads under PyTorch's names, with weights in 16 bits, and computes what PyTorch computes", async () =>
    on(place, async () => {
      const net = new Net();
      const saved = await io.loadSafetensors(path);
      expect(saved.metadata.get("format")).toBe("pt");
      net.loadStateDict(saved.tensors);
      expect(await net.bn1.numBatchesTracked!.item()).toBe(3);
      expectClose(await outputOf(net), row.output.data, 1e-5, "output");
    }));

  test("is written with the names and shapes of its state_dict, and comes back from that", async () =>
    on(place, async () => {
      const [net, again] = [new Net(), new Net()];
      net.loadStateDict((await io.loadSafetensors(path)).tensors);
      const target = join(root, "ours.safetensors");
      await io.saveSafetensors(target, net.stateDict(), { format: "pt" }, { names: "pytorch" });
      const { tensors } = await io.loadSafetensors(target);
      const byName = [...tensors].map(([name, t]) => [name, [...t.shape]]).toSorted();
      expect(byName).toEqual([...row.state].toSorted());
      again.loadStateDict(tensors);
      expect(await outputOf(again)).toEqual(await outputOf(net));
    }));

  test("is written in bfloat16 at half the size, integers as they are", async () =>
    on(place, async () => {
      const net = new Net();
      net.loadStateDict((await io.loadSafetensors(path)).tensors);
      const [full, half] = await Promise.all([
        io.encodeTensors(net.stateDict()),
        io.encodeTensors(net.stateDict(), {}, { dtype: "bf16" }),
      ]);
      expect(half.length).toBeLessThan(0.8 * full.length);
      const back = io.decodeTensors(half).tensors;
      expect(await back.get("bn1.numBatchesTracked")!.tolist()).toBe(3n);
      const again = new Net();
      again.loadStateDict(back);
      expectClose(await outputOf(again), row.output.data, 3e-2, "output");
      await expect(io.encodeTensors({}, {}, { dtype: "f8" as never })).rejects.toMatchObject({ code: "DTYPE_UNSUPPORTED" });
      await expect(io.encodeTensors({}, {}, { names: "torch" as never })).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    }));

  test("in the file is what its bytes say, read without this project's decoder", async () => {
    const bytes = await readFile(path);
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString("utf8", 8, 8 + length)) as Record<string, { dtype: string }>;
    expect([header["rnn.weight_ih_l0_reverse"]?.dtype, header["classifier.1.bias"]?.dtype]).toEqual(["BF16", "F16"]);
  });
});

test("half precision is written as PyTorch writes it", () => {
  const values = Float64Array.from(row.values);
  expect([...narrow(values, "f16")]).toEqual(row.f16);
  expect([...narrow(values, "bf16")]).toEqual(row.bf16);
});
