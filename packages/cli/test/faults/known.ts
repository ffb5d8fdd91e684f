/** @file Cells that do not hold yet, each with the defect: the matrix demands that they still fail, and prints them as defects. */
const SLOW =
  "links of 40 bytes a second still carry signs of life: what was agreed upon is done, the parties serve on, the driver alone gives up";

export const KNOWN: ReadonlyMap<string, string> = new Map<string, string>([
  ["slow x reveal x party", SLOW],
  ["slow x checkpoint x party", SLOW],
]);
