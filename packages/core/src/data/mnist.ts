/** @file MNIST, from the first place that has it, else digits that the project draws itself. The result names its data set. */
import { expected, TacitError } from "../errors.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Dataset } from "./dataset.ts";
import { digits } from "./digits.ts";
import type { HostArray } from "./host.ts";
import { readIdx } from "./idx.ts";
import { tensorDataset } from "./tensors.ts";

/** Pictures f32 [n, 1, 28, 28] in [0, 1] and labels i32 [n]. */
export type DigitsDataset = Dataset<readonly [Tensor, Tensor]>;

export interface Mnist {
  readonly train: DigitsDataset;
  readonly test: DigitsDataset;
  /** "MNIST" or "digits drawn by Tacit". */
  readonly name: string;
  /** Where it came from: a directory, an address, or the seed. */
  readonly origin: string;
}

/**
 * `auto`: `TACIT_DATA`, else the cache, else drawn digits (nothing is downloaded). `files`: `TACIT_DATA` or the cache, or an error.
 * `download`: the cache, filled over the network if need be. `drawn`: always drawn digits.
 */
export type MnistSource = "auto" | "files" | "download" | "drawn";

export interface MnistOptions {
  readonly source?: MnistSource;
  /** Instead of `TACIT_DATA`. */
  readonly directory?: string;
  /** Instead of the user's cache. */
  readonly cache?: string;
  /** Instead of the public mirrors; each is the address of a folder. */
  readonly mirrors?: readonly string[];
  /** Another data set in MNIST's form (Fashion-MNIST, say): names, shapes and checksums of its files, and its name. */
  readonly catalogue?: MnistCatalogue;
  /** Sizes and seed of drawn digits: 60,000 and 10,000, seed 0 unless said. */
  readonly drawn?: { readonly train?: number; readonly test?: number; readonly seed?: number };
}

/** One of the four files: name without `.gz`, shape, and the SHA-256 of its contents (inflated: mirrors compress differently). */
export interface MnistFile {
  readonly file: string;
  readonly shape: readonly number[];
  readonly sha256: string;
}

/** A data set of four IDX files: u8 pictures [n, height, width] and u8 labels [n]. */
export interface MnistCatalogue {
  readonly name: string;
  /** The folder under `TACIT_DATA` and under the cache. */
  readonly folder: string;
  readonly files: Readonly<Record<"trainImages" | "trainLabels" | "testImages" | "testLabels", MnistFile>>;
}

/** MNIST itself (LeCun, Cortes, Burges). */
export const MNIST: MnistCatalogue = {
  name: "MNIST",
  folder: "mnist",
  files: {
    trainImages: {
      file: "train-images-idx3-ubyte",
      shape: [60_000, 28, 28],
      sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    },
    trainLabels: {
      file: "train-labels-idx1-ubyte",
      shape: [60_000],
      sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    },
    testImages: {
      file: "t10k-images-idx3-ubyte",
      shape: [10_000, 28, 28],
      sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    },
    testLabels: {
      file: "t10k-labels-idx1-ubyte",
      shape: [10_000],
      sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
  },
};

/** The four files' bytes, inflated and checked, and where they were found. */
export interface MnistFiles {
  readonly origin: string;
  readonly bytes: Readonly<Record<keyof MnistCatalogue["files"], Uint8Array>>;
}

function dataset(name: string, images: HostArray, labels: HostArray): DigitsDataset {
  const pictures: HostArray = { ...images, shape: [images.shape[0]!, 1, ...images.shape.slice(-2)] };
  return tensorDataset([{ bytes: pictures, scale: 1 / 255 }, labels], { name });
}

const asLabels = (a: HostArray): HostArray => ({ values: Int32Array.from(a.values as Uint8Array), shape: a.shape, dtype: "i32" });

async function fromFiles(files: MnistFiles, name: string): Promise<Mnist> {
  const { bytes, origin } = files;
  const make = async (split: string, images: Uint8Array, labels: Uint8Array): Promise<DigitsDataset> => {
    const pictures = await readIdx(images);
    return dataset(`${name}, ${pictures.shape[0]} ${split} images`, pictures, asLabels(await readIdx(labels)));
  };
  const train = await make("training", bytes.trainImages, bytes.trainLabels);
  const test = await make("test", bytes.testImages, bytes.testLabels);
  return { train, test, name, origin };
}

/** Digits drawn by the project, in the form of MNIST. */
export function drawnDigits(options: { readonly train?: number; readonly test?: number; readonly seed?: number } = {}): Mnist {
  const { train = 60_000, test = 10_000, seed = 0 } = options;
  const make = (split: string, count: number): DigitsDataset => {
    const d = digits({ count, seed, split });
    return dataset(`digits drawn by Tacit, ${count} ${split} images`, d.images, d.labels);
  };
  return { train: make("train", train), test: make("test", test), name: "digits drawn by Tacit", origin: `seed ${seed}` };
}

const isNode = (): boolean => typeof process !== "undefined" && typeof process.versions?.node === "string";

/**
 * Handwritten digits, training and test.
 * @throws DATA_NOT_FOUND when `files` finds none, DATA_CHECKSUM when a file is not MNIST's, DATA_DOWNLOAD when no mirror answers.
 */
export async function mnist(options: MnistOptions = {}): Promise<Mnist> {
  const source = options.source ?? "auto";
  if (!["auto", "files", "download", "drawn"].includes(source)) {
    expected("ARGUMENT_INVALID", "mnist", "source auto, files, download or drawn", JSON.stringify(source));
  }
  if (source === "drawn" || (source === "auto" && !isNode())) return drawnDigits(options.drawn);
  if (!isNode())
    throw new TacitError("DATA_NOT_FOUND", `mnist: expected a machine with files for source ${source}, got a browser`);
  const node = await import("./mnist-node.ts");
  const files = (await node.findMnist(options)) ?? (source === "download" ? await node.downloadMnist(options) : null);
  if (files !== null) return fromFiles(files, (options.catalogue ?? MNIST).name);
  if (source === "auto") return drawnDigits(options.drawn);
  throw new TacitError(
    "DATA_NOT_FOUND",
    `mnist: expected the four IDX files in ${node.searched(options).join(" or ")}, got none`,
    {
      hint: "set TACIT_DATA to a directory that holds mnist/train-images-idx3-ubyte.gz and the others, or use source 'download'",
    },
  );
}
