/** @file Colours that can be told apart, and read on. */
import { expect, test } from "vitest";
import { HUES, SCHEMES } from "../src/color/palette.ts";
import { hex, inkOn, luminance, type Rgb, rampColor, rgb } from "../src/color/ramp.ts";

/** WCAG 2.2, contrast ratio. */
const contrast = (a: Rgb, b: Rgb): number => {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
};
const steps = Array.from({ length: 101 }, (_, i) => i / 100);

test("the sequential ramp gets lighter at every step, the diverging one toward its middle from both ends", () => {
  for (const name of ["sequential", "gray"] as const) {
    const light = steps.map((t) => luminance(rampColor(name, t)));
    expect(light.every((l, i) => i === 0 || l > light[i - 1]!)).toBe(true);
  }
  const light = steps.map((t) => luminance(rampColor("diverging", t)));
  expect(light.every((l, i) => i === 0 || (i <= 50 ? l > light[i - 1]! : l < light[i - 1]!))).toBe(true);
  expect(hex(rampColor("diverging", 0.5))).toBe("#f5f5f5");
  expect([rampColor("gray", -1), rampColor("gray", 2)]).toEqual([
    [0, 0, 0],
    [255, 255, 255],
  ]);
});

test("numbers in cells have a contrast of at least 4.5 on every ground", () => {
  for (const name of ["sequential", "diverging", "gray"] as const)
    for (const t of steps) {
      const ground = rampColor(name, t);
      expect(contrast(ground, rgb(inkOn(ground)))).toBeGreaterThan(4.5);
    }
});

test("series have a contrast of at least 3 on the ground of their scheme, text of at least 4.5", () => {
  for (const scheme of ["light", "dark"] as const) {
    const ground = rgb(SCHEMES[scheme].ground);
    for (const hue of HUES) expect(contrast(rgb(hue[scheme]), ground)).toBeGreaterThanOrEqual(3);
    for (const text of ["text", "quiet"] as const)
      expect(contrast(rgb(SCHEMES[scheme][text]), ground)).toBeGreaterThanOrEqual(4.5);
  }
});
