/** @file data: datasets, loaders, and the readers of the files they come from. */
export { concat, randomSplit } from "./combine.ts";
export type { CsvOptions, CsvRow, CsvTable } from "./csv.ts";
export { parseCsv, readRows } from "./csv.ts";
export type { Batch, Origin, Server } from "./dataset.ts";
export { Dataset } from "./dataset.ts";
export type { Digits, DigitsOptions } from "./digits.ts";
export { digits } from "./digits.ts";
export {
  type Collate,
  type Example,
  type ExampleContext,
  type ExampleOptions,
  type ExampleSource,
  examples,
  mapExamples,
  type PadOptions,
  padCollate,
  stackCollate,
} from "./examples.ts";
export { gunzip } from "./gunzip.ts";
export type { HostArray } from "./host.ts";
export { hostArray } from "./host.ts";
export type { IdxLimits } from "./idx.ts";
export { encodeIdx, parseIdx, readIdx } from "./idx.ts";
export type { LoaderOptions, LoaderState } from "./loader.ts";
export { DataLoader } from "./loader.ts";
export type { DigitsDataset, Mnist } from "./mnist.ts";
export { drawnDigits, mnist } from "./mnist.ts";
export type { MnistCatalogue, MnistOptions, MnistSource } from "./mnist-files.ts";
export { MNIST } from "./mnist-files.ts";
export {
  type BatchSampler,
  batchSampler,
  poissonSampler,
  randomSampler,
  type Sampler,
  type Sized,
  sequentialSampler,
  subsetRandomSampler,
  weightedRandomSampler,
} from "./sampler.ts";
export { type ColumnType, csv, type Standardizer, standardizer, type Table, type TableOptions } from "./table.ts";
export type { Column, Quantized, TensorsOf } from "./tensors.ts";
export { batches, tensorDataset } from "./tensors.ts";
export { fromModule } from "./workers.ts";
