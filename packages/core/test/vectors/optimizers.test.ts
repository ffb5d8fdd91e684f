/** @file Every optimizer on two groups, L-BFGS, and every schedule, along PyTorch's numbers. */
import { describe, expect, test } from "vitest";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { zeros } from "../../src/tensor/creation.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { expectClose, on, type Packed, PLACES, type Place, readVectors, unpack } from "./golden.ts";

interface GroupedCase {
  readonly optimizer: keyof typeof MAKE;
  readonly options: Readonly<Record<string, unknown>>;
  readonly second: Readonly<Record<string, unknown>>;
  readonly clip: optim.ClipOptions;
  readonly parameters: Readonly<Record<string, readonly (readonly number[])[]>>;
}
interface Problem {
  readonly cases: readonly GroupedCase[];
  readonly problem: Readonly<Record<"x" | "w1" | "b1" | "w2" | "y", Packed>>;
}

const MAKE = {
  sgd: optim.sgd,
  adam: optim.adam,
  adamw: optim.adamw,
  adagrad: optim.adagrad,
  adadelta: optim.adadelta,
  rmsprop: optim.rmsprop,
  adamax: optim.adamax,
  nadam: optim.nadam,
  radam: optim.radam,
  asgd: optim.asgd,
  rprop: optim.rprop,
} as const;
/** The options come out of a file. */
type Make = (params: readonly object[], options: object) => optim.Optimizer;

const { cases, problem } = readVectors<Problem>("optimizers.json");

interface Net {
  readonly params: [nn.Parameter, nn.Parameter, nn.Parameter];
  loss(): Tensor;
}

function net(place: Place, scale = 1): Net {
  const [x, y] = [unpack(problem.x, place), unpack(problem.y, place)];
  const params = [problem.w1, problem.b1, problem.w2].map((p) => nn.parameter(unpack(p, place).mul(scale))) as Net["params"];
  const [w1, b1, w2] = params;
  return { params, loss: () => nn.crossEntropy(x.linear(w1, b1).tanh().linear(w2), y) };
}

async function follow(c: GroupedCase, place: Place, tolerance: number): Promise<void> {
  const { params, loss } = net(place);
  const groups = [{ params: params.slice(0, 1) }, { params: params.slice(1), ...c.second }];
  const opt = (MAKE[c.optimizer] as unknown as Make)(groups, { ...c.options, ...c.clip });
  for (let step = 1; step <= 12; step++) {
    await opt.step(c.options.maximize === true ? loss().neg() : loss());
    for (const [i, p] of params.entries()) {
      const wanted = c.parameters[step]?.[i];
      if (wanted) expectClose(await p.data(), wanted, tolerance, `parameter ${i} after step ${step}`);
    }
  }
}

// Rounding of f32 is carried through 12 steps.
const TOLERANCE = { f64: 1e-10, f32: 5e-5 } as const;
const titles = cases.map((c) => ({ c, what: `${c.optimizer} ${JSON.stringify({ ...c.options, ...c.clip })}` }));

describe.each(PLACES)("on the $name", (place) => {
  test.each(titles)("12 steps of $what on two groups follow PyTorch", async ({ c }) =>
    on(place, () => follow(c, place, TOLERANCE[place.dtype])),
  );
});

interface LbfgsCase {
  readonly options: optim.LbfgsOptions;
  readonly scale: number;
  readonly losses: readonly number[];
  readonly parameters: readonly (readonly (readonly number[])[])[];
  readonly iterations: number;
  readonly evaluations: number;
}

async function minimize(c: LbfgsCase, place: Place, tolerance: number): Promise<optim.LBFGS> {
  const { params, loss } = net(place, c.scale);
  const opt = optim.lbfgs(params, c.options);
  const closure = (): Tensor => params.reduce((sum, p) => sum.add(p.square().sum().mul(0.01)), loss());
  for (const [i, wanted] of c.losses.entries()) {
    expectClose([await opt.step(closure)], [wanted], tolerance, `loss before step ${i + 1}`);
    for (const [k, p] of params.entries())
      expectClose(await p.data(), c.parameters[i]![k]!, tolerance, `parameter ${k} after step ${i + 1}`);
  }
  return opt;
}

