/** @file The device on which new tensors are made: cpu unless `setDefaultDevice` says otherwise. */
import { cpu } from "../device/cpu/index.ts";
import type { Device } from "../device/device.ts";

let current: Device | null = null;

/** Where tensors are made when no device is named. The cpu device is made on first use. */
export function defaultDevice(): Device {
  current ??= cpu();
  return current;
}

/** Makes `device` the default from now on; null: the cpu device, made anew. Returns the former one, to put back. */
export function setDefaultDevice(device: Device | null): Device | null {
  const former = current;
  current = device;
  return former;
}
