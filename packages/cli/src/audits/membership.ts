/** @file tacit audit membership: whether examples can be told to have been trained on, from exported losses or of a saved model. */
import { expected, quantity } from "@tacit/core/errors";
import { type Figure, plot } from "@tacit/plot";
import {
  highestLowEnd,
  type LiraOptions,
  leastForLowEnd,
  lira,
  lossThreshold,
  type RateAt,
  type Roc,
  type RocOptions,
  roc,
  type Shadow,
  type ThresholdAttack,
  tprAtFpr,
} from "@tacit/privacy/audits";
import { type Command, InvalidArgumentError } from "commander";
import { count, positiveCount } from "../commands/arguments.ts";
import { chance, checkReport, conclude, type ReportWords, refuseIdle, withReportOptions } from "./options.ts";
import { MEMBERS, NON_MEMBERS, numbers, onlyKeys, readScores } from "./scores.ts";
import { type ModelWords, type Scored, scoreModel } from "./shadows.ts";

interface Words extends ReportWords, Omit<ModelWords, "model"> {
  readonly model?: string;
  readonly fpr: readonly number[];
  readonly offline?: boolean;
  readonly confidence: number;
}

/** One attack with its curve. */
interface Attack {
  readonly name: string;
  readonly curve: Roc;
  readonly rates: readonly RateAt[];
  readonly yeom?: ThresholdAttack;
}

const attack = (name: string, curve: Roc, words: Words, yeom?: ThresholdAttack): Attack => ({
  name,
  curve,
  rates: words.fpr.map((f) => tprAtFpr(curve, f)),
  ...(yeom !== undefined && { yeom }),
});

/** -log p = log(1 + e^-φ) for a logit-scaled confidence φ. */
const lossOf = (phi: number): number => (phi > 0 ? Math.log1p(Math.exp(-phi)) : -phi + Math.log1p(Math.exp(phi)));

const where = (values: Float64Array, member: Float64Array, is: 0 | 1): Float64Array => values.filter((_, i) => member[i] === is);

const confidenceOf = ({ confidence }: Words): RocOptions => ({ confidence });

function attacksOn(s: Scored, words: Words): Attack[] {
  const losses = s.scores.map(lossOf);
  const { curve, yeom } = lossThreshold(where(losses, s.member, 1), where(losses, s.member, 0), confidenceOf(words));
  const found = [attack("loss threshold", curve, words, yeom)];
  if (s.shadows.length === 0) return found;
  const options: LiraOptions = { mode: words.offline ? "offline" : "online" };
  const scores = lira(s.scores, s.shadows, options);
  const name = `LiRA, ${words.offline ? "offline, " : ""}${quantity(s.shadows.length, "shadow model")}`;
  return [...found, attack(name, roc(where(scores, s.member, 1), where(scores, s.member, 0), confidenceOf(words)), words)];
}

const LIRA_KEYS = ["member", "scores", "shadows"];

/** {"member", "scores", "shadows": [{"scores", "included"}]}; no shadow models where that key is absent. @throws PRIVACY_AUDIT_DATA */
function liraFile(json: Readonly<Record<string, unknown>>): Scored {
  onlyKeys("LiRA", json, ...LIRA_KEYS);
  const shadows: unknown = Object.hasOwn(json, "shadows") ? json.shadows : [];
  if (!Array.isArray(shadows)) expected("PRIVACY_AUDIT_DATA", "shadows", "an array of shadow models", "something else");
  const one = (x: unknown, i: number): Shadow => {
    const row = (typeof x === "object" && x !== null ? x : {}) as Readonly<Record<string, unknown>>;
    onlyKeys(`shadows[${i}]`, row, "scores", "included");
    return { scores: numbers(`shadows[${i}].scores`, row.scores), included: numbers(`shadows[${i}].included`, row.included) };
  };
  const [member, scores] = [numbers("member", json.member), numbers("scores", json.scores)];
  const odd = member.findIndex((c) => c !== 0 && c !== 1);
  if (odd >= 0 || member.length !== scores.length)
    expected("PRIVACY_AUDIT_DATA", "member", `0 or 1 for each of ${scores.length} scores`, "others");
  return { member, scores, shadows: (shadows as unknown[]).map(one) };
}

