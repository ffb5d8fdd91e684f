/** @file Cells that do not hold yet, each with the defect: the matrix demands that they still fail, and prints them as defects. */
export const KNOWN: ReadonlyMap<string, string> = new Map<string, string>();
