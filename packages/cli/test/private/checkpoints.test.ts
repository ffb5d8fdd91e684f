/** @file `tacit train --private --checkpoint-every`: a party that dies, Ctrl-C, --resume. Linux only (/proc). */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { digitFiles, scratch } from "../process/tacit.ts";
import { childrenOf, type Watched, watch } from "./children.ts";

const place = scratch();
const data = place.write("digits.safetensors", digitFiles(80).safetensors);
const running: Watched[] = [];
afterAll(() => {
  for (const w of running) if (w.process.exitCode === null) w.process.kill("SIGKILL");
  place[Symbol.dispose]();
});

const LINUX = process.platform === "linux";
const LONG = process.env.TACIT_LONG === "1";
const out = place.file("model.safetensors");

/** Names of the checkpoints of each party. */
const checkpoints = (): string[][] => {
  const parties = `${out}.parties`;
  if (!existsSync(parties)) return [];
  const directories = readdirSync(parties, { withFileTypes: true }).filter((d) => d.isDirectory());
  return directories.map((d) => readdirSync(join(parties, d.name)).filter((f) => f.endsWith(".checkpoint")));
};

/** Waits until every party has a checkpoint that it did not have `before`. A log says no step between two lines. */
async function saved(before: readonly string[][] = []): Promise<string[][]> {
  const known = new Set(before.flat());
  const has = (): boolean => checkpoints().length >= 3 && checkpoints().every((files) => files.some((f) => !known.has(f)));
  await expect.poll(has, { timeout: 120_000, interval: 20 }).toBe(true);
  return checkpoints();
}

function train(...more: readonly string[]): Watched {
  const fast = ["--model", "mlp", "--batch", "8", "--steps", "40", "--test", "10", "--checkpoint-every", "10"];
  const made = watch(["train", "--private", "--data", data, ...fast, "--out", out, ...more]);
  running.push(made);
  return made;
}

describe.runIf(LINUX && LONG)("a private training with checkpoints", () => {
  test("goes on when a party dies, leaves its last checkpoint at Ctrl-C, and ends with --resume", {
    timeout: 900_000,
  }, async () => {
    const first = train();
    const ten = await saved();
    process.kill(childrenOf(first.process.pid!).at(-1)!, "SIGKILL");
    await first.until("going on from the last checkpoint (1 of at most 10 times)");
    await first.until("going on from step 10 of 40");
    await saved(ten);
    first.process.kill("SIGINT");
    expect(await first.ended).toBe(130);
    expect(first.stderr()).toContain("the same command with --resume goes on from the last checkpoint");
    const parties = `${out}.parties`;
    expect(readdirSync(parties)).toContain("session.json");

    const anew = train();
    expect(await anew.ended).toBe(1);
    expect(anew.stderr()).toContain("--resume goes on with what is there");
    const other = train("--resume", "--lr", "0.5");
    expect(await other.ended).toBe(1);
    expect(other.stderr()).toContain("expected the training that was interrupted");

    const last = train("--resume", "--json");
    expect(await last.ended).toBe(0);
    expect(last.stderr()).toMatch(/going on from step [23]0 of 40/);
    const result = JSON.parse(last.stdout()) as { steps: number; losses: readonly number[] };
    expect([result.steps, result.losses.length]).toEqual([40, 4]);
    // Nothing is left once the work is done.
    expect(existsSync(parties)).toBe(false);
  });
});
