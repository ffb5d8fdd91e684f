/** @file What a kind of plot is: how it is drawn as SVG and as text, and said in a sentence. */
import type { PlotSpec } from "../spec.ts";
import type { Drawing, SvgOptions } from "../svg/document.ts";
import type { Look } from "../terminal/look.ts";

export interface Kind<S extends PlotSpec> {
  svg(spec: S, options: SvgOptions): Drawing;
  /** Lines, without the notes. */
  text(spec: S, look: Look): string[];
  /** For people who do not see the picture; one sentence, no full stop. */
  describe(spec: S): string;
}
