/** @file CSV (RFC 4180) with numbers in it: bounded, every fault named by line and column. */
import { expected, TacitError } from "../errors.ts";
import type { HostArray } from "./host.ts";

export interface CsvOptions {
  /** Whether the first line names the columns. Unless said: yes when none of its fields is a number. */
  readonly header?: boolean;
  readonly delimiter?: string;
  /** The column that holds labels, by name or position (negative counts from the end). Its values may be words. */
  readonly label?: string | number;
  /** Bounds; 256 MiB of text, 10^7 rows and 65,536 columns unless said. */
  readonly limits?: { readonly bytes?: number; readonly rows?: number; readonly columns?: number };
}

export interface CsvTable {
  /** Names of the feature columns; "0", "1", … without a header. */
  readonly names: readonly string[];
  /** f32 [rows, columns without the label]. */
  readonly features: HostArray;
  /** i32 [rows] class indices into `classes`, or null without `label`. */
  readonly labels: HostArray | null;
  /** The label values in the order of their class index: by number if all are numbers, else by code unit. */
  readonly classes: readonly string[];
}

/** Every digit has one place in it: with two, a million digits and a letter would take a million times a million steps. */
export const NUMBER: RegExp = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

interface Cursor {
  /** Its name in messages. */
  readonly file: string;
  readonly text: string;
  at: number;
  line: number;
}

function quoted(c: Cursor): string {
  const from = c.line;
  let out = "";
  for (c.at++; ; ) {
    const end = c.text.indexOf('"', c.at);
    if (end < 0) expected("CSV_INVALID", `${c.file} line ${from}`, "a closing quote", "the end of the file");
    const part = c.text.slice(c.at, end);
    c.line += part.split("\n").length - 1;
    out += part;
    c.at = end + 1;
    if (c.text[c.at] !== '"') return out;
    out += '"';
    c.at++;
  }
}

/** One record; null at the end of the text. Stops with SIZE_LIMIT once it has more than `most` fields. */
function record(c: Cursor, delimiter: string, most: number): string[] | null {
  if (c.at >= c.text.length) return null;
  const fields: string[] = [];
  for (;;) {
    if (fields.length >= most) expected("SIZE_LIMIT", `${c.file} line ${c.line}`, `at most ${most} columns`, "more");
    if (c.text[c.at] === '"') {
      fields.push(quoted(c));
    } else {
      const start = c.at;
      while (c.at < c.text.length && c.text[c.at] !== delimiter && c.text[c.at] !== "\n" && c.text[c.at] !== "\r") c.at++;
      fields.push(c.text.slice(start, c.at).trim());
    }
    const next = c.text[c.at];
    if (next === delimiter) {
      c.at++;
      continue;
    }
    if (next !== undefined && next !== "\n" && next !== "\r") {
      expected(
        "CSV_INVALID",
        `${c.file} line ${c.line}`,
        "a delimiter or the end of the line after a quote",
        JSON.stringify(next),
      );
    }
    if (next === "\r") c.at++;
    if (c.text[c.at] === "\n") c.at++;
    c.line++;
    return fields;
  }
}

/** The position of a column; -1 for none. @throws CSV_INVALID */
export function columnAt(label: string | number | undefined, names: readonly string[]): number {
  if (label === undefined) return -1;
  const at = typeof label === "string" ? names.indexOf(label) : label < 0 ? names.length + label : label;
  if (!Number.isInteger(at) || at < 0 || at >= names.length) {
    expected("CSV_INVALID", "csv", `label to be one of ${names.length} columns`, JSON.stringify(label));
  }
  return at;
}

/** Words as indices into their classes. */
export function classIndices(words: readonly string[]): { labels: HostArray; classes: string[] } {
  const numeric = words.every((w) => NUMBER.test(w));
  const classes = [...new Set(words)].sort(numeric ? (a, b) => Number(a) - Number(b) : (a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const index = new Map(classes.map((c, i) => [c, i]));
  return { classes, labels: { values: Int32Array.from(words, (w) => index.get(w)!), shape: [words.length], dtype: "i32" } };
}

/** A row of a file and where it begins, for messages: "csv line 3". */
export interface CsvRow {
  readonly fields: readonly string[];
  readonly where: string;
}

/** Names and rows of a file, every row as wide as the first; empty lines are left out. @throws CSV_INVALID, SIZE_LIMIT */
export function readRows(
  input: string | Uint8Array,
  options: Pick<CsvOptions, "header" | "delimiter" | "limits">,
  file = "csv",
): { readonly names: readonly string[]; readonly rows: Iterable<CsvRow> } {
  const limits = { bytes: 2 ** 28, rows: 1e7, columns: 65_536, ...options.limits };
  if (input.length > limits.bytes) expected("SIZE_LIMIT", file, `at most ${limits.bytes} bytes`, `${input.length}`);
  const delimiter = options.delimiter ?? ",";
  if (delimiter.length !== 1 || /["\r\n]/.test(delimiter))
    throw new TacitError("CSV_INVALID", "csv: expected a delimiter of one character");
  const text = (typeof input === "string" ? input : new TextDecoder("utf-8").decode(input)).replace(/^\uFEFF/, "");
  const cursor: Cursor = { file, text, at: 0, line: 1 };
  const first = record(cursor, delimiter, limits.columns);
  if (first === null) expected("CSV_INVALID", file, "at least one row", "an empty file");
  const hasHeader = options.header ?? !first.some((f) => NUMBER.test(f));
  const names = hasHeader ? first : first.map((_, i) => String(i));
  function* rows(): Generator<CsvRow> {
    let count = 0;
    let line = hasHeader ? cursor.line : 1;
    for (let fields = hasHeader ? record(cursor, delimiter, limits.columns) : first; fields !== null; ) {
      if (!(fields.length === 1 && fields[0] === "")) {
        if (++count > limits.rows) expected("SIZE_LIMIT", file, `at most ${limits.rows} rows`, "more");
        if (fields.length !== names.length)
          expected("CSV_INVALID", `${file} line ${line}`, `${names.length} fields`, `${fields.length}`);
        yield { fields, where: `${file} line ${line}` };
      }
      line = cursor.line;
      fields = record(cursor, delimiter, limits.columns);
    }
  }
  return { names, rows: rows() };
}

/**
 * Reads a table of numbers.
 * @throws CSV_INVALID with line and column when a row has another width or a field is no finite number, SIZE_LIMIT beyond the bounds.
 */
export function parseCsv(input: string | Uint8Array, options: CsvOptions = {}): CsvTable {
  const { names, rows } = readRows(input, options);
  const label = columnAt(options.label, names);
  const words: string[] = [];
  const values: number[] = [];
  let count = 0;
  for (const { fields, where } of rows) {
    count++;
    fields.forEach((field, column) => {
      if (column === label) words.push(field);
      else values.push(toNumber(field, where, column));
    });
  }
  const width = names.length - (label < 0 ? 0 : 1);
  const features: HostArray = { values: Float32Array.from(values), shape: [count, width], dtype: "f32" };
  const kept = names.filter((_, i) => i !== label);
  return label < 0 ? { names: kept, features, labels: null, classes: [] } : { names: kept, features, ...classIndices(words) };
}

/** The number in a field of a row that begins at `where`. @throws CSV_INVALID with line and column */
export function toNumber(field: string, where: string, column: number): number {
  const v = NUMBER.test(field) ? Number(field) : Number.NaN;
  if (!Number.isFinite(v))
    expected("CSV_INVALID", `${where} column ${column + 1}`, "a finite number", field === "" ? "nothing" : "text");
  return v;
}
