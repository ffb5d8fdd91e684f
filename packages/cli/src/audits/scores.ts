/** @file Scores that any training exported: JSON, or CSV whose first column says which group a value is of. Bounded, every fault named. */
import { parseCsv } from "@tacit/core/data";
import { expected } from "@tacit/core/errors";
import { readBounded } from "../files.ts";

/** Ten million losses as text. */
const MOST_BYTES = 2 ** 28;

/** First words of rows of membership; 1 and 0 are those of coins, too. */
export const MEMBERS: readonly string[] = ["member", "1"];
export const NON_MEMBERS: readonly string[] = ["non-member", "nonmember", "0"];

/** A file as an audit sees it. */
export interface ScoreFile {
  /**
   * The numbers of each group, by its key; for CSV those of the rows that begin with one of its words. Empty where there are none. Keys and
   * words beside these, and `more`, are refused: a misspelt one would be left out without a word.
   */
  groups<K extends string>(groups: Readonly<Record<K, readonly string[]>>, ...more: string[]): Readonly<Record<K, Float64Array>>;
  /** CSV: 0 or 1 by row, and its value. */
  coins(): { readonly coins: Float64Array; readonly scores: Float64Array };
  /** JSON: the parsed object; null for CSV. */
  readonly json: Readonly<Record<string, unknown>> | null;
}

function fault(where: string, want: string, got: string): never {
  return expected("PRIVACY_AUDIT_DATA", where, want, got, "tacit audit <kind> --help shows the format");
}

/** An array of numbers in JSON; null and strings are named by position. */
export function numbers(where: string, value: unknown): Float64Array {
  if (!Array.isArray(value)) fault(where, "an array of numbers", value === undefined ? "none" : "something else");
  const odd = value.findIndex((v) => typeof v !== "number");
  if (odd >= 0) fault(where, "an array of numbers", `something else at position ${odd}`);
  return Float64Array.from(value as number[]);
}

/** @throws PRIVACY_AUDIT_DATA for a key that is none of these */
export function onlyKeys(where: string, json: object, ...keys: string[]): void {
  const odd = Object.keys(json).findIndex((key) => !keys.includes(key));
  if (odd >= 0) fault(where, `no keys but ${keys.join(", ")}`, `another at position ${odd}`);
}

/** The same keys, each with what `of` makes of it. */
const each = <K extends string>(
  groups: Readonly<Record<K, readonly string[]>>,
  of: (key: K, words: readonly string[]) => Float64Array,
): Readonly<Record<K, Float64Array>> =>
  Object.fromEntries((Object.keys(groups) as K[]).map((key) => [key, of(key, groups[key])])) as Record<K, Float64Array>;

function fromJson(path: string, bytes: Uint8Array): ScoreFile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return fault(JSON.stringify(path), "JSON", "text that is none");
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    fault(JSON.stringify(path), "a JSON object", "another value");
  const json = parsed as Readonly<Record<string, unknown>>;
  return {
    json,
    groups(groups, ...more) {
      onlyKeys(JSON.stringify(path), json, ...Object.keys(groups), ...more);
      return each(groups, (key) => (Object.hasOwn(json, key) ? numbers(key, json[key]) : new Float64Array(0)));
    },
    coins() {
      onlyKeys(JSON.stringify(path), json, "included", "scores");
      return { coins: numbers("included", json.included), scores: numbers("scores", json.scores) };
    },
  };
}

/** Words that a row of any audit's file begins with. */
const WORDS: readonly string[] = ["canary", "candidate", ...MEMBERS, ...NON_MEMBERS];
/** Of a first line: more than any such word takes. */
const MOST_WORD = 64;

/** A first line that begins with such a word is data, whatever stands beside it: as a header, a diverged canary ("canary,NaN") would vanish. */
function beginsWithData(bytes: Uint8Array): boolean {
  const [first] = new TextDecoder().decode(bytes.subarray(0, MOST_WORD)).split(/[,\r\n]/);
  return WORDS.includes(first!.replaceAll('"', "").trim().toLowerCase());
}

function fromCsv(path: string, bytes: Uint8Array): ScoreFile {
  const { features, labels, classes } = parseCsv(bytes, { label: 0, ...(beginsWithData(bytes) && { header: false }) });
  if (features.shape[1] !== 1 || labels === null)
    fault(JSON.stringify(path), "two columns, a group and a value", `${1 + (features.shape[1] ?? 0)}`);
  const values = Float64Array.from(features.values as Float32Array);
  const ids = labels.values as Int32Array;
  return {
    json: null,
    groups(groups) {
      const known = Object.values<readonly string[]>(groups).flat();
      if (classes.some((c) => !known.includes(c.toLowerCase())))
        fault(JSON.stringify(path), `groups named ${known.join(", ")}`, "another name");
      return each(groups, (_key, words) => {
        const wanted = new Set(classes.flatMap((c, i) => (words.includes(c.toLowerCase()) ? [i] : [])));
        return values.filter((_, i) => wanted.has(ids[i]!));
      });
    },
    coins: () => ({ coins: Float64Array.from(ids, (id) => Number(classes[id])), scores: values }),
  };
}

/** What stands in a file of this name. @throws CSV_INVALID, SIZE_LIMIT, PRIVACY_AUDIT_DATA */
export const parseScores = (path: string, bytes: Uint8Array): ScoreFile =>
  /\.csv$/i.test(path) ? fromCsv(path, bytes) : fromJson(path, bytes);

/** @throws FILE_READ, SIZE_LIMIT, CSV_INVALID, PRIVACY_AUDIT_DATA */
export const readScores = async (path: string): Promise<ScoreFile> =>
  parseScores(path, await readBounded("audit", path, MOST_BYTES));
