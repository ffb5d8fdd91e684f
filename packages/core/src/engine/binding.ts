/** @file Bindings as integers, for the engine's keys. */
import type { Binding, Device, Storage } from "../device/device.ts";

const DONATED: Binding = { kind: "resident", donate: true };

/**
 * How an input is bound. One that the run replaces may be overwritten where it lives; where a device keeps secrets, a public value
 * stays public even so, for what replaces it may be a secret.
 */
export function bindingOf(device: Device, storage: Storage, donating: boolean): Binding {
  const binding = device.binding(storage);
  if (!donating) return binding;
  return binding.kind === "resident" || (binding.kind === "public" && device.readable) ? DONATED : binding;
}

const owners = new Map<string, number>();
const codes = new WeakMap<Binding, number>();

/** 0 public, 1 resident, 2 donated, from 3 on: secret, one code per set of owners. */
export function bindingCode(binding: Binding): number {
  if (binding.kind === "public") return 0;
  if (binding.kind === "resident") return binding.donate ? 2 : 1;
  const known = codes.get(binding);
  if (known !== undefined) return known;
  const name = JSON.stringify(binding.owners.toSorted());
  let code = owners.get(name);
  if (code === undefined) owners.set(name, (code = owners.size + 3));
  codes.set(binding, code);
  return code;
}
