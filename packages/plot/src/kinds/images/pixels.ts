/** @file The pixels of a tile, by the ramp of its plot. */
import { type Rgb, rampColor } from "../../color/ramp.ts";
import type { ImagesSpec, TileSpec } from "../../spec.ts";
import type { Pixels } from "../../svg/png.ts";

/** The 256 colours of the ramp. */
const tables = new Map<string, readonly Rgb[]>();
function table(ramp: ImagesSpec["ramp"]): readonly Rgb[] {
  const known =
    tables.get(ramp) ?? Array.from({ length: 256 }, (_, i) => rampColor(ramp, i / 255).map(Math.round) as unknown as Rgb);
  tables.set(ramp, known);
  return known;
}

/** Gray where one channel is enough, else RGB. */
export function tilePixels(tile: TileSpec, ramp: ImagesSpec["ramp"]): Pixels {
  const { width, height, levels } = tile;
  if (tile.channels === 3 || ramp === "gray") return { width, height, channels: tile.channels, data: Uint8Array.from(levels) };
  const data = new Uint8Array(levels.length * 3);
  levels.forEach((l, i) => {
    data.set(table(ramp)[l]!, i * 3);
  });
  return { width, height, channels: 3, data };
}

/** The colour of one pixel. */
export function tileColor(tile: TileSpec, ramp: ImagesSpec["ramp"], x: number, y: number): Rgb {
  const at = (y * tile.width + x) * tile.channels;
  const l = tile.levels;
  return tile.channels === 3 ? [l[at]!, l[at + 1]!, l[at + 2]!] : table(ramp)[l[at]!]!;
}
