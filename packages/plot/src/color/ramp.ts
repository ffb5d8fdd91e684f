/** @file Colour ramps for values: lightness rises (or falls from the middle) evenly, so that they read in gray and by the colour-blind. */
import type { RampName } from "../spec.ts";

/** Red, green, blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

export const rgb = (hex: string): Rgb => [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16)) as unknown as Rgb;
export const hex = (c: Rgb): string => `#${c.map((v) => Math.round(v).toString(16).padStart(2, "0")).join("")}`;

/** Ten samples of viridis (Smith and van der Walt 2015, CC0), whose lightness is linear in the value. */
const VIRIDIS = ["#440154", "#482878", "#3e4a89", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];
/** Blue to orange: the pair that every kind of colour-blindness tells apart. The middle is near white, for zero. */
const DIVERGING = ["#0b3c77", "#2f6fb3", "#84b1da", "#f5f5f5", "#eda368", "#c0591a", "#7a2f04"];

const STOPS: Readonly<Record<RampName, readonly Rgb[]>> = {
  sequential: VIRIDIS.map(rgb),
  diverging: DIVERGING.map(rgb),
  gray: [rgb("#000000"), rgb("#ffffff")],
};

/** The colour at `t` in 0..1; beyond, that of the end. */
export function rampColor(name: RampName, t: number): Rgb {
  const stops = STOPS[name];
  const at = Math.min(1, Math.max(0, t)) * (stops.length - 1);
  const i = Math.min(Math.floor(at), stops.length - 2);
  return mix(stops[i]!, stops[i + 1]!, at - i);
}

/** From `a` to `b`. */
export const mix = (a: Rgb, b: Rgb, t: number): Rgb => [0, 1, 2].map((i) => a[i]! + (b[i]! - a[i]!) * t) as unknown as Rgb;

/** Relative luminance (WCAG 2.2), 0 to 1. */
export function luminance(c: Rgb): number {
  const [r, g, b] = c.map((v) => (v <= 10.3 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Black or white, whichever is read better on `ground`: 0.179 is where both have the same contrast. */
export const inkOn = (ground: Rgb): "#000000" | "#ffffff" => (luminance(ground) > 0.179 ? "#000000" : "#ffffff");