async function attacksOnFile(path: string, words: Words): Promise<Attack[]> {
  const file = await readScores(path);
  const { json } = file;
  if (json !== null && LIRA_KEYS.some((key) => Object.hasOwn(json, key))) return attacksOn(liraFile(json), words);
  const { members, nonMembers } = file.groups({ members: MEMBERS, nonMembers: NON_MEMBERS });
  const { curve, yeom } = lossThreshold(members, nonMembers, confidenceOf(words));
  return [attack("loss threshold", curve, words, yeom)];
}

const POINTS = 300;

/** At most so many points, evenly on a logarithmic axis of FPR. */
function thinned(curve: Roc): { readonly x: number[]; readonly y: number[] } {
  const seen = curve.points.filter((p) => p.fpr > 0 && p.tpr > 0);
  const out: { x: number[]; y: number[] } = { x: [], y: [] };
  let last = Number.NEGATIVE_INFINITY;
  for (const [i, p] of seen.entries()) {
    const at = Math.floor((POINTS * Math.log(p.fpr * curve.nonMembers + 1)) / Math.log(curve.nonMembers + 1));
    if (at === last && i < seen.length - 1) continue;
    last = at;
    out.x.push(p.fpr);
    out.y.push(p.tpr);
  }
  return out;
}

function pictureOf(attacks: readonly Attack[]): Figure {
  const n = attacks[0]!.curve.nonMembers;
  const line = { x: [1 / n, 1], y: [1 / n, 1] };
  return plot.lines(
    { ...Object.fromEntries(attacks.map((a) => [a.name, thinned(a.curve)])), chance: line },
    {
      title: "Membership inference",
      x: "false-positive rate",
      y: "true-positive rate",
      log: true,
      logX: true,
      dashed: ["chance"],
    },
  );
}

const percent = (x: number): string => `${(100 * x).toPrecision(3)} %`;

function textOf(attacks: readonly Attack[]): string {
  const alone = attacks.length === 1 ? ["no shadow models: loss threshold alone"] : [];
  const lines = attacks.flatMap(({ name, curve, rates, yeom }) => [
    `${name}: AUC ${curve.auc.toFixed(4)} [${curve.aucInterval.low.toFixed(4)}, ${curve.aucInterval.high.toFixed(4)}], ${quantity(curve.members, "member")}, ${quantity(curve.nonMembers, "non-member")}`,
    ...rates.map(
      (r) => `  TPR at ${percent(r.fpr)} FPR: ${percent(r.tpr)} [${percent(r.interval.low)}, ${percent(r.interval.high)}]`,
    ),
    ...(yeom === undefined
      ? []
      : [
          `  at the members' mean loss: TPR ${percent(yeom.tpr)}, FPR ${percent(yeom.fpr)}, advantage ${yeom.advantage.toFixed(4)}`,
        ]),
  ]);
  return [...lines, ...alone].join("\n");
}

/**
 * Sees that so many scores can exceed the threshold at all: an audit that cannot fail says "safe" of everything.
 * @throws PRIVACY_AUDIT_DATA
 */
function checkReach(words: Words, fpr: number, sizes: { readonly members: number; readonly nonMembers: number }): void {
  if (words.failAbove === undefined) return;
  const reach = highestLowEnd({ ...sizes, confidence: words.confidence }, fpr);
  if (words.failAbove < reach) return;
  const least = leastForLowEnd(fpr, words.confidence);
  const cure = `${least} non-members at least for a false-positive rate of ${fpr}; more members raise the interval's lower end`;
  const got = `${sizes.members} members and ${sizes.nonMembers} non-members, which reach ${reach.toPrecision(3)}`;
  expected("PRIVACY_AUDIT_DATA", "--fail-above", `scores that can exceed ${words.failAbove}`, got, cure);
}

/** Of `--model` alone, and of shadow models. */
const [OF_MODEL, OF_SHADOWS] = [
  ["data", "labels", "examples", "shadows", "epochs", "seed"],
  ["epochs", "offline"],
] as const;

