/** @file A pad to draw a digit on, with a pen, a finger or a mouse. */

export class Sketch {
  readonly #canvas: HTMLCanvasElement;
  #drawing = false;

  constructor(canvas: HTMLCanvasElement, changed: () => void) {
    this.#canvas = canvas;
    this.clear();
    canvas.addEventListener("pointerdown", (e) => {
      canvas.setPointerCapture(e.pointerId);
      this.#drawing = true;
      this.#line(e, true);
      changed();
    });
    canvas.addEventListener("pointermove", (e) => this.#drawing && this.#line(e, false));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (this.#drawing = false));
  }

  clear(): void {
    const g = this.#canvas.getContext("2d", { willReadFrequently: true })!;
    g.fillStyle = "black";
    g.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  #line(e: PointerEvent, first: boolean): void {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    const [x, y] = [((e.clientX - left) * this.#canvas.width) / width, ((e.clientY - top) * this.#canvas.height) / height];
    const g = this.#canvas.getContext("2d")!;
    g.strokeStyle = "white";
    g.lineWidth = this.#canvas.width / 11;
    g.lineCap = g.lineJoin = "round";
    if (first) {
      g.beginPath();
      g.moveTo(x, y);
    }
    g.lineTo(x, y);
    g.stroke();
  }
}
