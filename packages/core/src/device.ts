/** @file @tacit/core/device: what a device implements, and the devices of this room. */
export { type CpuDevice, type CpuOptions, cpu } from "./device/cpu/index.ts";
export type { Binding, Device, Disclosure, Executable, Gap, Job, Storage, Update } from "./device/device.ts";
export { type Precision, referenceDevice } from "./device/reference/index.ts";
export { defaultDevice, setDefaultDevice } from "./engine/default-device.ts";