async function run(path: string | undefined, words: Words, command: Command): Promise<void> {
  if (path !== undefined) refuseIdle(command, OF_MODEL, "a file of losses");
  else if (words.shadows === 0) refuseIdle(command, OF_SHADOWS, "no --shadows");
  await checkReport(words);
  if ((path === undefined) === (words.model === undefined)) {
    const got = path === undefined ? "neither" : "both";
    expected("ARGUMENT_INVALID", "audit membership", "a file of losses, or --model", got, "tacit audit membership --help");
  }
  const at = Math.min(...words.fpr);
  if (words.model !== undefined) checkReach(words, at, { members: words.examples, nonMembers: words.examples });
  const attacks =
    path !== undefined ? await attacksOnFile(path, words) : attacksOn(await scoreModel({ ...words, model: words.model! }), words);
  if (attacks.length === 1) refuseIdle(command, ["offline"], "no shadow models");
  checkReach(words, at, attacks[0]!.curve);
  // Each lower end is too high with at most half of 1 - confidence, and there are two attacks at most.
  const measured = Math.max(...attacks.flatMap((a) => a.rates.filter((r) => r.fpr === at).map((r) => r.interval.low)));
  const brief = attacks.map(({ curve: { points: _points, ...curve }, ...rest }) => ({ ...rest, ...curve }));
  await conclude(words, {
    audit: "membership",
    report: { attacks: brief },
    measured,
    unit: `TPR at ${percent(at)} FPR (lower end of the interval)`,
    figure: pictureOf(attacks),
    text: textOf(attacks),
  });
}

/** Rates with commas. */
function rates(text: string): readonly number[] {
  const all = text.split(",").map(chance);
  if (all.length > 8) throw new InvalidArgumentError("expected at most 8 rates");
  return all;
}

const DESCRIPTION = `TPR at a false-positive rate f needs 1/f non-members at least: 1000 for 0.1 %. Its interval is free of assumptions on the scores' laws.
At a tie a coin decides: between two thresholds TPR is linear in FPR.

--fail-above compares the lower end of the interval, of the attack where it is higher, at the lowest rate. A model whose true TPR is not above x
fails with a chance of at most 1 - confidence: 5 %, half of that for each of two attacks. It needs about 4400 non-members at 0.1 % and 440
at 1 %: with fewer the lower end is always 0, and --fail-above is refused.

The file: JSON {"members": [losses], "nonMembers": [losses]}; CSV with rows member,0.01 and non-member,0.7; or for LiRA JSON
{"member": [0, 1, …], "scores": [φ, …], "shadows": [{"scores": [φ, …], "included": [0, 1, …]}, …]} with φ = log(p/(1-p)) of the right class.
Without "shadows" there is the loss threshold alone. Other keys are refused.

With --model: a file of tacit train, on the data that it was trained on (the same --data and --labels). Members are drawn from its training
part, non-members from its test part. --shadows N trains N more models of the kind, each on a random half of both parts, for LiRA.

Examples:
  tacit audit membership losses.csv --fpr 0.01 --fail-above 0.03
  tacit audit membership --model model.safetensors --data digits --shadows 16`;

export function addMembership(audit: Command): void {
  const command = audit
    .command("membership")
    .summary("whether examples can be told to have been trained on: loss threshold, LiRA")
    .description(DESCRIPTION)
    .argument("[losses]", "a JSON or CSV file of losses, or of scores for LiRA")
    .option("--fpr <rates>", "false-positive rates, with commas", rates, [0.001, 0.01])
    .option("--confidence <p>", "of the intervals", chance, 0.95)
    .option("--offline", "LiRA with models only that did not see the example")
    .option("--model <file>", "audit this model; options below are for it")
    .option("--data <source>", "auto, mnist, digits, or a file, as tacit train takes it", "auto")
    .option("--labels <file>", "class numbers of an IDX file")
    .option("--examples <n>", "members, and as many non-members", positiveCount, 5000)
    .option("--shadows <n>", "shadow models, an even number of at least 4; 0 for the loss threshold alone", count, 0)
    .option("--epochs <n>", "how long each is trained", positiveCount, 3)
    .option("--seed <n>", "of the choice of examples and of the shadow models", count, 0);
  withReportOptions(command, "the lower end of the TPR's interval at the lowest rate (a share from 0 to 1)").action(run);
}
