/** @file Layers under a grant that demands noise: private steps of real models on shares, as their owners' parties judge and count them. */
import { gradients, noGrad, Random, type Tensor, tensor } from "@tacit/core";
import type { Storage } from "@tacit/core/device";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { type Aval, Program, sizeOf, type TypedArray } from "@tacit/core/program";
import { afterEach, describe, expect, it } from "vitest";
import { interpret } from "../../../core/src/device/reference/index.ts";
import { giveInput, oneHot } from "../../src/client/inputs.ts";
import type { MpcSession } from "../../src/driver/mpc-session.ts";
import type { PublicStorage, RemoteStorage } from "../../src/driver/storage.ts";
import { replicated3 } from "../../src/protocols/replicated3/index.ts";
import { costOf } from "../../src/release/budget.ts";
import { privateSteps } from "../../src/release/index.ts";
import { analyseRows } from "../../src/release/rows/index.ts";
import { type Grant, grantId, signGrant } from "../../src/session/grant.ts";
import type { MechanismTerms } from "../../src/session/mechanism.ts";
import { type InProcess, startParties } from "../in-process.ts";
import { inAnHour, makeWorld } from "../support.ts";

const open: InProcess[] = [];
const sessions: MpcSession[] = [];
afterEach(async () => {
  for (const s of sessions.splice(0)) await s.close();
  await Promise.all(open.splice(0).map((x) => x.stop()));
});

const CLASSES = 3;
const ROWS = 4;

/** Parts, and what is made of them. */
class Net<P extends Record<string, nn.Module>> extends nn.Module {
  readonly parts: P;
  readonly #run: (parts: P, x: Tensor) => Tensor;

  constructor(parts: P, run: (parts: P, x: Tensor) => Tensor) {
    super();
    this.parts = parts;
    this.#run = run;
    for (const [name, part] of Object.entries(parts)) Object.assign(this, { [name]: part });
  }

  forward(x: Tensor): Tensor {
    return this.#run(this.parts, x);
  }
}

interface Case {
  /** Of one row. */
  readonly row: Aval;
  make(random: Random): nn.Module;
  /** An op that the step must have, or the case shows nothing. */
  readonly has: readonly string[];
}

const f32 = (...shape: number[]): Aval => ({ shape, dtype: "f32" });
const head = (width: number, random: Random): nn.Layer => nn.linear(width, CLASSES, { random });

const CASES: Readonly<Record<string, Case>> = {
  "a CNN: convolutions with and without groups, both pools": {
    row: f32(1, 8, 8),
    has: ["conv2d", "conv2dGradInput", "conv2dGradWeight", "maxPool2dGrad", "avgPool2dGrad"],
    make: (random) =>
      nn.sequential(
        nn.conv2d(1, 2, 3, { random }),
        nn.relu(),
        nn.maxPool2d(2),
        nn.conv2d(2, 4, 2, { random, groups: 2 }),
        nn.avgPool2d(2),
        nn.flatten(),
        head(4, random),
      ),
  },
  "a convolution of signals": {
    row: f32(2, 8),
    has: ["conv2d", "conv2dGradWeight", "maxPool2dGrad"],
    make: (random) => nn.sequential(nn.conv1d(2, 2, 3, { random }), nn.maxPool1d(2), nn.flatten(), head(6, random)),
  },
  "layer and RMS norms": {
    row: f32(4),
    has: ["rsqrt"],
    make: (random) => nn.sequential(nn.linear(4, 4, { random }), nn.layerNorm(4), nn.rmsNorm(4), head(4, random)),
  },
  "group norm": {
    row: f32(1, 4, 4),
    has: ["rsqrt", "conv2dGradWeight"],
    make: (random) => nn.sequential(nn.conv2d(1, 4, 3, { random }), nn.groupNorm(2, 4), nn.flatten(), head(16, random)),
  },
  "an embedding of secret words": {
    row: { shape: [3], dtype: "i32" },
    has: ["gather", "scatterAdd"],
    make: (random) =>
      new Net({ words: nn.embedding(5, 4, { random }), last: head(4, random) }, (p, x) => p.last(p.words.forward(x).mean(1))),
  },
  attention: {
    row: f32(3, 4),
    has: ["softmax"],
    make: (random) =>
      new Net({ heads: nn.multiheadAttention(4, 2, { random }), last: head(4, random) }, (p, x) =>
        p.last(p.heads.forward(x)[0].mean(1)),
      ),
  },
  "a recurrent layer": {
    row: f32(3, 2),
    has: ["tanh", "cat"],
    make: (random) =>
      new Net({ cells: nn.rnn(2, 3, { random, batchFirst: true }), last: head(3, random) }, (p, x) =>
        p.last(p.cells.forward(x)[0].mean(1)),
      ),
  },
  "numbers in their order": {
    row: f32(4),
    has: ["argsort", "gather", "scatterAdd"],
    make: (random) =>
      new Net({ first: nn.linear(4, 4, { random }), last: head(4, random) }, (p, x) => p.last(p.first(x).sort(1).values)),
  },
};

