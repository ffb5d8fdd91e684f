/** @file Error codes of files, data sets and the command line. */
import type { Entries } from "./entry.ts";

export const FILES: Entries = {
  ARGUMENT_INVALID: {
    means: "An argument of a function or an option of a command has a value that it cannot have.",
    fix: "Use a value of the kind that the message names.",
    example: "data: expected --labels with an IDX file of class numbers, got none",
  },
  BUG_UNEXPECTED: {
    means: "Something failed that should not be able to fail: a bug of Tacit.",
    fix: "Report it with the stack that was printed and the command that you ran; it holds no secret.",
    example: "TypeError: …",
    exit: 2,
  },
  CHECKPOINT_INVALID: {
    means:
      "A file is no checkpoint, lacks a part (optimizer, schedule, loader) that was asked for, or, at a party, is not what it sealed.",
    fix: "Name a file that checkpoint.save or tacit train wrote. At a party: put the file back, or resume from the checkpoint before.",
    example: "checkpoint: expected a checkpoint of version 1, got another file",
  },
  COMMAND_LINE: {
    means: "The command line names an unknown command or option, or leaves out a needed argument.",
    fix: "See tacit --help and tacit <command> --help.",
    example: "unknown option '--epoch' (Did you mean --epochs?)",
  },
  CSV_INVALID: {
    means: "A CSV file has a row of another width, a field that is no finite number, or a quote that is not closed.",
    fix: "Mend the line and column that the message names.",
    example: "csv line 17 column 3: expected a finite number, got text",
  },
  DATA_CHECKSUM: {
    means: "A file of a known data set has other contents than that data set.",
    fix: "Delete the file and fetch it again; your own IDX files are read with data.readIdx or --data.",
    example: "train-images-idx3-ubyte: expected contents with SHA-256 ba891046e6505d7a…, got 9f86d081884c7d65…",
  },
  DATA_DOWNLOAD: {
    means: "No mirror of the data set answered with the right contents.",
    fix: "Check the network, or set TACIT_DATA to a directory that holds mnist/ with the four files.",
    example: "mnist: expected one of 2 mirrors to answer, got: …",
  },
  DATA_NOT_FOUND: {
    means: "The data set is neither under TACIT_DATA nor in the cache.",
    fix: "Set TACIT_DATA, or let it be downloaded with --data mnist.",
    example: "mnist: expected the four IDX files in TACIT_DATA or the cache, got none",
  },
  DATA_WORKER: {
    means: "A thread that reads samples could not start, or ended before it had read them.",
    fix: "Read the message: it is the thread's own. Try the module without workers first: for await (const batch of dataset.batch(n)).",
    example: "worker: expected a running thread, got: the thread ended",
  },
  FILE_READ: {
    means: "A file cannot be read: it is missing, a directory, or not permitted.",
    fix: "Check the path and its permissions.",
    example: "model.safetensors: expected a readable file, got no such file or directory",
  },
  FILE_UNSUPPORTED: {
    means: "Files were asked for where there are none, in a browser.",
    fix: "Use encodeTensors and decodeTensors with bytes.",
    example: "saveSafetensors: expected a machine with files, got a browser",
  },
  FILE_WRITE: {
    means:
      "A file cannot be written: the disk is full or read-only, or the place is not permitted. What was there before is still there.",
    fix: "Free space or choose another path, then run again; training goes on with --resume.",
    example: "model.safetensors.checkpoint: expected a writable place, got a full disk",
  },
  GZIP_INVALID: {
    means: "A gzip file is cut short or altered.",
    fix: "Fetch it again.",
    example: "gunzip: expected a complete gzip stream, got a damaged one of 4096 bytes",
  },
  IDX_INVALID: {
    means: "A file is no IDX file, or its length does not fit its header.",
    fix: "Fetch it again; pictures are u8 [n, 28, 28], labels u8 [n].",
    example: "idx: expected 7840016 bytes for shape [10000,28,28], got 4096",
  },
  MODEL_UNKNOWN: {
    means: "A model name is not one of the command line's, or a file does not say which model it holds.",
    fix: "Use a name that tacit train --help lists, and a file that tacit train wrote.",
    example: 'model: expected one of cnn, lenet5, mlp, got "resnet"',
  },
  PNG_INVALID: {
    means: "A picture is no PNG, is damaged, or inflates to another size than its header says.",
    fix: "Open it in a viewer and save it as PNG again.",
    example: "png: expected an IEND chunk at the end, got a file that is cut short",
  },
  SAFETENSORS_INVALID: {
    means: "A file is no safetensors file, or its header contradicts its contents.",
    fix: "Get the file again from where it was made.",
    example: "safetensors: expected 401408 bytes of data, got 4096",
  },
};
