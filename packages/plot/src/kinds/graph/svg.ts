/** @file Model graphs as SVG: a column of boxes, shapes on the lines between them, arcs for what skips boxes. */
import type { GraphSpec, NodeSpec } from "../../spec.ts";
import { type Drawing, label, n, type SvgOptions, tag } from "../../svg/document.ts";
import { BOLD, textWidth } from "../../svg/measure.ts";

const BOX = 40;
const GAP = 30;

export const showShape = (shape: readonly number[] | null): string => (shape === null ? "" : shape.join("×"));
export const showCount = (count: number): string => count.toLocaleString("en-US").replaceAll(",", " ");

/** Beyond this many, the middle of the model is left out of pictures. */
export const MOST_NODES = 80;

/** An arc at the right of the boxes, farther out the more it skips. */
function skip(from: number, to: number, x: number, y: (i: number) => number): string {
  const out = x + Math.min(60, 14 + 6 * (to - from));
  const [start, end] = [from < 0 ? 38 : y(from) + BOX - 8, y(to) + 12];
  return tag("path", {
    class: "c0",
    fill: "none",
    stroke: "currentColor",
    "stroke-width": 1.3,
    d: `M${n(from < 0 ? x - 40 : x)} ${n(start)}C${n(out)} ${n(start)} ${n(out)} ${n(end)} ${n(x + 5)} ${n(end)}m4-3l-4 3l4 3`,
  });
}

const head = (node: NodeSpec): string => node.module.split("\n")[0]!;

export function graphSvg(spec: GraphSpec, options: SvgOptions): Drawing {
  const nodes = spec.nodes.slice(0, MOST_NODES);
  const inner = Math.max(
    160,
    ...nodes.map((node) =>
      Math.max(textWidth(head(node), 12) * BOLD + 24, textWidth(node.name, 10) + textWidth(showCount(node.parameters), 10) + 80),
    ),
  );
  const boxWidth = Math.min(inner, (options.width ?? 480) - 28 - 80);
  const x = 14;
  const mid = x + boxWidth / 2;
  const y = (i: number): number => 42 + i * (BOX + GAP);
  const line = (i: number): string =>
    tag("path", { class: "a", d: `M${n(mid)} ${n(y(i) - GAP + (i === 0 ? 12 : 0))}V${n(y(i) - 1)}m-3-4l3 4l3-4`, fill: "none" });
  const shape = (i: number, s: readonly number[] | null): string =>
    s === null ? "" : label(mid + 8, y(i) - GAP / 2 + (i === 0 ? 7 : 4), showShape(s), { size: 11, as: "q" });
  const boxes = nodes.map((node, i) => {
    const box =
      tag("rect", { class: "k", x, y: y(i), width: boxWidth, height: BOX, rx: 5 }) +
      tag("rect", { class: "a", fill: "none", x, y: y(i), width: boxWidth, height: BOX, rx: 5, opacity: 0.5 });
    const weights =
      node.parameters === 0
        ? ""
        : label(x + boxWidth - 10, y(i) + 33, `${showCount(node.parameters)} weights`, { size: 10, anchor: "end", as: "q" });
    const name = label(x + 10, y(i) + 33, node.name, { size: 10, as: "q", most: boxWidth - 110 });
    return box + label(x + 10, y(i) + 17, head(node), { as: "b", most: boxWidth - 20 }) + name + weights;
  });
  const straight = nodes.map((node, i) =>
    node.reads.includes(i - 1) || (i === 0 && spec.input !== null)
      ? line(i) + shape(i, i === 0 ? spec.input : nodes[i - 1]!.shape)
      : "",
  );
  const arcs = nodes.flatMap((node, i) => node.reads.filter((r) => r < i - 1).map((r) => skip(r, i, x + boxWidth, y)));
  const last = nodes.at(-1);
  const end = y(nodes.length) - GAP;
  const out =
    last === undefined || last.shape === null
      ? ""
      : tag("path", { class: "a", d: `M${n(mid)} ${n(end)}v16m-3-4l3 4l3-4`, fill: "none" }) +
        label(mid + 8, end + 14, showShape(last.shape), { size: 11, as: "q" });
  const total = spec.nodes.reduce((sum, node) => sum + node.parameters, 0);
  const summary = label(
    14,
    end + 36,
    `${spec.nodes.length} layers, ${showCount(total)} weights${spec.nodes.length > MOST_NODES ? `; the first ${MOST_NODES} are drawn` : ""}`,
    { as: "q" },
  );
  const body = [
    spec.input === null ? "" : label(mid, 14, "input", { size: 11, anchor: "middle", as: "q" }),
    ...straight,
    ...boxes,
    ...arcs,
    out,
    summary,
  ];
  return { width: Math.max(boxWidth + 28 + (arcs.length > 0 ? 70 : 0), 260), height: end + 46, body: body.join("") };
}
