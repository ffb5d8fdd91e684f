/** @file Canaries: weights and pixels of known values are shared, used and disclosed; no transcript, print or inspection may hold them. */
import { inspect } from "node:util";
import { noGrad, Tensor } from "@tacit/core";
import { mpc } from "@tacit/mpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MODELS } from "../../src/models.ts";
import { PIXELS } from "../../src/private/batches.ts";
import { PEOPLE } from "../../src/private/job.ts";
import { predictOnShares } from "../../src/private/predict.ts";
import { witnesses } from "../../src/private/witness.ts";

const PIXEL = 0.4242187;
const WEIGHT = 0.0617523;

/** How a value could show: in decimal, as a fixed-point number, as its bytes in hexadecimal. */
function formsOf(value: number): string[] {
  const raw = BigInt(Math.round(value * 65_536));
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(raw);
  const float = Buffer.alloc(4);
  float.writeFloatLE(value);
  return [String(value), String(Math.fround(value)), String(raw), bytes.toString("hex"), float.toString("hex")];
}

const watcher = {
  stage: () => undefined,
  progress: () => ({ update: () => undefined, finish: () => undefined }),
  costs: () => [],
};

describe("a private prediction", () => {
  let session: mpc.MpcSession;
  let probabilities: number[];
  beforeAll(async () => {
    session = await mpc.local(3, { people: [PEOPLE.model, PEOPLE.data], owner: PEOPLE.model, quiet: true });
    const model = MODELS.mlp.build(7, {});
    noGrad(() => {
      for (const p of model.parameters()) p.copy_(Tensor.from(new Float32Array(p.numel).fill(WEIGHT), p.shape));
    });
    const ask = { answer: "probabilities", owners: PEOPLE } as const;
    const values = await predictOnShares(session, model, new Float32Array(PIXELS).fill(PIXEL), ask, {
      ...watcher,
      stopped: false,
    });
    probabilities = Array.from(values, Number);
  }, 60_000);
  afterAll(() => session.close());

  test("gives equal classes equal probabilities", () => {
    expect(probabilities).toHaveLength(7);
    for (const p of probabilities) expect(p).toBeCloseTo(1 / 7, 2);
  });

  test("leaves no pixel and no weight in transcripts, accounts or inspections", async () => {
    const transcripts = (await session.transcript()).flat();
    expect(transcripts.some((line) => line.includes('"why":"prediction"'))).toBe(true);
    const secret = session.input("more", { values: new Float32Array(9).fill(PIXEL), shape: [9] }, { owner: PEOPLE.data });
    const text = [
      ...transcripts,
      JSON.stringify(await witnesses(session)),
      String(session),
      inspect(session, { depth: 8 }),
      String(secret),
      inspect(secret, { depth: 8 }),
      JSON.stringify(session.session.toJson()),
    ].join("\n");
    for (const canary of [PIXEL, WEIGHT]) for (const form of formsOf(canary)) expect(text).not.toContain(form);
  });

  test("is not readable by anybody else: a person that no grant names is refused", async () => {
    const secret = session.input("again", { values: new Float32Array(3), shape: [3] }, { owner: PEOPLE.data });
    await expect(secret.mul(2).reveal({ to: "stranger", why: "curiosity" })).rejects.toMatchObject({ code: "POLICY_REFUSED" });
    await expect(secret.mul(2).data()).rejects.toMatchObject({ code: "DEVICE_SECRET" });
  });
});
