/** @file Numbers as people read them on an axis. */

/** A value with at most `digits` significant digits, without trailing zeros: `0.05`, `12.5`, `1e-7`, `2.5e+9` as `2.5e9`. */
export function short(v: number, digits = 3): string {
  if (!Number.isFinite(v)) return Number.isNaN(v) ? "–" : v > 0 ? "∞" : "-∞";
  if (v === 0) return "0";
  const size = Math.abs(v);
  const text = size >= 1e6 || size < 1e-4 ? v.toExponential(digits - 1) : v.toPrecision(digits);
  const [mantissa, exponent] = (size < 1e6 && text.includes("e+") ? String(Number(text)) : text).split("e");
  const trimmed = mantissa!.includes(".") ? mantissa!.replace(/\.?0+$/, "") : mantissa!;
  return exponent === undefined ? trimmed : `${trimmed}e${Number(exponent)}`;
}

/** Ticks that are `step` apart, all with the decimals that the step needs. */
export function tickLabels(ticks: readonly number[], step: number): string[] {
  const largest = Math.max(...ticks.map(Math.abs), 0);
  if (largest >= 1e6 || (largest > 0 && largest < 1e-3)) {
    // Digits that tell neighbours apart: 1.00e9 and 1.05e9.
    const digits = Math.max(1, 1 + Math.ceil(Math.log10(largest / step) - 1e-9));
    return ticks.map((t) => short(Math.abs(t) < step / 1e3 ? 0 : t, Math.min(digits, 12)));
  }
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return ticks.map((t) => (Math.abs(t) < step / 1e3 ? 0 : t).toFixed(Math.min(decimals, 12)));
}

/** A share as a percentage: `97.3 %`. */
export const percent = (share: number, decimals = 1): string =>
  Number.isFinite(share) ? `${(100 * share).toFixed(decimals)} %` : "–";
