/** @file Model graphs. */
import type { GraphSpec } from "../../spec.ts";
import type { Look } from "../../terminal/look.ts";
import { bold } from "../../terminal/paint.ts";
import { columnsOf, padEnd, padStart, plainWords, wordsFor } from "../../terminal/words.ts";
import type { Kind } from "../kind.ts";
import { graphSvg, showCount, showShape } from "./svg.ts";

const total = (spec: GraphSpec): number => spec.nodes.reduce((sum, node) => sum + node.parameters, 0);

/** A line for each layer: name, module, shape, weights, and from where it reads unless from the one above. */
function text(spec: GraphSpec, look: Look): string[] {
  const rows = spec.nodes.map((node, i) => {
    const far = node.reads.filter((r) => r !== i - 1).map((r) => (r < 0 ? "input" : spec.nodes[r]!.name));
    const from =
      far.length === 0 || (i === 0 && node.reads.includes(-1))
        ? ""
        : `reads ${[...(node.reads.includes(i - 1) ? [spec.nodes[i - 1]!.name] : []), ...far].join(", ")}`;
    return [
      node.name,
      node.module.split("\n")[0]!,
      showShape(node.shape),
      node.parameters === 0 ? "" : showCount(node.parameters),
      from,
    ].map((s) => plainWords(look.unicode ? s : s.replaceAll("×", "x")));
  });
  const head = ["layer", "module", "output", "weights", ""];
  const input =
    spec.input === null
      ? []
      : [["input", "", look.unicode ? showShape(spec.input) : showShape(spec.input).replaceAll("×", "x"), "", ""]];
  const all = [head, ...input, ...rows];
  const widths = head.map((_, c) => Math.min(c === 1 ? 44 : 28, Math.max(...all.map((r) => columnsOf(r[c]!)))));
  const lines = all.map((r) =>
    r
      .map((s, c) => (c === 3 ? padStart(s, widths[c]!) : padEnd(wordsFor(look, s, widths[c]!), widths[c]!)))
      .join("  ")
      .trimEnd(),
  );
  const title = spec.title === "" ? [] : [bold(look, wordsFor(look, spec.title, look.width))];
  return [...title, lines[0]!, ...lines.slice(1), `${spec.nodes.length} layers, ${showCount(total(spec))} weights`];
}

export const graphKind: Kind<GraphSpec> = {
  svg: graphSvg,
  text,
  describe: (spec) => {
    const names = spec.nodes.slice(0, 12).map((node) => node.module.split("\n")[0]!);
    const more = spec.nodes.length > 12 ? ` and ${spec.nodes.length - 12} more` : "";
    return `Model of ${spec.nodes.length} layers with ${showCount(total(spec))} weights${names.length === 0 ? "" : `: ${names.join(", ")}${more}`}`;
  },
};
