/** @file Statistics of patients that one may publish: what they cost is said before, written down first, and how far they may be off stands beside them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "@tacit/core";
import { Budget } from "@tacit/privacy/budgets";
import {
  boolean,
  category,
  histogram,
  integer,
  linearRegression,
  mean,
  number,
  privateCsv,
  quantiles,
  text,
  topKeys,
  unknownKeys,
} from "@tacit/privacy/queries";

// A made-up register: 6,000 visits of 4,000 patients. Yours is a file: readFileSync("visits.csv").
const random = new Random(7);
const csv = ["patient,age,days,ward,smoker,doctor"];
for (let i = 0; i < 6000; i++) {
  const age = random.integer(18, 95);
  const smoker = random.next() < 0.3;
  const days = 1 + age / 20 + (smoker ? 2 : 0) + 3 * random.next();
  const doctor = i % 1500 === 7 ? `locum ${i}` : ["Ay", "Bo", "Cruz"][i % 3];
  csv.push(
    `p${random.integer(0, 4000)},${age},${days.toFixed(2)},${["eye", "heart", "bone"][random.integer(0, 3)]},${smoker},${doctor}`,
  );
}

// What is public: bounds, keys, how many visits of one patient count. Nothing of it was read off the data.
const visits = privateCsv(csv.join("\n"), {
  dataset: "visits",
  unit: { name: "patient", column: "patient", rows: 3 },
  neighbours: "add-remove",
  columns: {
    age: integer({ bounds: [0, 110] }),
    days: number({ bounds: [0, 30] }),
    ward: category({ keys: ["eye", "heart", "bone"] }),
    smoker: boolean(),
    /** Who works there is not public: a name appears only if enough patients saw it. */
    doctor: text(),
  },
});

const folder = mkdtempSync(join(tmpdir(), "tacit-statistics-"));
{
  using budget = Budget.create(join(folder, "visits.sqlite"), {
    dataset: "visits",
    unit: "patient",
    neighbours: "add-remove",
    epsilon: 3,
    delta: 1e-6,
    // Whoever asks may go by the answers so far: the limit holds nevertheless. A part of δ is for the names of doctors.
    accountant: "zcdp",
    approximateDelta: 5e-7,
  });

  const age = mean(visits, "age", { noise: { rho: 0.02 } });
  console.log(`${age.explain()}\n`);
  const cost = age.cost(budget);
  console.log(`it costs ε ${cost.epsilon.toFixed(3)} at δ ${cost.delta}, ρ ${cost.rho?.toFixed(3)}\n`);

  const show = (x: number): string => x.toFixed(2);
  const { value, interval } = age.release(budget, "mean age");
  console.log(`mean age ${show(value)}, with 95 % in ${interval.map(show).join(" to ")}`);

  const stay = quantiles(visits, "days", { at: [0.5, 0.9], noise: { rho: 0.05 } }).release(budget, "length of stay");
  for (const q of stay)
    console.log(`${100 * q.at} % stay at most ${show(q.value)} days, with 95 % ${q.interval.map(show).join(" to ")}`);

  for (const cell of histogram(visits, "ward", { noise: { rho: 0.02 } }).release(budget, "patients by ward"))
    console.log(`${cell.key}: ${cell.value} patients, with 95 % ${cell.interval.join(" to ")}`);

  const [first] = topKeys(visits, "ward", { k: 1, noise: { epsilon: 0.1 } }).release(budget, "largest ward").keys;
  console.log(`largest ward: ${first}`);

  const doctors = unknownKeys(visits, "doctor", { keysPerUnit: 2, noise: { rho: 0.01 }, delta: 1e-7 }).release(budget, "doctors");
  console.log(`doctors of ${doctors.threshold} patients or more: ${doctors.cells.map((c) => `${c.key} ${c.value}`).join(", ")}`);

  const line = linearRegression(visits, "days", { from: ["age", "smoker"], noise: { rho: 0.05 } }).release(
    budget,
    "what makes a stay longer",
  );
  for (const c of line.coefficients)
    console.log(`days by ${c.name}: ${show(c.value)}, with 95 % ${c.interval.map(show).join(" to ")}`);

  console.log(`\nspent: ε ${show(budget.state.spent)} of ${budget.terms.epsilon}`);
  try {
    mean(visits, "days", { noise: { rho: 0.3 } }).release(budget, "one more, too precise");
  } catch (e) {
    console.log(`refused: ${(e as Error).message}`);
  }
}
rmSync(folder, { recursive: true });
