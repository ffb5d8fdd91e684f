/** @file Random Programs on the cpu device give what the reference device gives. */
import { expect, it } from "vitest";
import { makePlan } from "../../src/device/cpu/index.ts";
import { device, expectClose, generator, prepare, randomInputs, run } from "./harness.ts";
import { randomProgram } from "./random-program.ts";

const COUNT = process.env.TACIT_LONG ? 5000 : 150;

it("computes random programs as the reference does, with plain kernels", async () => {
  const plain = device("plain");
  for (let seed = 1; seed <= COUNT; seed++) {
    const program = randomProgram(seed, 5 + (seed % 40));
    const inputs = randomInputs(generator(seed), program);
    const executable = await prepare(plain, program);
    try {
      expectClose(await run(plain, program, inputs, executable), program, inputs, 1e-4);
    } catch (e) {
      throw new Error(`seed ${seed}: ${e instanceof Error ? e.message : e}`);
    }
    executable.release?.();
  }
});

it("fuses: a random program has fewer steps than nodes", () => {
  let steps = 0;
  let nodes = 0;
  for (let seed = 1; seed <= 50; seed++) {
    const program = randomProgram(seed, 40);
    steps += makePlan(
      program,
      program.inputs.map(() => false),
      [],
    ).steps.length;
    nodes += program.nodes.length;
  }
  expect(steps).toBeLessThan(0.8 * nodes);
});
