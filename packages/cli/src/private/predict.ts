/** @file A private prediction: the model owner's weights and the data owner's picture are shared, the answer is disclosed to the data owner alone. */
import { noGrad } from "@tacit/core";
import type * as nn from "@tacit/core/nn";
import type { TypedArray } from "@tacit/core/program";
import { mpc, type SessionCost } from "@tacit/mpc";
import { say } from "../output/streams.ts";
import { Interrupt } from "../training/interrupt.ts";
import { onlooker, type SecretDevice, type Watcher } from "./device.ts";
import { PEOPLE } from "./job.ts";
import type { Owners } from "./training.ts";
import { type Witness, witnesses } from "./witness.ts";

/** What the data owner learns. */
export type Answer = "probabilities" | "class";

/** Discloses class probabilities [classes], or the class [1], of a centred picture [28, 28] to the data owner. */
export async function predictOnShares(
  device: SecretDevice,
  model: nn.Layer,
  picture: Float32Array,
  ask: { readonly answer: Answer; readonly owners: Owners },
  watcher: Watcher,
): Promise<TypedArray> {
  const { answer, owners } = ask;
  await model.to(device);
  model.eval();
  const x = device.input("picture", { values: picture, shape: [1, 1, 28, 28] }, { owner: owners.data });
  watcher.stage("prediction");
  const y = noGrad(() => (answer === "class" ? model(x).argmax(1) : model(x).softmax(1)));
  return y.reveal({ to: owners.data, why: "prediction" });
}

export interface PrivatePrediction {
  readonly class: number;
  /** Null where only the class was disclosed. */
  readonly probabilities: readonly number[] | null;
  readonly cost: SessionCost;
  readonly parties: readonly Witness[];
}

/** A prediction by three party processes; null when the user stopped it. */
export async function privatePrediction(
  model: nn.Layer,
  picture: Float32Array,
  answer: Answer,
): Promise<PrivatePrediction | null> {
  using interrupt = new Interrupt();
  try {
    await using session = await mpc.local(3, { people: [PEOPLE.model, PEOPLE.data], owner: PEOPLE.model });
    say(`the weights belong to ${PEOPLE.model}, the picture to ${PEOPLE.data}; the ${answer} goes to ${PEOPLE.data} alone`);
    const watcher = onlooker(interrupt, () => []);
    const values = await predictOnShares(session, model, picture, { answer, owners: PEOPLE }, watcher);
    if (interrupt.requested) return null;
    const probabilities = answer === "class" ? null : Array.from(values, Number);
    const best = probabilities === null ? Number(values[0]) : probabilities.indexOf(Math.max(...probabilities));
    return { class: best, probabilities, cost: session.cost(), parties: await witnesses(session) };
  } catch (e) {
    if (interrupt.requested) return null;
    throw e;
  }
}
