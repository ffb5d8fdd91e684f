/** @file io: safetensors in and out, and checkpoints. Files only where there is a file system; bytes everywhere. */
export { type CheckpointParts, type CheckpointState, checkpoint } from "./checkpoint.ts";
export { pytorchName } from "./names.ts";
export {
  decodeSafetensors,
  type EncodeOptions,
  encodeSafetensors,
  type SafetensorsFile,
  type SafetensorsLimits,
} from "./safetensors.ts";
export {
  decodeTensors,
  encodeTensors,
  loadSafetensors,
  type Saved,
  type SaveOptions,
  saveSafetensors,
  type Tensors,
} from "./tensors.ts";
export { saveTrace } from "./trace.ts";
