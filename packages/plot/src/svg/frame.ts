/** @file Axes around a drawing: margins by the widths of the labels, grid lines, ticks, titles of the axes. */
import type { Scale } from "../scale/scale.ts";
import { label, n, tag } from "./document.ts";
import { textWidth } from "./measure.ts";

export interface FrameAxis {
  readonly scale: Scale;
  readonly label: string;
}

export interface FrameOptions {
  readonly width: number;
  readonly height: number;
  /** Kept free above the axes: the legend. */
  readonly above: number;
  readonly x: FrameAxis;
  readonly left: FrameAxis;
  readonly right: FrameAxis | null;
}

/** The area between the axes, and how values come to stand in it. */
export interface Frame {
  readonly area: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** Grid, ticks and titles. */
  readonly markup: string;
  px(value: number): number;
  py(value: number, axis?: "left" | "right"): number;
}

const SIZE = 11;
const widest = (axis: FrameAxis): number => Math.max(0, ...axis.scale.ticks.map((t) => textWidth(t.label, SIZE)));

/** Labels in a row of which none touches the next, each at most `room` pixels from its neighbour. */
function spaced(axis: FrameAxis, px: (v: number) => number): { readonly x: number; readonly label: string }[] {
  const out: { x: number; label: string }[] = [];
  let free = Number.NEGATIVE_INFINITY;
  for (const t of axis.scale.ticks) {
    const [x, half] = [px(t.at), textWidth(t.label, SIZE) / 2];
    if (x - half < free) continue;
    out.push({ x, label: t.label });
    free = x + half + 6;
  }
  return out;
}

/** Lays the axes out. */
export function frame(o: FrameOptions): Frame {
  const titled = (axis: FrameAxis): number => (axis.label === "" ? 0 : 20);
  const left = 12 + widest(o.left) + titled(o.left) + 6;
  const last = o.x.scale.ticks.at(-1);
  const right =
    o.right === null
      ? Math.max(16, last === undefined ? 0 : textWidth(last.label, SIZE) / 2 + 6)
      : 18 + widest(o.right) + titled(o.right);
  const top = o.above + 10;
  const bottom = 24 + (o.x.label === "" ? 0 : 18) + 4;
  const area = { x: left, y: top, width: Math.max(20, o.width - left - right), height: Math.max(20, o.height - top - bottom) };
  const px = (v: number): number => area.x + o.x.scale.at(v) * area.width;
  const py = (v: number, axis: "left" | "right" = "left"): number =>
    area.y + (1 - (axis === "right" && o.right !== null ? o.right : o.left).scale.at(v)) * area.height;
  const [end, base] = [area.x + area.width, area.y + area.height];
  const grid = o.left.scale.ticks.map((t) => `M${n(area.x)} ${n(py(t.at))}H${n(end)}`).join("");
  const leftTicks = o.left.scale.ticks.map((t) =>
    label(area.x - 6, py(t.at) + 4, t.label, { size: SIZE, anchor: "end", as: "q" }),
  );
  const rightTicks = (o.right?.scale.ticks ?? []).map((t) =>
    label(end + 6, py(t.at, "right") + 4, t.label, { size: SIZE, as: "q" }),
  );
  const bottomTicks = spaced(o.x, px).map((t) => label(t.x, base + 17, t.label, { size: SIZE, anchor: "middle", as: "q" }));
  const [midX, midY] = [area.x + area.width / 2, area.y + area.height / 2];
  const title = (x: number, y: number, text: string, most: number, rotate?: number): string =>
    text === "" ? "" : label(x, y, text, { anchor: "middle", most, ...(rotate === undefined ? {} : { rotate }) });
  const markup = [
    tag("path", { class: "l", d: grid === "" ? "M0 0" : grid }),
    tag("path", {
      class: "a",
      d: `M${n(area.x)} ${n(base)}H${n(end)}${o.x.scale.ticks.map((t) => `M${n(px(t.at))} ${n(base)}v4`).join("")}`,
    }),
    ...leftTicks,
    ...rightTicks,
    ...bottomTicks,
    title(midX, base + 38, o.x.label, area.width),
    title(16, midY, o.left.label, area.height, -90),
    o.right === null ? "" : title(o.width - 10, midY, o.right.label, area.height, -90),
  ].join("");
  return { area, markup, px, py };
}

/** An entry of a legend: what stands before the name is drawn by `mark` at x, y (the middle of the line). */
export interface LegendEntry {
  readonly name: string;
  mark(x: number, y: number): string;
}

/** Entries in rows that wrap; names are cut at 180 pixels. */
export function legend(entries: readonly LegendEntry[], width: number): { readonly markup: string; readonly height: number } {
  if (entries.length === 0) return { markup: "", height: 0 };
  let [x, y] = [14, 10];
  let markup = "";
  for (const entry of entries) {
    const wide = Math.min(180, textWidth(entry.name, 12)) + 22 + 16;
    if (x > 14 && x + wide > width) [x, y] = [14, y + 18];
    markup += entry.mark(x, y) + label(x + 22, y + 4, entry.name, { most: 180 });
    x += wide;
  }
  return { markup, height: y + 10 };
}
