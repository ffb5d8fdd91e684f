/** @file The reference device. */
export { interpret, type Precision, referenceDevice } from "./reference.ts";