const CLIP = 0.5;
const OPTIONS = { clipNorm: CLIP, noiseMultiplier: 2 ** -12, neighbours: "add-remove" } as const;

/** What the owners sign when a step with noise is about to run: this Program, these inputs, noise on whatever is disclosed. */
interface Asked {
  readonly program: Program;
  readonly grant: Grant;
  readonly terms: MechanismTerms;
}

/** The least ε that pays for `runs` runs of a Program with one noise. */
function termsOf(program: Program, inputs: readonly (RemoteStorage | PublicStorage)[], runs: number): MechanismTerms {
  const rows = inputs.flatMap((s, i) => (s.bound.owners.join() === "data-owner" ? [i] : []));
  const free = { kind: "distributed-discrete-gaussian", neighbours: "add-remove", rows, epsilon: 1, delta: 1e-5 } as const;
  const analysis = analyseRows(program, rows, () => false);
  expect(analysis.reasons).toEqual(program.outputs.map(() => undefined));
  return { ...free, epsilon: costOf(analysis, free, 16, runs) };
}

function grantOf(program: Program, inputs: readonly (RemoteStorage | PublicStorage)[], mechanism: MechanismTerms): Grant {
  return {
    program: program.id,
    inputs: inputs.map((s, i) => {
      const { owners, source, rows } = s.bound;
      if (source.kind === "public") return { owners, sources: [{ ...source, least: null, most: null, distinct: false }], rows };
      if (mechanism.rows.includes(i)) return { owners, sources: [source], rows };
      return { owners: ["data-owner", "model-owner"], sources: [source, { kind: "result", program: program.id }], rows };
    }),
    disclosures: program.outputs.map((_, output) => ({ output, to: "driver", why: "weights", mechanism })),
    runs: 100,
    reveals: 100,
    expires: inAnHour(),
  };
}

interface Started {
  readonly session: MpcSession;
  readonly columns: [Tensor, Tensor];
  readonly asked: () => Asked;
}

/** A session whose driver has no key of the data's owner, who signs one demanding grant, which pays for `runs` steps. */
async function start(values: TypedArray, row: Aval, labels: readonly number[], runs: number): Promise<Started> {
  const world = await makeWorld({ protocol: "replicated3" });
  const parties = await startParties(world, replicated3);
  open.push(parties);
  const owners = ["data-owner", "model-owner"].map((name) => world.people.get(name)!);
  const group = await parties.group();
  const given = { "data-owner/x": { values, aval: { ...row, shape: [ROWS, ...row.shape] } }, "data-owner/y": labelled(labels) };
  for (const [handle, what] of Object.entries(given))
    await giveInput(group, world.session, replicated3, owners[0]!, { handle, ...what });
  const session = await parties.open(["driver", "model-owner"]);
  sessions.push(session);
  let asked: Asked | undefined;
  const prepare = session.prepare.bind(session);
  session.prepare = async (job) => {
    const executable = await prepare(job);
    const run = async (inputs: readonly Storage[]): Promise<readonly Storage[]> => {
      if (asked === undefined && job.program.nodes.some((n) => n.op === "partyNoise")) {
        const stored = inputs as readonly (RemoteStorage | PublicStorage)[];
        const terms = termsOf(job.program, stored, runs);
        asked = { program: job.program, terms, grant: grantOf(job.program, stored, terms) };
        await session.grant(await signGrant(world.session.id, asked.grant, owners));
      }
      return executable.run(inputs);
    };
    return { run };
  };
  return { session, columns: [session.input("data-owner/x"), session.input("data-owner/y")], asked: () => asked! };
}

function labelled(labels: readonly number[]): { values: TypedArray; aval: Aval } {
  const { values, shape } = oneHot(labels, CLASSES);
  return { values, aval: { shape, dtype: "f32" } };
}

/** One step on the cpu: each row's gradient by itself, scaled to the clip norm, summed, divided by the rows. */
async function clearStep(model: nn.Module, optimizer: optim.Optimizer, loss: (row: number) => Tensor): Promise<void> {
  const parameters = [...model.parameters()];
  const sums = parameters.map((p) => new Float64Array(sizeOf(p.shape)));
  for (let row = 0; row < ROWS; row++) {
    const grads = await Promise.all(gradients(loss(row), parameters).map((g) => g!.data()));
    const norm = Math.hypot(...grads.flatMap((g) => [...g].map(Number)));
    const scale = Math.min(1, CLIP / norm);
    grads.forEach((g, k) => {
      g.forEach((v: number | bigint, i: number) => {
        sums[k]![i]! += scale * Number(v);
      });
    });
  }
  noGrad(() => {
    parameters.forEach((p, k) => {
      p.grad = tensor(
        sums[k]!.map((v) => v / ROWS),
        { dtype: "f32" },
      ).reshape(p.shape);
    });
  });
  await optimizer.step();
  optimizer.zeroGrad();
}

