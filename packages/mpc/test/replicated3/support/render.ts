/** @file SUPPORT.md from what was measured. */
import type { Measured } from "./measure.ts";

export interface Line extends Measured {
  readonly name: string;
  /** What the error stays within, 0 for exact: stated, and asserted for every run. */
  readonly within: number;
  readonly note: string;
}

export interface Section {
  readonly title: string;
  readonly text: string;
  readonly lines: readonly Line[];
}

const power = (x: number): string => (x === 0 ? "0" : `2^${Math.log2(x)}`);

function row({ name, why, written, note, rounds, bytes, within }: Line): string {
  const remark = [written ? "written out" : "", note].filter((s) => s !== "").join(", ");
  if (why !== "") return `| ${name} | no: ${why} | | | |`;
  return `| ${name} | ${remark === "" ? "yes" : `yes, ${remark}`} | ${rounds} | ${bytes.toLocaleString("en")} | ${power(within)} |`;
}

const count = (lines: readonly Line[]): string => `${lines.filter((l) => l.why === "").length} of ${lines.length}`;

function section({ title, text, lines }: Section): string {
  const head = "| | runs | rounds | bytes | error |\n| --- | --- | --- | --- | --- |";
  return `## ${title}: ${count(lines)}\n\n${text}\n\n${head}\n${lines.map(row).join("\n")}`;
}

export function render(sections: readonly Section[]): string {
  const totals = sections.map((s) => `${s.title.toLowerCase()} ${count(s.lines)}`).join(", ");
  return `# What runs on shares

Made by \`npm run docs:support\`; \`test/replicated3/support/table.test.ts\` fails where it is out of date. Everything is checked, estimated, run by
three parties in one process and compared with the clear result; rounds and bytes (of the fullest party, with frame headers) are those of
\`estimate\`, and equal what the run counted. The shapes are those of the tests, a few elements: most of the bytes of a comparison are
padding to 128 elements there. *error*: no result differed from the clear one by more, over 1 + its magnitude. *written out*: the device
lacks the op, and the engine replaces it by the ops that it is made of.

Runs: ${totals}.

${sections.map(section).join("\n\n")}
`;
}
