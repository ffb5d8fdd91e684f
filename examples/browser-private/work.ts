/** @file What the tab does with its session: gives pictures, trains a small network on shares, predicts; and one who collects. */
import { data, nn, optim, type Tensor } from "@tacit/core";
import {
  connect,
  give,
  type MpcSession,
  oneHot,
  ownIdentity,
  publicFile,
  receive,
  Session,
  type SessionCost,
  type WebAddresses,
  webConnector,
} from "@tacit/mpc/browser";
import { PIXELS, type Pictures } from "./pictures.ts";

/** The names of this tab and of the one who collects, in the session. */
export const ME = "you";
export const READER = "reader";
const HIDDEN = 16;
const BATCH = 32;

/** What the server says of the parties that it started. */
interface Said {
  readonly session: string;
  readonly web: WebAddresses;
}

async function ask(method: "GET" | "POST", body?: object): Promise<Said | undefined> {
  const reply = await fetch("parties", { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  if (reply.status === 404) return undefined;
  if (!reply.ok) throw new Error(`the server of this page answered ${reply.status}`);
  return (await reply.json()) as Said;
}

const sameKey = (a: Uint8Array | undefined, b: Uint8Array): boolean => a?.length === b.length && b.every((v, i) => v === a[i]);

interface Meeting {
  readonly session: Session;
  readonly web: WebAddresses;
}

/** Parties that run and know this browser's keys of `name`. */
async function found(name: string): Promise<Meeting | undefined> {
  const said = await ask("GET");
  if (said === undefined) return undefined;
  const session = Session.fromJson(said.session);
  const own = await ownIdentity(name);
  return sameKey(session.everyone.get(name)?.sign, own.public.sign) ? { session, web: said.web } : undefined;
}

/** Three new parties, who get the public halves of this browser's keys. */
async function started(): Promise<Meeting> {
  const [me, reader] = [await ownIdentity(ME), await ownIdentity(READER)];
  const said = await ask("POST", { driver: JSON.parse(publicFile(me)), people: [JSON.parse(publicFile(reader))] });
  return { session: Session.fromJson(said!.session), web: said!.web };
}

export interface Prediction {
  readonly logits: readonly number[];
  readonly digit: number;
  /** Softmax of the logits. */
  readonly chances: readonly number[];
}

export function predictionOf(values: ArrayLike<number | bigint>): Prediction {
  const logits = Array.from(values, Number);
  const most = Math.max(...logits);
  const powers = logits.map((v) => Math.exp(v - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return { logits, digit: logits.indexOf(most), chances: powers.map((p) => p / sum) };
}

export class Work {
  readonly session: MpcSession;
  readonly #web: WebAddresses;
  #pictures: readonly [Tensor, Tensor] | undefined;
  #model: nn.Sequential | undefined;
  #last: { readonly pixels: Float32Array; readonly logits: Tensor } | undefined;

  private constructor(session: MpcSession, web: WebAddresses) {
    this.session = session;
    this.#web = web;
  }

  /** Reaches the parties as their driver; with `fresh` three new ones. */
  static async begin(fresh: boolean, waiting: (words: string) => void): Promise<Work> {
    const { session, web } = (fresh ? undefined : await found(ME)) ?? (await started());
    const work = new Work(await connect(session, { identity: await ownIdentity(ME), web, waiting }), web);
    work.#find();
    return work;
  }

  /** Pictures that an earlier tab gave rest at the parties still. */
  #find(): void {
    try {
      this.#pictures = [this.session.input("pictures"), this.session.input("labels")];
    } catch {
      this.#pictures = undefined;
    }
  }

  /** How many pictures the parties hold. */
  get given(): number {
    return this.#pictures?.[0].shape[0] ?? 0;
  }

  get trained(): boolean {
    return this.#model !== undefined;
  }

  get cost(): SessionCost {
    return this.session.cost();
  }

  /** Shares pictures and labels among the parties; `progress` hears how much of it they have. */
  async give({ pixels, labels }: Pictures, progress: (done: number, total: number) => void): Promise<void> {
    const gifts = [
      { name: "pictures", values: pixels, shape: [labels.length, PIXELS] },
      { name: "labels", ...oneHot(labels, 10) },
    ];
    await give(this.session.session, webConnector(this.#web), gifts, { identity: await ownIdentity(ME), progress });
    this.#pictures = (await this.session.inputs(["pictures", "labels"])) as [Tensor, Tensor];
  }

  /** Trains for `steps` steps; each step's mean loss is opened to this tab alone. */
  async train(steps: number, said: (loss: number) => void): Promise<void> {
    const [x, y] = this.#pictures!;
    const model = await nn.sequential(nn.linear(PIXELS, HIDDEN), nn.relu(), nn.linear(HIDDEN, 10)).to(this.session);
    const opt = optim.sgd(model, { lr: 0.5 });
    for (let step = 0; step < steps; ) {
      for (const [a, b] of data.batches([x, y], BATCH, { shuffle: { seed: step } })) {
        const loss = nn.crossEntropy(model(a), b);
        await opt.step(loss);
        const [value] = await loss.detach().reveal({ to: ME, why: "progress" });
        said(Number(value));
        if (++step === steps) break;
      }
    }
    this.#model = model;
  }

  /** The picture goes out as shares, and the ten numbers come back sealed to this tab. */
  async predict(pixels: Float32Array): Promise<Prediction> {
    const x = await this.#shared(pixels);
    const logits = this.#model!(x).detach();
    const values = await logits.reveal({ to: ME, why: "prediction" });
    this.#last = { pixels, logits };
    return predictionOf(values);
  }

  async #shared(pixels: Float32Array): Promise<Tensor> {
    const name = `drawing-${Array.from(crypto.getRandomValues(new Uint8Array(6)), (b) => b.toString(16).padStart(2, "0")).join("")}`;
    return this.session.input(name, pixels, { shape: [1, PIXELS] });
  }

  /** Leaves the last prediction at the parties, sealed to the reader, who need not be there. */
  async deliver(): Promise<void> {
    await this.session.deliver(this.#last!.logits, { to: READER, why: "prediction" });
  }

  /** Opens the weights to this tab, which owns them, and computes the last prediction here: the largest difference of the ten numbers. */
  async compare(): Promise<{ readonly here: Prediction; readonly weights: number }> {
    const parameters = this.#model!.parameters();
    const opened = await Promise.all(parameters.map((p) => p.detach().reveal({ to: ME, why: "comparison" })));
    const [w1, b1, w2, b2] = opened.map((v) => Float64Array.from(v as Float32Array)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const hidden = layer(Float64Array.from(this.#last!.pixels), w1, b1).map((v) => Math.max(0, v));
    return { here: predictionOf(layer(hidden, w2, b2)), weights: opened.reduce((n, v) => n + v.length, 0) };
  }
}

/** W x + b, W row by row. */
const layer = (x: Float64Array, w: Float64Array, b: Float64Array): Float64Array =>
  b.map((bias, i) => x.reduce((sum, v, j) => sum + v * w[i * x.length + j]!, bias));

/** What waits for the reader, whose keys are in this browser too; no driver need be there. */
export async function collect(waiting: (words: string) => void): Promise<{ from: string; prediction: Prediction }[]> {
  const meeting = await found(READER);
  if (meeting === undefined) throw new Error("no parties know this reader: start with the first tab");
  const { session, web } = meeting;
  const { deliveries, faults } = await receive(session, webConnector(web), { identity: await ownIdentity(READER), waiting });
  if (faults[0] !== undefined) throw faults[0];
  return deliveries.map((d) => ({ from: d.why, prediction: predictionOf(d.values) }));
}
