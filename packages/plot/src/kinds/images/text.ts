/** @file Grids of pictures of letters: half blocks, as many beside one another as the terminal is wide. */

import { type Rgb, rampColor } from "../../color/ramp.ts";
import { short } from "../../scale/format.ts";
import type { ImagesSpec, TileSpec } from "../../spec.ts";
import type { Look } from "../../terminal/look.ts";
import { bold, paint } from "../../terminal/paint.ts";
import { halfBlocks } from "../../terminal/pixels.ts";
import { centred, wordsFor } from "../../terminal/words.ts";
import { tileColor } from "./pixels.ts";

/** Lines of pictures in a terminal; more would scroll away. */
const MOST_LINES = 60;

/** A picture wider than the terminal is drawn by every second (third, …) pixel's mean. */
function sampled(tile: TileSpec, spec: ImagesSpec, every: number): (x: number, y: number) => Rgb | null {
  return (x, y) => {
    const sum: [number, number, number] = [0, 0, 0];
    let count = 0;
    for (let dy = 0; dy < every && y * every + dy < tile.height; dy++) {
      for (let dx = 0; dx < every && x * every + dx < tile.width; dx++, count++) {
        const c = tileColor(tile, spec.ramp, x * every + dx, y * every + dy);
        for (let k = 0; k < 3; k++) sum[k]! += c[k]!;
      }
    }
    return count === 0 ? null : [sum[0] / count, sum[1] / count, sum[2] / count];
  };
}

/** Without colour a diverging ramp is dark at both ends: what is far from zero is drawn dark on the empty ground. */
function shadesOf(tile: TileSpec, spec: ImagesSpec, look: Look): TileSpec {
  if (look.color !== "none" || spec.ramp !== "diverging") return tile;
  return { ...tile, levels: tile.levels.map((l) => Math.min(255, Math.round(Math.abs(l - 127.5) * 2))) };
}

function drawTile(tile: TileSpec, spec: ImagesSpec, look: Look, every: number): string[] {
  const flat = look.color === "none" && spec.ramp === "diverging";
  const at = sampled(shadesOf(tile, spec, look), flat ? { ...spec, ramp: "gray" } : spec, every);
  return halfBlocks(look, Math.ceil(tile.width / every), Math.ceil(tile.height / every), at);
}

function key(spec: ImagesSpec, look: Look): string[] {
  if (spec.ramp === "gray") return [];
  if (look.color === "none") return [`the darker, the farther from 0 (${short(spec.high)})`];
  const steps = Array.from({ length: 12 }, (_, i) => paint(look, " ", null, rampColor(spec.ramp, i / 11)));
  return [`${short(spec.low)} ${steps.join("")} ${short(spec.high)}`];
}

export function imagesText(spec: ImagesSpec, look: Look): string[] {
  const title = spec.title === "" ? [] : [bold(look, wordsFor(look, spec.title, look.width))];
  if (spec.tiles.length === 0) return [...title, "no pictures"];
  const wide = Math.max(1, ...spec.tiles.map((t) => t.width));
  const every = Math.max(1, Math.ceil(wide / look.width));
  const pitch = Math.max(Math.ceil(wide / every), 4) + 1;
  const perRow = Math.max(1, Math.min(spec.columns, Math.floor((look.width + 1) / pitch)));
  const lines: string[] = [];
  let shown = 0;
  for (; shown < spec.tiles.length && (shown === 0 || lines.length < MOST_LINES); shown += perRow) {
    const row = spec.tiles.slice(shown, shown + perRow);
    const drawn = row.map((tile) => drawTile(tile, spec, look, every));
    const columns = (tile: TileSpec): number => Math.ceil(tile.width / every);
    const pad = (text: string, i: number): string =>
      // A painted row is as wide as its picture; an unpainted one has lost its blanks.
      look.color === "none" ? text.padEnd(pitch) : text + " ".repeat(pitch - columns(row[i]!));
    const height = Math.max(...drawn.map((d) => d.length));
    for (let l = 0; l < height; l++)
      lines.push(
        drawn
          .map((d, i) => (d[l] === undefined ? " ".repeat(pitch) : pad(d[l]!, i)))
          .join("")
          .trimEnd(),
      );
    if (row.some((t) => t.label !== ""))
      lines.push(
        row
          .map((t) => `${centred(wordsFor(look, t.label, pitch - 1), pitch - 1)} `)
          .join("")
          .trimEnd(),
      );
  }
  const more = shown < spec.tiles.length ? [`${shown} of ${spec.tiles.length} drawn here`] : [];
  return [...title, ...lines, ...key(spec, look), ...more];
}