describe("L-BFGS", () => {
  const rows = readVectors<{ readonly cases: readonly LbfgsCase[] }>("lbfgs.json").cases;
  test.each(rows.map((c) => ({ c, what: JSON.stringify(c.options) })))("with $what follows PyTorch", async ({ c }) => {
    const [reference, cpu] = PLACES as readonly [Place, Place];
    const opt = await on(reference, () => minimize(c, reference, 1e-8));
    expect(opt.stateDict().numbers).toMatchObject({ iterations: c.iterations, evaluations: c.evaluations });
    await on(cpu, () => minimize(c, cpu, 2e-2));
  });
});

interface ScheduleCase {
  readonly schedule: keyof typeof optim.lrScheduler;
  readonly options: never;
  readonly adam: boolean;
  readonly rates: readonly (readonly number[])[];
  readonly momenta?: readonly (readonly number[])[];
  readonly metrics?: readonly number[];
}
type Part = readonly [keyof typeof optim.lrScheduler, never];

const FACTORS: Readonly<Record<string, (steps: number) => number>> = {
  half: (t) => 0.5 ** t,
  bump: (t) => 1 + 0.1 * (t % 3),
};
const named = (f: string | readonly string[]): unknown => (typeof f === "string" ? FACTORS[f] : f.map((name) => FACTORS[name]));

function scheduleOf(opt: optim.Optimizer, kind: Part[0], options: never): optim.Scheduler | optim.ReduceLROnPlateau {
  const parts = (list: readonly Part[]): optim.Scheduler[] => list.map(([k, o]) => scheduleOf(opt, k, o) as optim.Scheduler);
  if (kind === "chained") return optim.chained(parts(options));
  if (kind === "sequential") {
    const { parts: list, milestones } = options as { parts: readonly Part[]; milestones: readonly number[] };
    return optim.sequential(parts(list), { milestones });
  }
  const factor = (options as { factor?: string | readonly string[] }).factor;
  const full = typeof factor === "number" || factor === undefined ? options : ({ factor: named(factor) } as never);
  return optim.lrScheduler[kind](opt, full);
}

interface Scheduled {
  readonly opt: optim.Optimizer;
  readonly schedule: optim.Scheduler | optim.ReduceLROnPlateau;
}

function scheduled(c: ScheduleCase): Scheduled {
  const groups = [{ params: [zeros([1]).requiresGrad_()] }, { params: [zeros([1]).requiresGrad_()], lr: 0.25 }];
  const opt = c.adam ? optim.adam(groups, { lr: 0.8 }) : optim.sgd(groups, { lr: 0.8, momentum: 0.9 });
  return { opt, schedule: scheduleOf(opt, c.schedule, c.options) };
}

function advance({ schedule }: Scheduled, c: ScheduleCase, step: number): void {
  if (schedule instanceof optim.ReduceLROnPlateau) schedule.step(c.metrics![step]!);
  else schedule.step();
}

function check({ opt }: Scheduled, c: ScheduleCase, step: number): void {
  for (const [i, group] of opt.paramGroups.entries()) {
    expect(group.lr, `rate of group ${i} in step ${step}`).toBeCloseTo(c.rates[step]![i]!, 14);
    const momentum = c.momenta?.[step]?.[i];
    const { momentum: plain, betas } = group as { momentum?: number; betas?: readonly number[] };
    if (momentum !== undefined) expect(plain ?? betas?.[0], `momentum in step ${step}`).toBeCloseTo(momentum, 14);
  }
}

describe("a schedule", () => {
  const rows = readVectors<{ readonly cases: readonly ScheduleCase[] }>("schedules.json").cases;
  test.each(rows.map((c) => ({ c, what: `${c.schedule} ${JSON.stringify(c.options)}` })))(
    "$what gives PyTorch's rates to two groups, also when it is taken up from its saved state",
    ({ c }) => {
      let now = scheduled(c);
      for (let step = 0; step < c.rates.length; step++) {
        check(now, c, step);
        if (step % 6 === 4) {
          const state = JSON.parse(JSON.stringify(now.schedule.stateDict())) as optim.SchedulerState;
          now = scheduled(c);
          now.schedule.loadStateDict(state);
          check(now, c, step);
        }
        if (step < c.rates.length - 1) advance(now, c, step);
      }
    },
  );
});
