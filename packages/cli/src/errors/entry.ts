/** @file What the catalogue says of an error code. */

/** One code. Texts are sentences. */
export interface Entry {
  readonly means: string;
  /** What to do. */
  readonly fix: string;
  /** The message as it appears, without `tacit: error[CODE]: `. */
  readonly example: string;
  /** The process's exit code: 1 the user's mistake (where none is given), 2 our bug, 3 refused by policy, 4 peer or network, 5 verification failed. */
  readonly exit?: 2 | 3 | 4 | 5;
  /** Said on the console while the program goes on. */
  readonly warning?: true;
}

export type Entries = Readonly<Record<string, Entry>>;
