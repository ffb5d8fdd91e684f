/** @file Range analysis: magnitudes through a Program from bounds on its inputs, and warnings where fixed point could overflow. */
import type { Binding } from "@tacit/core/device";
import type { Program } from "@tacit/core/program";
import type { ProtocolOptions, RangeWarning } from "../protocol.ts";

export function ranges(
  _program: Program,
  _bindings: readonly Binding[],
  _bounds: readonly (number | undefined)[],
  _options: ProtocolOptions,
): readonly RangeWarning[] {
  return [];
}
