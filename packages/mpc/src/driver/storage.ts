/** @file Storages of the mpc device: names of values that rest at the parties, and public values. Printing one shows no value. */
import type { Binding } from "@tacit/core/device";
import type { Aval, TypedArray } from "@tacit/core/program";
import { publicSource, rowsOf } from "../party/store.ts";
import { type BoundInput, type BoundRun, unionOfOwners } from "../session/consent.ts";
import type { Source } from "../session/grant.ts";

/** A value that rests at the parties. */
export class RemoteStorage {
  readonly handle: string;
  readonly aval: Aval;
  readonly bound: BoundInput;
  /** How it was made: what the policy judges a reveal by. */
  readonly made: { readonly run: BoundRun; readonly output: number };
  readonly binding: Binding;
  /** Set while the value is on its way to the parties. */
  pending: Promise<void> | null = null;
  /** An input that people can ask for again by its name: freed only when the session ends. */
  named = false;

  constructor(handle: string, aval: Aval, bound: BoundInput, made: RemoteStorage["made"], binding: Binding) {
    this.handle = handle;
    this.aval = aval;
    this.bound = bound;
    this.made = made;
    this.binding = binding;
  }
}

/** Whoever reads the value waits for `pending`, and meets its error. */
export function waitingFor(storage: RemoteStorage, pending: Promise<void>): RemoteStorage {
  storage.pending = pending;
  pending.then(
    () => {
      if (storage.pending === pending) storage.pending = null;
    },
    () => {},
  );
  return storage;
}

/** A value that everybody may know and the driver has; it travels with each run. */
export class PublicStorage {
  readonly aval: Aval;
  readonly bound: BoundInput;
  readonly binding: Binding = PUBLIC;
  readonly #values: TypedArray;

  constructor(values: TypedArray, aval: Aval) {
    this.#values = values;
    this.aval = aval;
    this.bound = { owners: [], source: publicSource(values), rows: rowsOf(aval) };
  }

  get values(): TypedArray {
    return this.#values;
  }
}

export const PUBLIC: Binding = { kind: "public" };
const secrets = new Map<string, Binding>();

/** One binding object per set of owners: the engine keeps codes by identity. */
export function secretBinding(owners: readonly string[]): Binding {
  const key = owners.join(" ");
  let binding = secrets.get(key);
  if (binding === undefined) secrets.set(key, (binding = { kind: "secret", owners }));
  return binding;
}

/** An input that its owner gives or gave. */
export function givenStorage(handle: string, aval: Aval, owners: readonly string[]): RemoteStorage {
  const bound: BoundInput = { owners, source: { kind: "handle", handle }, rows: rowsOf(aval) };
  return new RemoteStorage(handle, aval, bound, { run: { program: "", inputs: [bound] }, output: 0 }, secretBinding(owners));
}

/** A result of a run. */
export function resultStorage(handle: string, aval: Aval, run: BoundRun, output: number, isPublic: boolean): RemoteStorage {
  const owners = isPublic ? [] : unionOfOwners(run.inputs);
  const source: Source = isPublic
    ? { kind: "public", least: null, most: null, distinct: false }
    : { kind: "result", program: run.program };
  const bound: BoundInput = { owners, source, rows: rowsOf(aval) };
  return new RemoteStorage(handle, aval, bound, { run, output }, isPublic ? PUBLIC : secretBinding(owners));
}
