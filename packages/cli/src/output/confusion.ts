/** @file A confusion matrix as text: rows are the truth, columns the prediction, shades show where the mistakes are. */

const SHADES = [" ", "░", "▒", "▓", "█"] as const;

/**
 * Draws a square matrix of counts.
 * @param counts counts[truth][predicted]
 */
export function drawConfusion(counts: readonly (readonly number[])[], labels?: readonly string[]): string {
  const names = labels ?? counts.map((_, i) => String(i));
  const width = Math.max(4, ...names.map((n) => n.length), ...counts.flat().map((c) => String(c).length + 1)) + 1;
  const head = `${"truth".padStart(width)} │${names.map((n) => n.padStart(width)).join("")}  recall`;
  const rows = counts.map((row, i) => {
    const total = row.reduce((a, b) => a + b, 0);
    const cells = row.map((c, j) => shade(c, total, i === j) + (c === 0 ? "·" : String(c)).padStart(width - 1));
    const recall = total === 0 ? "      –" : `${((100 * (row[i] ?? 0)) / total).toFixed(1).padStart(5)} %`;
    return `${(names[i] ?? "").padStart(width)} │${cells.join("")} ${recall}`;
  });
  return [head, `${"─".repeat(width + 1)}┼${"─".repeat(width * names.length)}`, ...rows].join("\n");
}

/** Mistakes are shaded by their share of the row, 1 % and up. */
function shade(count: number, total: number, right: boolean): string {
  if (right || count === 0 || total === 0) return " ";
  const share = count / total;
  return SHADES[share >= 0.1 ? 4 : share >= 0.03 ? 3 : share >= 0.01 ? 2 : 1];
}
