/** @file Training on rows that nobody sees, whose weights leave only with noise: planned, signed by the rows' owner, run, and refused beyond the budget. */
import { nn, optim, Random, type Tensor } from "@tacit/core";
import { mpc, oneHot } from "@tacit/mpc";

const [rows, width] = [96, 6];
const budget = { epsilon: 1.9, delta: 1e-5 }; // the most that a row of the hospital's loses in all steps together
const release = { to: "driver", why: "final model" };

/** The driver's job, as it is planned and as it is run: steps of DP-SGD on the hospital's rows, from weights that the driver gave. */
async function train(given: (name: string) => Tensor, steps: number, mechanism?: mpc.Budget): Promise<Tensor> {
  const model = nn.linear(width, 2, { bias: false });
  model.weight.copy_(given("driver/weight"));
  const loss = (x: Tensor, y: Tensor): Tensor => nn.crossEntropy(model(x), y); // of one row
  const dp = mpc.privateSteps<[Tensor, Tensor]>({
    ...{ model, loss, optimizer: optim.sgd(model, { lr: 1 }), clipNorm: 1, noiseMultiplier: 4, neighbours: "add-remove" },
    ...(mechanism && { mechanism }),
  });
  for (let i = 0; i < steps; i++) await dp.step(given("hospital/x"), given("hospital/y"));
  return model.weight;
}

await using parties = await mpc.localParties(3, { people: ["hospital"], quiet: true });
const { session, identities } = parties;
const [hospital, driver] = [identities.get("hospital")!, identities.get("driver")!];

// The hospital gives rows of two kinds, the driver its first weights.
const random = new Random(1);
const labels = Array.from({ length: rows }, (_, i) => i % 2);
const values = random.normal(rows * width).map((v, i) => 0.5 * v + (labels[Math.floor(i / width)] === i % 2 ? 1 : 0));
const gifts = [
  { name: "x", values, shape: [rows, width] },
  { name: "y", ...oneHot(labels, 2) },
];
await mpc.give(session, gifts, { identity: hospital });
await mpc.give(session, [{ name: "weight", values: new Float32Array(2 * width), shape: [2, width] }], { identity: driver });

// The plan: the job on a recorder, which runs nothing. Its grant demands the noise of what is disclosed.
const recorder = mpc.Recorder.of(session);
const { inputs } = await mpc.look(session, { identity: driver });
const listed = new Map(inputs.map((i) => [i.handle, recorder.listed(i.handle, i.aval, i.owners)]));
await (await train((name) => listed.get(name)!, 3, budget)).reveal(release);
const plan = await mpc.plan(session, recorder.planned(1)); // one run more than the budget pays for
console.log(
  mpc
    .showPlan(plan)
    .split("\n")
    .filter((line) => /output|at most/.test(line))
    .join("\n"),
);

// The hospital reads it (tacit approve), and signs. The parties count what runs.
for (const who of [hospital, driver]) {
  const signed = await Promise.all(plan.programs.map((p) => mpc.signGrant(session.id, p.grant, [who])));
  await mpc.approve(session, signed, { identity: who });
}

await using device = await mpc.connect(session, { identity: driver });
const weight = await (await train((name) => device.input(name), 3, budget)).reveal(release);
const right = labels.filter((label, i) => {
  const score = (k: number): number =>
    values.subarray(i * width, (i + 1) * width).reduce((sum, v, j) => sum + v * Number(weight[k * width + j]), 0);
  return (score(1) > score(0) ? 1 : 0) === label;
});
console.log(`with the noisy weights ${right.length} of ${rows} rows are right`);
if (!(right.length > 0.6 * rows)) throw new Error("expected more right answers than chance gives");

// A fourth step would cost more than the hospital signed for: a driver that forgets the budget meets the parties.
const refused = await train((name) => device.input(name), 1).then(
  () => null,
  (e: Error) => e.message,
);
console.log(`one step more: ${refused}`);
if (!refused?.includes("no budget left")) throw new Error("expected a refusal");
