/** @file Placement: on which device a lazy value is computed, and how the leaves that it reads get there. */
import type { Device, Storage } from "../device/device.ts";
import { expected } from "../errors.ts";
import type { Expr, Leaf } from "../expr.ts";
import { showAval } from "../program/aval.ts";
import { defaultDevice } from "./default-device.ts";
import { trace } from "./trace.ts";

/**
 * The device of a Program with these leaves: the one where values live that only a device holds; else where the host's values are
 * meant to go; else the default. @throws DEVICE_MISMATCH when values live on two devices
 */
export function pick(leaves: readonly Leaf[], exprs: readonly Expr[]): Device {
  let device: Device | null = null;
  let host: Device | null = null;
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i]!;
    if (leaf.host !== null) {
      if (!leaf.open) host ??= leaf.device;
    } else if (device === null) device = leaf.device;
    else if (device !== leaf.device) mismatch(device, leaf, exprs[i]!);
  }
  return device ?? host ?? defaultDevice();
}

function mismatch(device: Device, leaf: Leaf, e: Expr): never {
  return expected(
    "DEVICE_MISMATCH",
    "realize",
    `all values on one device (${device.name})`,
    `${showAval(e)} on ${leaf.device.name}`,
    device.readable
      ? `bring it there with await x.to(${device.name})`
      : "bring it there with await x.to(device): it becomes secret",
  );
}

/**
 * The leaf's storage on `device`. Values of the host are brought there in the clear, which a device that cannot be read refuses
 * unless they are open. @throws DEVICE_MISMATCH
 */
export function storageOn(leaf: Leaf, device: Device, e: Expr): Storage {
  if (leaf.device === device && leaf.storage !== null) return leaf.storage;
  if (leaf.host === null || !(leaf.open || device.readable)) mismatch(device, leaf, e);
  const storage = device.put(leaf.host, e);
  if (leaf.device === device) leaf.storage = storage;
  return storage;
}

/** Where the value lives, or will be computed. */
export function deviceOf(e: Expr): Device {
  if (e.leaf !== null) return e.leaf.device;
  const { leaves, leafExprs } = trace([e], false);
  return pick(leaves, leafExprs);
}
