/** @file Grids of pictures as SVG: each an embedded PNG, enlarged by a whole number where it is small. */
import type { ImagesSpec } from "../../spec.ts";
import { colorBar } from "../../svg/color-bar.ts";
import { type Drawing, label, type SvgOptions, tag } from "../../svg/document.ts";
import { textWidth } from "../../svg/measure.ts";
import { pixelImage } from "../../svg/png.ts";
import { tilePixels } from "./pixels.ts";

const GAP = 6;
/** Small pictures are enlarged to about this many pixels. */
const SIDE = 72;
/** A few in one row are looked at one by one: larger. */
const [FEW, LARGE] = [4, 140];
const LABEL = 11;

/** Pixels from one picture to the next: what the picture takes, or its label, as far as the row has room. */
function pitchOf(spec: ImagesSpec, width: number, room: number): number {
  const longest = Math.max(0, ...spec.tiles.map((t) => (t.label === "" ? 0 : textWidth(t.label, LABEL) + 4)));
  return Math.max(width + GAP, longest === 0 ? 0 : 34, Math.min(longest, Math.floor(room)));
}

export function imagesSvg(spec: ImagesSpec, options: SvgOptions): Drawing {
  const most = options.width ?? 640;
  if (spec.tiles.length === 0)
    return { width: 240, height: 40, body: label(120, 24, "no pictures", { anchor: "middle", as: "q" }) };
  const columns = Math.min(spec.columns, spec.tiles.length);
  const bar = spec.ramp === "gray" ? 0 : 70;
  const [wide, high] = [Math.max(...spec.tiles.map((t) => t.width), 1), Math.max(...spec.tiles.map((t) => t.height), 1)];
  const side = spec.tiles.length <= FEW && columns === spec.tiles.length ? LARGE : SIDE;
  const room = (most - 28 - bar) / columns;
  const fit = Math.min(side / Math.max(wide, high), room / wide - GAP / wide);
  // Alone, a picture may be large.
  const scale = spec.tiles.length === 1 ? Math.min((most - 28 - bar) / wide, 280 / high) : fit;
  const factor = scale >= 1 ? Math.floor(scale) : Math.max(scale, 8 / Math.max(wide, high));
  const [w, h] = [wide * factor, high * factor];
  const labelled = spec.tiles.some((t) => t.label !== "");
  const pitch = { x: pitchOf(spec, w, room), y: h + GAP + (labelled ? 16 : 0) };
  const tiles = spec.tiles.map((tile, i) => {
    const [x, y] = [14 + (i % columns) * pitch.x, 8 + Math.floor(i / columns) * pitch.y];
    const at = { x: x + (pitch.x - GAP - w) / 2, y, width: tile.width * factor, height: tile.height * factor };
    const text =
      tile.label === ""
        ? ""
        : label(x + (pitch.x - GAP) / 2, y + h + 13, tile.label, { size: LABEL, anchor: "middle", most: pitch.x - 2 });
    // The frame shows where a picture ends that has the colour of the ground.
    return pixelImage(tilePixels(tile, spec.ramp), at, tile.label) + tag("rect", { class: "l", fill: "none", ...at }) + text;
  });
  const height = Math.ceil(spec.tiles.length / columns) * pitch.y;
  const right = 14 + columns * pitch.x;
  const scaleBar =
    bar === 0
      ? ""
      : colorBar({
          ramp: spec.ramp,
          low: spec.low,
          high: spec.high,
          x: right + 8,
          y: 8,
          height: Math.max(60, Math.min(height - GAP, 180)),
        });
  return {
    width: Math.max(right + 8 + bar, 160),
    height: Math.max(height, bar === 0 ? 0 : 60 + GAP) + 14,
    body: tiles.join("") + scaleBar,
  };
}
