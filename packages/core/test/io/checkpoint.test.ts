/** @file Checkpoints: training goes on bit for bit, and a failing disk leaves the old file whole. */
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DataLoader } from "../../src/data/loader.ts";
import { drawnDigits } from "../../src/data/mnist.ts";
import { checkpoint } from "../../src/io/checkpoint.ts";
import { saveSafetensors } from "../../src/io/tensors.ts";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { codeOfAsync } from "../errors.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tacit-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const { train } = drawnDigits({ train: 90, test: 0 });

interface Training {
  readonly model: nn.Sequential;
  readonly optimizer: optim.Optimizer;
  readonly scheduler: optim.Scheduler;
  readonly loader: DataLoader<readonly [Tensor, Tensor]>;
}

/** A model with everything that has a state: batch norm, dropout, Adam or SGD, a schedule, a shuffling loader. */
function build(kind: "adam" | "sgd"): Training {
  const model = nn.sequential(
    ...[nn.conv2d(1, 3, 5, { stride: 3 }), nn.batchNorm2d(3), nn.relu(), nn.flatten(), nn.dropout(0.3), nn.linear(192, 10)],
  );
  const optimizer =
    kind === "adam" ? optim.adam(model, { lr: 0.01 }) : optim.sgd(model, { lr: 0.1, momentum: 0.9, dampening: 0.1 });
  return {
    model,
    optimizer,
    scheduler: optim.cosineAnnealing(optimizer, { tMax: 9 }),
    loader: train.shuffle({ seed: 7 }).batch(20),
  };
}

/** Runs until `steps` steps are done in all; returns the losses. */
async function run(t: Training, steps: number): Promise<number[]> {
  const losses: number[] = [];
  while (losses.length < steps) {
    for await (const [x, y] of t.loader) {
      const loss = nn.crossEntropy(t.model(x), y);
      await t.optimizer.step(loss);
      t.scheduler.step();
      losses.push(await loss.item());
      if (losses.length === steps) break;
    }
  }
  return losses;
}

test.each(["adam", "sgd"] as const)(
  "training with %s goes on bit for bit from a checkpoint in the middle of an epoch",
  async (kind) => {
    nn.manualSeed(1);
    const whole = build(kind);
    const path = join(root, `${kind}.safetensors`);
    const first = await run(whole, 7);
    await checkpoint.save(path, { ...whole, extra: { best: 0.5 } });
    const wanted: number[] = [];
    for await (const [x, y] of resume(whole.loader)) {
      const loss = nn.crossEntropy(whole.model(x), y);
      await whole.optimizer.step(loss);
      whole.scheduler.step();
      wanted.push(await loss.item());
    }
    wanted.push(...(await run(whole, 4)));

    nn.manualSeed(99);
    const again = build(kind);
    expect(await checkpoint.load(path, again)).toEqual({ best: 0.5 });
    const losses = await run(again, wanted.length);
    expect(losses).toEqual(wanted);
    for (const [name, t] of whole.model.stateDict())
      expect(await again.model.stateDict().get(name)!.data(), name).toEqual(await t.data());
    expect(again.optimizer.lr).toBe(whole.optimizer.lr);
    expect(first.length).toBe(7);
  },
);

/** The rest of the epoch that a break left. */
function resume(loader: Training["loader"]): Training["loader"] {
  loader.loadState(loader.state());
  return loader;
}

test("the same state gives the same bytes", async () => {
  nn.manualSeed(1);
  const t = build("adam");
  await run(t, 2);
  expect(await checkpoint.encode(t)).toEqual(await checkpoint.encode(t));
});

test("the default generator goes on where the checkpoint was written", async () => {
  nn.manualSeed(4);
  const bytes = await checkpoint.encode({ model: nn.linear(2, 3) });
  const next = await nn.linear(2, 2).weight.data();
  checkpoint.decode(bytes, { model: nn.linear(2, 3) });
  expect(await nn.linear(2, 2).weight.data()).toEqual(next);
});

test("a checkpoint of other parts, another model or another file is refused, and named", async () => {
  const path = join(root, "parts.safetensors");
  const model = nn.linear(3, 2);
  await checkpoint.save(path, { model });
  expect(await codeOfAsync(checkpoint.load(path, { model: nn.linear(3, 3) }))).toBe("STATE_MISMATCH");
  expect(await codeOfAsync(checkpoint.load(path, { model: nn.linear(3, 2), optimizer: optim.adam(model) }))).toBe(
    "CHECKPOINT_INVALID",
  );
  const sgd = build("sgd");
  await run(sgd, 1);
  await checkpoint.save(path, sgd);
  expect(await codeOfAsync(checkpoint.load(path, build("adam")))).toBe("STATE_MISMATCH");
  await saveSafetensors(path, model.stateDict());
  expect(await codeOfAsync(checkpoint.load(path, { model }))).toBe("CHECKPOINT_INVALID");
  await saveSafetensors(path, model.stateDict(), { tacit: '{"version":1,"layers":{},"extra":{},"generator":{"key":[1]}}' });
  expect(await codeOfAsync(checkpoint.load(path, { model }))).toMatch(/CHECKPOINT_INVALID|SEED_INVALID/);
});

test("a disk that fills up in the middle leaves the old checkpoint, no litter, and a clear error", async () => {
  const path = join(root, "full", "model.safetensors");
  await checkpoint.save(path, { model: nn.linear(2, 2) });
  const old = await readFile(path);
  const script = join(root, "write.ts");
  const source = new URL("../../src/io/files-node.ts", import.meta.url).href;
  await writeFile(
    script,
    `import { writeAtomic } from ${JSON.stringify(source)};
     try { await writeAtomic(${JSON.stringify(path)}, new Uint8Array(1 << 20)); console.log("written"); }
     catch (e) { console.log(e.code, e.message); }`,
  );
  // A limit on file size (64 blocks of 1 KiB) stands in for the full disk: the write fails half way, as with ENOSPC.
  const { stdout } = spawnSync("bash", ["-c", `trap '' XFSZ; ulimit -f 64; exec "$0" "$1"`, process.execPath, script], {
    encoding: "utf8",
  });
  expect(stdout).toMatch(/^FILE_WRITE .*expected a writable place, got /);
  expect(await readFile(path)).toEqual(old);
  expect(await readdir(join(root, "full"))).toEqual(["model.safetensors"]);
});
