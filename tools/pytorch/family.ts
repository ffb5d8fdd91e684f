/** @file What a family of docs/pytorch.md is made of, and how its lines are read. */

/** PyTorch's name, Tacit's names for it (null: those that are spelt alike), what differs. */
export interface Row {
  readonly torch: string;
  readonly tacit: readonly string[] | null;
  readonly note: string;
}

/** Names that are missing on purpose, or for which there is another way. */
export interface Absent {
  readonly names: readonly string[];
  readonly why: string;
}

export interface Family {
  readonly title: string;
  readonly intro?: string;
  /** Where names that are spelt alike are looked for: "Tensor", "nn", "nn.functional"; "" for `@tacit/core` itself. */
  readonly room: string;
  /** Lists of names.json that this family answers for, as far as a pattern says. */
  readonly from?: readonly (readonly [list: string, names?: RegExp])[];
  readonly rows: readonly Row[];
  /** What only Tacit has. */
  readonly beyond?: readonly Row[];
  readonly absent?: readonly Absent[];
}

const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

/** One row each: `name`, `name | note`, `name = tacit.name, tacit.other | note`. */
export const rows = (text: string): Row[] =>
  lines(text).map((line) => {
    const at = line.indexOf(" | ");
    const [names, note] = at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 3)];
    const [torch, tacit] = names.split(" = ");
    return { torch: torch!.trim(), tacit: tacit === undefined ? null : tacit.split(",").map((n) => n.trim()), note };
  });

/** What only Tacit has, one each: `tacit.name, tacit.other | what it is`. */
export const beyond = (text: string): Row[] =>
  lines(text).map((line) => {
    const [names, note] = line.split(" | ");
    return { torch: "", tacit: names!.split(",").map((n) => n.trim()), note: note ?? "" };
  });

/** One reason each: `name other_name: why`. */
export const absent = (text: string): Absent[] =>
  lines(text).map((line) => {
    const at = line.indexOf(": ");
    return { names: line.slice(0, at).split(" "), why: line.slice(at + 2) };
  });
