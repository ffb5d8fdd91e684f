/** @file Tacit as a contender of the mpc suite: three party processes on loopback with TLS, driven from here. */
import { readdirSync, readFileSync } from "node:fs";
import { noGrad, Random, rand, randn, type Tensor } from "@tacit/core";
import type { Job } from "@tacit/core/device";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { mpc, oneHot } from "@tacit/mpc";
import type { Sample } from "../harness.ts";
import { serve, type Timed } from "../serve.ts";

/** 'WAN' here: 40 ms there and back, 352 Mbit/s per link and direction. */
const network = process.argv.includes("wan") ? { network: { bandwidth: 352e6, latency: 0.02 } } : {};
/** 'range': all agree that compared values stay below 2^14, so that comparisons run on 32 bits. */
const agreed = process.argv.includes("range") ? { options: { range: 14 } } : {};
const session = await mpc.local(3, { quiet: true, ...network, ...agreed });
/** The Program that ran last, for its estimate. */
let latest: Job | undefined;
const prepare = session.prepare.bind(session);
session.prepare = (job) => prepare((latest = job));
process.on("exit", () => void session.close());
const random = new Random(3);
/** Kernel ticks per second in /proc; 100 on Linux. */
const TICKS = 100;

/** CPU seconds of the party processes so far, the most among them; 0 where /proc is not there. */
function partyCpu(): number {
  let most = 0;
  try {
    for (const task of readdirSync("/proc/self/task")) {
      for (const pid of readFileSync(`/proc/self/task/${task}/children`, "utf8").trim().split(" ")) {
        if (pid === "") continue;
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
        most = Math.max(most, (Number(fields[11]) + Number(fields[12])) / TICKS);
      }
    }
  } catch {
    return 0;
  }
  return most;
}

/** Seconds, bytes and rounds of one `work`, from the outside clock and the parties' own counters. */
async function measured(calls: number, work: () => Promise<unknown>): Promise<Sample> {
  const before = session.cost();
  const cpu = partyCpu();
  const started = performance.now();
  for (let i = 0; i < calls; i++) await work();
  const seconds = (performance.now() - started) / 1000 / calls;
  const after = session.cost();
  const bytes = after.bytesPerParty.map((b, i) => (b - (before.bytesPerParty[i] ?? 0)) / calls);
  return {
    value: seconds,
    cpu: (partyCpu() - cpu) / calls,
    bytesPerParty: Math.round(Math.max(...bytes)),
    rounds: (after.rounds - before.rounds) / calls,
    ...(await predicted()),
  };
}

/** Seconds on the wire that `estimate` predicts for the emulated network. */
async function predicted(): Promise<{ readonly predicted?: number }> {
  if (network.network === undefined || latest === undefined) return {};
  const { seconds } = await session.estimate(latest.program, latest.bindings, network.network);
  return seconds === undefined ? {} : { predicted: seconds };
}

function timed(calls: number, prepare: () => Promise<() => Promise<unknown>>): () => Promise<Timed> {
  return async () => {
    const work = await prepare();
    for (let i = 0; i < 3; i++) await work();
    return () => measured(calls, work);
  };
}

const shared = (shape: readonly number[], scale = 1): Promise<Tensor> =>
  randn([...shape], random)
    .mul(scale)
    .to(session);

/** Realizes a fresh result of two shared operands. */
function binary(a: readonly number[], b: readonly number[], calls: number, op: (x: Tensor, y: Tensor) => Tensor) {
  return timed(calls, async () => {
    const [x, y] = [await shared(a), await shared(b)];
    return () => noGrad(() => op(x, y)).realize();
  });
}

function lenet5(): nn.Layer {
  const init = { random: new Random(1) };
  return nn.sequential(
    nn.conv2d(1, 6, 5, { padding: 2, ...init }),
    nn.relu(),
    nn.maxPool2d(2),
    nn.conv2d(6, 16, 5, init),
    nn.relu(),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.linear(400, 120, init),
    nn.relu(),
    nn.linear(120, 84, init),
    nn.relu(),
    nn.linear(84, 10, init),
  );
}

function mlp(): nn.Layer {
  const init = { random: new Random(1) };
  return nn.sequential(nn.linear(784, 128, init), nn.relu(), nn.linear(128, 128, init), nn.relu(), nn.linear(128, 10, init));
}

const pictures = (n: number, shape: readonly number[]): Promise<Tensor> => rand([n, ...shape], random).to(session);

function inference(n: number, calls: number) {
  return timed(calls, async () => {
    const model = lenet5();
    await model.to(session);
    model.eval();
    const x = await pictures(n, [1, 28, 28]);
    return () => noGrad(() => model(x)).realize();
  });
}

/** A whole SGD step with cross-entropy: forward, loss, backward, update; nothing is revealed. */
function training(make: () => nn.Layer, shape: readonly number[], calls: number) {
  return timed(calls, async () => {
    const model = make();
    await model.to(session);
    const opt = optim.sgd(model, { lr: 0.01 });
    const x = await pictures(128, shape);
    const labels = oneHot(
      Array.from({ length: 128 }, (_, i) => i % 10),
      10,
    );
    const y = session.input(`labels-${shape.length}`, labels, { owner: "data-owner" });
    return () => opt.step(nn.crossEntropy(model(x), y));
  });
}

await serve({
  "mul-1e6": binary([1_000_000], [1_000_000], 3, (x, y) => x.mul(y)),
  "matmul-512": binary([512, 512], [512, 512], 3, (x, y) => x.matmul(y)),
  "matmul-1024": binary([1024, 1024], [1024, 1024], 1, (x, y) => x.matmul(y)),
  "relu-1e6": binary([1_000_000], [1], 3, (x) => x.relu()),
  "relu-1e6-range": binary([1_000_000], [1], 3, (x) => x.relu()),
  "lenet5-infer-1": inference(1, 20),
  "lenet5-infer-1-range": inference(1, 20),
  "lenet5-infer-128": inference(128, 2),
  "mlp-step-128": training(mlp, [784], 5),
  "lenet5-step-128": training(lenet5, [1, 28, 28], 2),
  "mlp-step-128-wan": training(mlp, [784], 1),
  "lenet5-infer-1-wan": inference(1, 1),
});
await session.close();
