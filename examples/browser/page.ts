/** @file The page: starts the Worker, shows progress, draws the loss curve. */
import type { Progress } from "./worker.ts";

const find = <T extends Element>(selector: string): T => document.querySelector<T>(selector)!;
const [button, status] = [find<HTMLButtonElement>("#start"), find<HTMLOutputElement>("#status")];
const [bar, canvas] = [find<HTMLProgressElement>("#progress"), find<HTMLCanvasElement>("#curve")];

function draw(losses: readonly number[], steps: number): void {
  const g = canvas.getContext("2d")!;
  g.clearRect(0, 0, canvas.width, canvas.height);
  g.strokeStyle = "#2563eb";
  g.lineWidth = 2;
  g.beginPath();
  const top = Math.max(...losses);
  for (const [i, l] of losses.entries()) g.lineTo((i / steps) * canvas.width, canvas.height * (1 - (0.95 * l) / top));
  g.stroke();
}

button.addEventListener("click", () => {
  button.disabled = true;
  const losses: number[] = [];
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data }: MessageEvent<Progress>) => {
    losses.push(data.loss);
    bar.value = data.step / data.steps;
    draw(losses, data.steps);
    const tail = data.accuracy === undefined ? "" : `, accuracy ${(100 * data.accuracy).toFixed(1)} % on new digits`;
    status.value = `step ${data.step} of ${data.steps}, loss ${data.loss.toFixed(3)}${tail}`;
    if (data.accuracy !== undefined) worker.terminate();
  });
  worker.addEventListener("error", (e) => (status.value = `failed: ${e.message}`));
});