/** Inputs of a step, of which one person's data may be other ones. */
function inputsOf({ program, terms }: Asked, person: number): TypedArray[] {
  const random = new Random(9);
  const other = new Random(10);
  return program.inputs.map((aval, i) => {
    const n = sizeOf(aval.shape);
    const [a, b] = [random.normal(n), other.normal(n)];
    const own = (e: number): boolean => terms.rows.includes(i) && Math.floor(e / (n / ROWS)) === person;
    const values = Float64Array.from({ length: n }, (_, e) => (own(e) ? b[e]! : a[e]!));
    return aval.dtype === "i32" ? Int32Array.from(values, (v) => Math.min(4, Math.floor(Math.abs(2 * v)))) : values;
  });
}

describe("a private step under a grant that demands noise", () => {
  it.each(Object.keys(CASES))(
    "runs, is counted and moves as on the cpu: %s",
    async (name) => {
      const { row, make, has } = CASES[name]!;
      const random = new Random(3);
      const n = ROWS * sizeOf(row.shape);
      const drawn = random.normal(n);
      const values = row.dtype === "i32" ? Int32Array.from({ length: n }, (_, i) => (i * 7) % 5) : Float32Array.from(drawn);
      const labels = Array.from({ length: ROWS }, (_, i) => i % CLASSES);
      const { session, columns, asked } = await start(values, row, labels, 2);

      const clear = make(new Random(5));
      const model = make(new Random(5));
      await model.to(session);
      const loss = (m: nn.Module) => (x: Tensor, y: Tensor) => nn.crossEntropy((m as nn.Layer)(x), y);
      const optimizer = optim.sgd(model, { lr: 1 });
      const dp = privateSteps<[Tensor, Tensor]>({ ...OPTIONS, model, optimizer, loss: loss(model) });
      await dp.step(...columns);
      await dp.step(...columns);

      const size = sizeOf(row.shape);
      const { values: hot } = oneHot(labels, CLASSES);
      const plain = optim.sgd(clear, { lr: 1 });
      const rowLoss = (i: number): Tensor => {
        const x = tensor(values.slice(i * size, (i + 1) * size)).reshape([1, ...row.shape]);
        const y = tensor(hot.slice(i * CLASSES, (i + 1) * CLASSES)).reshape([1, CLASSES]);
        return loss(clear)(x, y);
      };
      await clearStep(clear, plain, rowLoss);
      await clearStep(clear, plain, rowLoss);
      const want = await Promise.all([...clear.parameters()].map((p) => p.data()));
      const got = await Promise.all([...model.parameters()].map((p) => p.reveal({ to: "driver", why: "weights" })));
      let most = 0;
      got.forEach((w, k) => {
        w.forEach((v: number | bigint, i: number) => {
          most = Math.max(most, Math.abs(Number(v) - Number(want[k]![i]!)));
        });
      });
      expect(most).toBeLessThan(3e-3);

      const { program, grant } = asked();
      expect(program.nodes.map((x) => x.op)).toEqual(expect.arrayContaining([...has]));
      const counted = (await session.counters()).map((c) => c.grants.find((g) => g.grant === grantId(grant))?.runs);
      expect(counted).toEqual([2, 2, 2]);
      await expect(dp.step(...columns)).rejects.toThrow(/no budget left: 2 runs were counted/);
      expectOneRowEach(asked());
    },
    120_000,
  );
});

/** What is clipped, on values: a person's data change that person's row alone, and do change it. */
function expectOneRowEach(asked: Asked): void {
  const { program } = asked;
  const clipped = program.nodes.find((x) => x.op === "clippedSum")!.args[0]!;
  const rows = new Program(program.inputs, program.nodes.slice(0, clipped - program.inputs.length + 1), [clipped]);
  const at = (person: number): TypedArray => interpret(rows, inputsOf(asked, person), "f64")[0]!;
  const base = at(-1);
  for (let person = 0; person < ROWS; person++) {
    const after = at(person);
    const touched = new Set<number>();
    for (let e = 0; e < base.length; e++) if (!Object.is(base[e], after[e])) touched.add(Math.floor(e / (base.length / ROWS)));
    expect([...touched]).toEqual([person]);
  }
}
