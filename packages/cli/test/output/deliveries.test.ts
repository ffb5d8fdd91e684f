/** @file What a recipient finds in its directory: a file for each delivery, and each model whose weights have all come as one that predicts. */
import { readdirSync } from "node:fs";
import { basename } from "node:path";
import type { Tensor } from "@tacit/core";
import { Random } from "@tacit/core/random";
import type { mpc } from "@tacit/mpc";
import { afterAll, describe, expect, test } from "vitest";
import { writeDeliveries } from "../../src/clients/deliveries.ts";
import { openModel } from "../../src/commands/predict.ts";
import { MODELS } from "../../src/models.ts";
import { scratch } from "../process/tacit.ts";

const place = scratch();
afterAll(() => place[Symbol.dispose]());

/** The weights of an MLP for three classes, as a driver delivers them from run `run` on. */
async function weights(run: number, seed: number, driver = "d"): Promise<mpc.Delivery[]> {
  const state = [...MODELS.mlp.build(3, { random: new Random(seed) }).stateDict()];
  return Promise.all(state.map(([name, t]: [string, Tensor], i) => delivery(run + i, `final model: ${name}`, t, driver)));
}

async function delivery(run: number, why: string, t: Tensor, driver: string): Promise<mpc.Delivery> {
  const head = { run, why, recipient: "model-owner", program: "a".repeat(64), output: 0, handle: `${driver}.${run}` };
  return { ...head, aval: { shape: t.shape, dtype: "f32" }, values: await t.data() } as unknown as mpc.Delivery;
}

describe("deliveries in a directory", () => {
  test("are a file each, and a model with all its weights is one that predicts; one with a weight missing is none", async () => {
    const broken = (await weights(20, 1)).slice(0, 3);
    const whole = await weights(30, 2);
    const { paths, models } = await writeDeliveries(place.file("results"), [...broken, ...whole]);
    expect(paths).toHaveLength(9);
    expect(models.map((m) => basename(m))).toEqual(["30-model.safetensors"]);
    expect(readdirSync(place.file("results"))).toHaveLength(10);
    const { model, names, centring } = await openModel(models[0]!);
    expect(names).toEqual(["0", "1", "2"]);
    expect(centring.mean).toBeGreaterThan(0);
    const right = MODELS.mlp.build(3, { random: new Random(2) }).stateDict();
    for (const [name, t] of model.stateDict()) expect(await t.data(), name).toEqual(await right.get(name)!.data());
  });

  test.each([
    ["another driver's, long after", 500, "e"],
    ["another driver's, whose runs go on where the first one's end", 26, "e"],
    ["the same driver's, long after", 500, "d"],
    ["the same driver's, right after", 26, "d"],
  ])("without the first weights of one training take none of another's in their place: %s", async (what, run, driver) => {
    const rest = (await weights(20, 1)).slice(2);
    const second = await weights(run, 2, driver);
    const directory = place.file(what);
    const { models } = await writeDeliveries(directory, [...rest, ...second]);
    expect(models.map((m) => basename(m))).toEqual([`${run}-model.safetensors`]);
    const { model } = await openModel(models[0]!);
    const right = MODELS.mlp.build(3, { random: new Random(2) }).stateDict();
    for (const [name, t] of model.stateDict()) expect(await t.data(), name).toEqual(await right.get(name)!.data());
    // As many weights as a model has, of each name one.
    expect((await writeDeliveries(directory, [...rest, ...second.slice(0, 2)])).models).toEqual([]);
  });

  test("of two trainings in the right order, the first cut off where the second begins, are no model", async () => {
    const [first, second] = [await weights(20, 1), await weights(500, 2)];
    expect((await writeDeliveries(place.file("cut"), [...first.slice(0, 2), ...second.slice(2)])).models).toEqual([]);
    const other = await weights(20, 2, "e");
    expect((await writeDeliveries(place.file("cut"), [...first.slice(0, 2), ...other.slice(2)])).models).toEqual([]);
  });

  test("that only look like a model are files, and no model", async () => {
    const all = await weights(40, 3);
    const other = all.map((d, i) => (i === 0 ? { ...d, why: "final model: ../../x" } : d));
    const { paths, models } = await writeDeliveries(place.file("odd"), other);
    expect([paths.length, models]).toEqual([6, []]);
    expect(readdirSync(place.file("odd"))).toContain("40-final-model-..-..-x.safetensors");
  });
});
