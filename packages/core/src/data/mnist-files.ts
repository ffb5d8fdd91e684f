/** @file Which files MNIST is, and where they may come from. Apart from `mnist`, so that what finds them does not load tensors. */

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
