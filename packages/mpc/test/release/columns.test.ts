/** @file Lazy columns of a release: rows that are kept apart pass, and mixed ones are refused before anything runs. */
import { Random, Tensor } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { afterEach, describe, expect, it } from "vitest";
import type { MpcSession } from "../../src/driver/mpc-session.ts";
import { replicated3 } from "../../src/protocols/replicated3/index.ts";
import { type PrivateSteps, privateSteps, privateSum, type ReleaseOptions } from "../../src/release/index.ts";
import { type InProcess, startParties } from "../in-process.ts";
import { codeOf, errorOf, makeWorld } from "../support.ts";

const open: InProcess[] = [];
const sessions: MpcSession[] = [];
afterEach(async () => {
  for (const s of sessions.splice(0)) await s.close();
  await Promise.all(open.splice(0).map((x) => x.stop()));
});

async function start(): Promise<MpcSession> {
  const parties = await startParties(await makeWorld({ protocol: "replicated3" }), replicated3);
  open.push(parties);
  const session = await parties.open();
  sessions.push(session);
  return session;
}

const OPTIONS: ReleaseOptions = { clipNorm: 1, noiseMultiplier: 2 ** -12, neighbours: "add-remove" };
const N = 6;
const rowsOf = (session: MpcSession, name: string, n = N): Tensor =>
  session.input(name, { values: Float32Array.from({ length: 2 * n }, (_, i) => 0.1 * i), shape: [n, 2] });
const lessMean = (x: Tensor): Tensor => x.sub(x.mean(0, { keepdim: true }));
const numbers = (...rows: readonly number[]): Tensor =>
  Tensor.adopt(Int32Array.from(rows), [rows.length], "i32", { public: true });

describe("a private sum of lazy rows", () => {
  const MIXED: readonly (readonly [string, (x: Tensor, session: MpcSession) => Tensor])[] = [
    ["less their mean", (x) => lessMean(x).add(1)],
    ["less their mean, then selected", (x) => lessMean(x).indexSelect(0, numbers(4, 2))],
    ["summed along the rows", (x) => x.cumsum(0)],
    ["less the mean of another column of as many rows", (x, s) => x.sub(rowsOf(s, "other").mean(0, { keepdim: true }))],
    ["of which one is selected twice", (x) => x.indexSelect(0, numbers(1, 3, 1))],
    ["selected by numbers that nobody has seen", (x) => x.indexSelect(0, numbers(0, 1).add(numbers(1, 1)))],
  ];
  it.each(MIXED)("is refused for rows %s", async (_, of) => {
    const session = await start();
    const x = of(rowsOf(session, "x"), session);
    expect(await codeOf(() => privateSum(x, OPTIONS))).toBe("PRIVACY_MIXED");
    expect(session.cost().rounds).toBe(0);
  });

  it("takes what was computed before as rows, as its documentation assumes", async () => {
    const session = await start();
    const x = await lessMean(rowsOf(session, "x")).realize();
    const { sum } = await privateSum(x, { ...OPTIONS, clipNorm: 8 });
    const [a] = await sum.reveal({ to: "driver", why: "sum" });
    expect(Math.abs(Number(a))).toBeLessThan(0.05);
  });

  const APART: readonly (readonly [string, (x: Tensor, session: MpcSession) => Tensor])[] = [
    [
      "scaled, by secrets of other sizes too",
      (x, s) => x.mul(2).add(s.input("w", { values: Float32Array.of(1, 2), shape: [2] })),
    ],
    ["selected once each", (x) => x.indexSelect(0, numbers(4, 2, 0)).softmax(1)],
    ["selected by a public value of the session", (x, s) => x.indexSelect(0, s.public(Int32Array.of(5, 1)))],
    ["beside another column of the same rows", (x, s) => x.mul(rowsOf(s, "other"))],
    ["less the mean of each row", (x) => x.sub(x.mean(1, { keepdim: true }))],
  ];
  it.each(APART)("passes for rows %s", async (_, of) => {
    const session = await start();
    const { sum } = await privateSum(of(rowsOf(session, "x"), session), OPTIONS);
    expect(sum.shape).toEqual([2]);
  });
});

describe("a private step on lazy columns", () => {
  async function steps(session: MpcSession): Promise<PrivateSteps<[Tensor]>> {
    const model = nn.sequential(nn.linear(2, 1, { random: new Random(5) }));
    await model.to(session);
    const optimizer = optim.sgd(model, { lr: 1 });
    return privateSteps<[Tensor]>({ ...OPTIONS, model, optimizer, loss: (r) => model(r).sum() });
  }

  it("is refused where they mix rows, and costs nothing then", async () => {
    const session = await start();
    const dp = await steps(session);
    const x = rowsOf(session, "x");
    const error = await errorOf(() => dp.step(lessMean(x)));
    expect(error).toMatchObject({ code: "PRIVACY_MIXED" });
    expect(error.message).toMatch(/privateSteps: .* (sub|sum) \(node \d+\) may mix rows/);
    expect(dp.steps).toBe(0);
    await dp.step(x.indexSelect(0, numbers(3, 1)).mul(2));
    await dp.step(await lessMean(x).realize());
    expect(dp.steps).toBe(2);
  }, 60_000);

  it("passes for a convolutional network with a norm within rows, on a batch that is selected by row numbers", async () => {
    const session = await start();
    const random = new Random(5);
    const features = [nn.conv2d(1, 2, 3, { random }), nn.groupNorm(1, 2), nn.relu(), nn.maxPool2d(2), nn.flatten()];
    const model = nn.sequential(...features, nn.linear(8, 3, { random }));
    await model.to(session);
    const optimizer = optim.sgd(model, { lr: 1 });
    const loss = (x: Tensor, y: Tensor): Tensor => nn.crossEntropy(model(x), y);
    const dp = privateSteps<[Tensor, Tensor]>({ ...OPTIONS, model, optimizer, loss });
    const pictures = session.input("pictures", { values: new Float32Array(8 * 36).fill(0.5), shape: [8, 1, 6, 6] });
    const labels = session.input("labels", { values: new Float32Array(24).fill(1 / 3), shape: [8, 3] });
    const chosen = numbers(7, 0, 3, 4);
    await dp.step(pictures.indexSelect(0, chosen), labels.indexSelect(0, chosen));
    expect(dp.steps).toBe(1);
  }, 60_000);
});
