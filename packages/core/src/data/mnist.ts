/** @file MNIST, from the first place that has it, else digits that the project draws itself. The result names its data set. */
import { expected, TacitError } from "../errors.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Dataset } from "./dataset.ts";
import { digits } from "./digits.ts";
import type { HostArray } from "./host.ts";
import { readIdx } from "./idx.ts";
import type { MnistFiles, MnistOptions } from "./mnist-files.ts";
import { MNIST } from "./mnist-files.ts";
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
