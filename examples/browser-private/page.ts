/** @file The page: three steps, their buttons, and what each cost. */
import { plot } from "@tacit/plot";
import { drawDigits, PIXELS, paint, readCanvas, SIDE } from "./pictures.ts";
import { Sketch } from "./sketch.ts";
import { collect, type Prediction, Work } from "./work.ts";

const find = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const button = (id: string): HTMLButtonElement => find<HTMLButtonElement>(id);
const say = (id: string, words: string): void => void (find<HTMLOutputElement>(id).value = words);
const numberOf = (id: string): number => Number(find<HTMLSelectElement>(id).value);

let work: Work | undefined;
let busy = false;
let predicted = false;

/** What may be pressed now. */
function refresh(): void {
  const ready = work !== undefined && !busy;
  button("begin").disabled = busy;
  button("begin").textContent = work === undefined ? "Start three parties" : "Start over with three new parties";
  button("give").disabled = !ready || work!.given > 0;
  button("train").disabled = !ready || work!.given === 0;
  button("predict").disabled = !ready || !work!.trained;
  button("compare").disabled = button("deliver").disabled = !ready || !predicted;
  if (work === undefined) return;
  const { runs, reveals, rounds, bytesPerParty, seconds } = work.cost;
  const shown = {
    runs,
    reveals,
    rounds,
    bytes: `${(Math.max(...bytesPerParty) / 1e6).toFixed(2)} MB`,
    seconds: seconds.toFixed(1),
  };
  for (const [id, value] of Object.entries(shown)) find(id).textContent = String(value);
}

/** What went wrong: the sentence, and what to do. */
function wordsOf(e: unknown): string {
  const { code, message, hint } = e as { code?: string; message?: string; hint?: string };
  if (code === "DRIVER_BUSY")
    return "Another tab drives these parties. Close it, then press the button again, or start over there.";
  return [code, message, hint === undefined ? "" : `\n${hint}`].filter(Boolean).join(" ");
}

function fail(id: string, e: unknown): void {
  find(id).textContent = wordsOf(e);
  find(id).hidden = false;
}

/** Does one thing at a time; a session that is over can be begun again. */
async function doing(what: (w: Work) => Promise<void>): Promise<void> {
  if (busy || work === undefined) return;
  busy = true;
  refresh();
  try {
    await what(work);
  } catch (e) {
    fail("trouble", e);
    await work.session.leave();
    work = undefined;
    predicted = false;
    say("state", "Not connected.");
  } finally {
    busy = false;
    refresh();
  }
}

async function begin(fresh: boolean): Promise<void> {
  if (busy) return;
  busy = true;
  refresh();
  find("trouble").hidden = true;
  say("state", "Starting three parties …");
  try {
    await work?.session.leave();
    [work, predicted] = [undefined, false];
    work = await Work.begin(fresh, (words) => say("state", words));
    const names = work.session.session.file.parties.map((p) => p.identity.name).join(", ");
    say("state", `You drive a session of ${names}.`);
    const { given } = work;
    say("give-state", given > 0 ? `The parties hold ${given} pictures.` : "");
    find<HTMLProgressElement>("given").value = given > 0 ? 1 : 0;
  } catch (e) {
    fail("trouble", e);
    say("state", "Not connected.");
  } finally {
    busy = false;
    refresh();
  }
}

function showStrip(): void {
  const { pixels } = drawDigits(14, "train");
  find("strip").replaceChildren(
    ...Array.from({ length: 14 }, (_, i) => {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 3 * SIDE;
      paint(canvas, pixels.subarray(i * PIXELS, (i + 1) * PIXELS));
      return canvas;
    }),
  );
}

async function give(w: Work): Promise<void> {
  const pictures = drawDigits(numberOf("count"), "train");
  say("give-state", "Splitting and sealing …");
  await w.give(pictures, (done, total) => {
    find<HTMLProgressElement>("given").value = done / total;
  });
  say("give-state", `The parties hold ${w.given} pictures, as shares.`);
}

