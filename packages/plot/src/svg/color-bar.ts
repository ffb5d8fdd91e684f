/** @file A colour bar: which value each colour of a ramp stands for. */
import { rampColor } from "../color/ramp.ts";
import { short } from "../scale/format.ts";
import { scaleOver } from "../scale/scale.ts";
import type { RampName } from "../spec.ts";
import { label, n, tag } from "./document.ts";
import { pixelImage } from "./png.ts";

const STEPS = 64;

export function colorBar(o: {
  readonly ramp: RampName;
  readonly low: number;
  readonly high: number;
  readonly x: number;
  readonly y: number;
  readonly height: number;
}): string {
  const data = new Uint8Array(STEPS * 3);
  for (let i = 0; i < STEPS; i++) data.set(rampColor(o.ramp, 1 - i / (STEPS - 1)).map(Math.round), i * 3);
  const scale = scaleOver({ low: o.low, high: o.high }, { count: Math.max(2, Math.min(6, Math.floor(o.height / 36))) });
  // A low bar has room for the ends and the middle.
  const ends = [o.low, (o.low + o.high) / 2, o.high].map((at) => ({ at, label: short(at, 2) }));
  const ticks = scale.ticks.length >= 3 ? scale.ticks : ends;
  const y = (v: number): number => o.y + (1 - scale.at(v)) * o.height;
  const words = ticks.map((t) => label(o.x + 18, y(t.at) + 4, t.label, { size: 11, as: "q", most: 46 }));
  const strokes = ticks.map((t) => `M${n(o.x + 12)} ${n(y(t.at))}h3`).join("");
  return (
    pixelImage({ width: 1, height: STEPS, channels: 3, data }, { x: o.x, y: o.y, width: 12, height: o.height }) +
    tag("path", { class: "a", d: strokes === "" ? "M0 0" : strokes }) +
    words.join("")
  );
}
