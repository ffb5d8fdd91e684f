/** @file Work that goes on after a party process was killed, by itself. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import { sgd } from "@tacit/core/optim";
import { afterEach, describe, expect, it } from "vitest";
import { type LocalSession, startLocal } from "../../src/driver/local.ts";
import { persist } from "../../src/driver/persist.ts";
import { restoreTraining, saveTraining } from "../../src/driver/training.ts";
import { codeOf } from "../support.ts";

const directories: string[] = [];
afterEach(() => {
  for (const d of directories.splice(0)) rmSync(d, { recursive: true, force: true });
});

const place = (): string => {
  const d = mkdtempSync(join(tmpdir(), "tacit-test-persist-"));
  directories.push(d);
  return join(d, "parties");
};

describe("work that persists", () => {
  it("goes on from the last checkpoint when a party is killed, and says so", { timeout: 600_000 }, async () => {
    const directory = place();
    let local: LocalSession | null = null;
    const open = async (): Promise<LocalSession["session"]> => {
      local = await startLocal(3, { quiet: true, directory });
      return local.session;
    };
    const said: string[] = [];
    const steps: number[] = [];
    const reached = await persist({ open, said: (words) => said.push(words) }, async (session, again) => {
      const model = nn.linear(3, 2, { random: new Random(1) });
      await model.to(session);
      const parts = { model, optimizer: sgd(model, { lr: 0.1, momentum: 0.9 }) };
      const restored = await restoreTraining(session, parts);
      expect(restored?.step ?? 0).toBe(again === 0 ? 0 : 2);
      const x = again > 0 ? session.input("x") : session.input("x", Float32Array.from([1, 0, 1, 0, 1, 1]), { shape: [2, 3] });
      for (let step = restored?.step ?? 0; step < 4; step++) {
        if (step === 3 && again === 0) local!.children[2]!.kill();
        await parts.optimizer.step(model(x).pow(2).mean());
        steps.push(step);
        if ((step + 1) % 2 === 0) await saveTraining(session, parts, step + 1);
      }
      return 4;
    });
    expect(reached).toBe(4);
    expect(steps).toEqual([0, 1, 2, 2, 3]);
    expect(said.length).toBe(1);
    expect(said[0]).toMatch(/^party 2 \(party-c\).*; going on from the last checkpoint \(1 of at most 10 times\)$/);
    // Keys and checkpoints stay for a later call, for this user alone.
    expect(readdirSync(directory).filter((f) => f.endsWith(".key")).length).toBe(6);
    for (const f of readdirSync(directory)) expect(statSync(join(directory, f)).mode & 0o077).toBe(0);
    const later = await startLocal(3, { quiet: true, directory });
    expect((await later.session.resume())!.step).toBe(4);
    await later.session.forgetCheckpoints();
    await later.session.close();
    expect(existsSync(directory)).toBe(true);
  });

  it("ends at once with what is no loss of a party", async () => {
    const open = (): Promise<never> => Promise.reject(new TypeError("mine"));
    expect(await codeOf(() => persist({ open }, async () => 1))).toContain("mine");
  });
});