/** The curve as a picture of its own: it needs no style of this page. */
function chart(losses: readonly number[]): void {
  const figure = plot.lines({ loss: losses }, { title: "Loss, as this tab alone sees it", x: "step", y: "cross entropy" });
  const image = find<HTMLImageElement>("chart");
  image.src = `data:image/svg+xml,${encodeURIComponent(figure.svg())}`;
  image.alt = figure.description;
}

async function train(w: Work): Promise<void> {
  const [steps, losses] = [numberOf("steps"), [] as number[]];
  say("train-state", "The first step is prepared …");
  await w.train(steps, (loss) => {
    losses.push(loss);
    find<HTMLProgressElement>("trained").value = losses.length / steps;
    say("train-state", `step ${losses.length} of ${steps}, loss ${loss.toFixed(3)}`);
    if (losses.length > 1) chart(losses);
    refresh();
  });
}

function showPrediction({ digit, chances, logits }: Prediction): void {
  say("answer", `It looks like ${digit} (${(100 * chances[digit]!).toFixed(0)} %).`);
  find("answer").dataset.logits = JSON.stringify(logits);
  find("chances").replaceChildren(
    ...chances.map((p) => {
      const line = document.createElement("li");
      const meter = document.createElement("meter");
      meter.value = p;
      line.append(meter, ` ${(100 * p).toFixed(0)} %`);
      return line;
    }),
  );
  find("chances").setAttribute("aria-label", `chance of each digit; ${digit} is likeliest`);
}

async function predict(w: Work): Promise<void> {
  say("compared", "");
  say("delivered", "");
  showPrediction(await w.predict(readCanvas(find<HTMLCanvasElement>("pad"))));
  predicted = true;
}

async function compare(w: Work): Promise<void> {
  const { here, weights } = await w.compare();
  const shared = JSON.parse(find("answer").dataset.logits!) as number[];
  const most = Math.max(...shared.map((v, i) => Math.abs(v - here.logits[i]!)));
  say("compared", `${weights} weights opened to this tab; the ten numbers differ by ${most.toExponential(1)} at most.`);
  find("compared").dataset.difference = String(most);
}

async function deliver(w: Work): Promise<void> {
  await w.deliver();
  say("delivered", "It waits at the parties, sealed to the reader.");
  find("reader-link").hidden = false;
}

function start(): void {
  showStrip();
  const pad = find<HTMLCanvasElement>("pad");
  const sketch = new Sketch(pad, () => say("answer", ""));
  let samples = 0;
  button("begin").addEventListener("click", () => void begin(work !== undefined));
  button("give").addEventListener("click", () => void doing(give));
  button("train").addEventListener("click", () => void doing(train));
  button("predict").addEventListener("click", () => void doing(predict));
  button("compare").addEventListener("click", () => void doing(compare));
  button("deliver").addEventListener("click", () => void doing(deliver));
  button("clear").addEventListener("click", () => sketch.clear());
  button("sample").addEventListener("click", () => paint(pad, drawDigits(1, "test", ++samples).pixels));
  refresh();
}

function startReader(): void {
  find("driver").hidden = true;
  find("reader").hidden = false;
  button("collect").addEventListener("click", async () => {
    find("reader-trouble").hidden = true;
    say("collected", "Asking the parties …");
    try {
      const all = await collect((words) => say("collected", words));
      const words = all.map(({ from, prediction: p }) => `${from}: ${p.digit} (${(100 * p.chances[p.digit]!).toFixed(0)} %)`);
      say("collected", words.length === 0 ? "Nothing waits for the reader." : words.join("; "));
    } catch (e) {
      say("collected", "");
      fail("reader-trouble", e);
    }
  });
}

if (new URLSearchParams(location.search).has("reader")) startReader();
else start();
