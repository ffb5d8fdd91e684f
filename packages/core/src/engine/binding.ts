/** @file Bindings as integers, for the engine's keys. */
import type { Binding } from "../device/device.ts";

/** The binding of an input that the run replaces. */
export const DONATED: Binding = { kind: "resident", donate: true };

const owners = new Map<string, number>();
const codes = new WeakMap<Binding, number>();

/** 0 public, 1 resident, 2 donated, from 3 on: secret, one code per set of owners. */
export function bindingCode(binding: Binding, donated: boolean): number {
  if (binding.kind !== "secret") return donated ? 2 : binding.kind === "public" ? 0 : 1;
  const known = codes.get(binding);
  if (known !== undefined) return known;
  const name = JSON.stringify(binding.owners.toSorted());
  let code = owners.get(name);
  if (code === undefined) owners.set(name, (code = owners.size + 3));
  codes.set(binding, code);
  return code;
}
