/**
 * @file What interruptions cost in accuracy: a private training on real MNIST of which a party is killed three times, beside one that is
 * left alone. Linux only (/proc); where TACIT_DATA holds the pictures.
 */
import { afterAll, describe, expect, test } from "vitest";
import { scratch } from "../process/tacit.ts";
import { childrenOf, type Watched, watch } from "./children.ts";

const { TACIT_DATA, TACIT_LONG } = process.env;
const EVERY = 50;
const place = scratch();
const running: Watched[] = [];
afterAll(() => {
  for (const w of running) if (w.process.exitCode === null) w.process.kill("SIGKILL");
  place[Symbol.dispose]();
});

/** One epoch of 468 steps of 128, tested on all 10,000 pictures, on shares. */
function train(name: string): Watched {
  const job = ["--data", "mnist", "--model", "mlp", "--batch", "128", "--epochs", "1", "--test", "all", "--seed", "3"];
  const made = watch(
    ["train", "--private", ...job, "--checkpoint-every", String(EVERY), "--out", place.file(`${name}.safetensors`), "--json"],
    { TACIT_DATA: TACIT_DATA! },
  );
  running.push(made);
  return made;
}

/** The last step that the progress lines name, or 0. */
const stepIn = (text: string): number => Number([...text.matchAll(/^on shares .* (\d+)\/468 /gm)].at(-1)?.[1] ?? 0);
/** From which steps it went on. */
const resumes = (text: string): number[] => [...text.matchAll(/going on from step (\d+) of 468/g)].map((m) => Number(m[1]));

async function accuracyOf(run: Watched): Promise<number> {
  expect(await run.ended, run.stderr().slice(-500)).toBe(0);
  const { accuracy } = JSON.parse(run.stdout()) as { accuracy: number };
  return accuracy;
}

describe.runIf(process.platform === "linux" && TACIT_LONG === "1" && TACIT_DATA !== undefined)("MNIST on shares", () => {
  test("ends within 0.3 points of an undisturbed training when a party is killed three times", {
    timeout: 1_800_000,
  }, async () => {
    const quiet = await accuracyOf(train("quiet"));
    const disturbed = train("disturbed");
    for (const [i, step] of [80, 190, 300].entries()) {
      // A line of progress comes every ten seconds.
      await disturbed.until((text) => stepIn(text) >= step);
      process.kill(childrenOf(disturbed.process.pid!).at(i - 3)!, "SIGKILL");
      await disturbed.until(`going on from the last checkpoint (${i + 1} of at most 10 times)`);
      await disturbed.until((text) => resumes(text).length === i + 1);
      expect(resumes(disturbed.stderr()).at(-1)! % EVERY).toBe(0);
    }
    expect(resumes(disturbed.stderr()).every((step, i, all) => step >= (i === 0 ? EVERY : all[i - 1]! + EVERY))).toBe(true);
    const accuracy = await accuracyOf(disturbed);
    console.log(`MNIST, one epoch of the MLP on shares: ${quiet} undisturbed, ${accuracy} with three parties killed`);
    expect(quiet).toBeGreaterThan(0.9);
    expect(Math.abs(accuracy - quiet)).toBeLessThanOrEqual(0.003);
  });
});
