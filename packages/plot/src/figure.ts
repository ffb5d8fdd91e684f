/** @file Figure: a plot description with its three renderings: SVG, terminal text, rich output of a notebook. */
import { expected } from "@tacit/core/errors";
import { describe, drawSvg, drawText } from "./kinds/index.ts";
import type { PlotSpec } from "./spec.ts";
import { document, type SvgOptions } from "./svg/document.ts";
import { type Look, lookOf, type TextOptions } from "./terminal/look.ts";

/** A MIME bundle, as Jupyter's `display_data` has it. */
export type MimeBundle = Readonly<Record<string, string>>;

const plain = (options: TextOptions = {}): Look => ({ width: 80, height: null, color: "none", unicode: true, ...options });

/** A plot. `spec` is plain data: keep it, send it, draw it elsewhere with `plot.figure(spec)`. */
export class Figure {
  static {
    const method = (name: string, value: (this: Figure) => unknown): void =>
      void Object.defineProperty(Figure.prototype, Symbol.for(name), { value });
    // What Deno's notebook kernel asks an object for, and what `console.log` prints: the drawing, as the terminal can show it.
    method("Jupyter.display", function () {
      return this.mime();
    });
    for (const inspect of ["nodejs.util.inspect.custom", "Deno.customInspect"]) {
      method(inspect, function () {
        return drawText(this.spec, lookOf("stdout"));
      });
    }
  }

  readonly spec: PlotSpec;

  constructor(spec: PlotSpec) {
    this.spec = spec;
  }

  /** A self-contained SVG document: no script, no outside font or picture; light and dark; described for those who cannot see it. */
  svg(options: SvgOptions = {}): string {
    const drawing = drawSvg(this.spec, options);
    return document({ ...drawing, title: this.spec.title, notes: this.spec.notes, describes: describe(this.spec) });
  }

  /** Text without colours, 80 columns wide and in Unicode blocks unless the options say otherwise. */
  text(options: TextOptions = {}): string {
    return drawText(this.spec, plain(options));
  }

  /** What it shows, in a sentence. */
  get description(): string {
    return describe(this.spec);
  }

  /** The bundle that a notebook shows; `[Symbol.for("Jupyter.display")]()` gives it to Deno's kernel. */
  mime(): MimeBundle {
    return { "image/svg+xml": this.svg(), "text/plain": this.text() };
  }

  toString(): string {
    return this.text();
  }

  /** The description: `JSON.stringify(figure)` can be drawn again. */
  toJSON(): PlotSpec {
    return this.spec;
  }

  /**
   * Writes `.svg`, `.txt` (as `text()`) or `.json` (the description), by the ending of the name. Only where there are files.
   * @throws ARGUMENT_INVALID for another ending, FILE_WRITE
   */
  async save(path: string): Promise<void> {
    const kind = /\.(svg|txt|json)$/i.exec(path)?.[1]?.toLowerCase();
    if (kind === undefined) expected("ARGUMENT_INVALID", "save", "a name that ends in .svg, .txt or .json", JSON.stringify(path));
    const text = kind === "svg" ? this.svg() : kind === "txt" ? `${this.text()}\n` : `${JSON.stringify(this.spec)}\n`;
    if (typeof process === "undefined" || typeof process.versions?.node !== "string")
      expected("FILE_UNSUPPORTED", "save", "a machine with files", "a browser", "use svg()");
    await (await import("./save-node.ts")).writeText(path, text);
  }
}
