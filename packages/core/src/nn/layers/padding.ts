/** @file Padding layers: constants, mirror images, edges and the other end, around signals and images. */
import { expected } from "../../errors.ts";
import { showShape } from "../../program/aval.ts";
import type { PadOptions } from "../../tensor/padding.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { Module } from "../module.ts";

/** One width for all sides, or [left, right] (and [top, bottom]); negative widths cut off, but in mode "reflect" and its like. */
export type PadWidths = number | readonly number[];

export class Pad extends Module {
  /** Of the last dimension first: [left, right, top, bottom]. */
  readonly padding: readonly number[];
  readonly how: PadOptions;
  private readonly where: string;

  constructor(where: string, dimensions: 1 | 2, padding: PadWidths, how: PadOptions) {
    super();
    const list = typeof padding === "number" ? new Array<number>(2 * dimensions).fill(padding) : [...padding];
    if (list.length !== 2 * dimensions || !list.every(Number.isInteger)) {
      expected("ARGUMENT_INVALID", where, `one width, or ${2 * dimensions}`, `[${list}]`);
    }
    this.where = where;
    this.padding = list;
    this.how = how;
  }

  /** [N, C, ...] or [C, ...] -> the same with longer last dimensions. @throws SHAPE_MISMATCH, ARGUMENT_INVALID for widths that do not fit */
  forward(x: Tensor): Tensor {
    const spatial = this.padding.length / 2;
    if (x.ndim !== spatial + 1 && x.ndim !== spatial + 2) {
      expected("SHAPE_MISMATCH", this.where, `${spatial + 1} or ${spatial + 2} dimensions`, showShape(x.shape));
    }
    return x.pad(this.padding, this.how);
  }

  override extraRepr(): string {
    const { mode = "constant", value = 0 } = this.how;
    return `[${this.padding}], ${mode === "constant" ? `value: ${value}` : `mode: ${mode}`}`;
  }
}

/** [N, C, H, W] or [C, H, W] with zeros around. @throws ARGUMENT_INVALID */
export const zeroPad2d = (padding: PadWidths): Pad => new Pad("zeroPad2d", 2, padding, {});
/** [N, C, L] or [C, L] with `value` at both ends. @throws ARGUMENT_INVALID */
export const constantPad1d = (padding: PadWidths, value: number): Pad => new Pad("constantPad1d", 1, padding, { value });
/** [N, C, H, W] or [C, H, W] with `value` around. @throws ARGUMENT_INVALID */
export const constantPad2d = (padding: PadWidths, value: number): Pad => new Pad("constantPad2d", 2, padding, { value });
/** The mirror image without the edge: widths below the size. */
export const reflectionPad1d = (padding: PadWidths): Pad => new Pad("reflectionPad1d", 1, padding, { mode: "reflect" });
/** As `reflectionPad1d`, along both dimensions. */
export const reflectionPad2d = (padding: PadWidths): Pad => new Pad("reflectionPad2d", 2, padding, { mode: "reflect" });
/** The edge, repeated. */
export const replicationPad1d = (padding: PadWidths): Pad => new Pad("replicationPad1d", 1, padding, { mode: "replicate" });
/** As `replicationPad1d`, along both dimensions. */
export const replicationPad2d = (padding: PadWidths): Pad => new Pad("replicationPad2d", 2, padding, { mode: "replicate" });
/** The other end: widths up to the size. */
export const circularPad1d = (padding: PadWidths): Pad => new Pad("circularPad1d", 1, padding, { mode: "circular" });
/** As `circularPad1d`, along both dimensions. */
export const circularPad2d = (padding: PadWidths): Pad => new Pad("circularPad2d", 2, padding, { mode: "circular" });
