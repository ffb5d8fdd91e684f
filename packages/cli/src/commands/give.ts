/** @file tacit give: an owner shares pictures, labels, tables or weights among the parties of a session. No driver need be there. */
import { showAval } from "@tacit/core/program";
import { mpc } from "@tacit/mpc";
import { type Command, Option } from "commander";
import { type GiftWords, PIXEL_FORMS, readGifts } from "../clients/gifts.ts";
import { onWaiting, type PersonWords, personOf, withPersonOptions } from "../clients/person.ts";
import { Progress } from "../output/progress.ts";
import { result, say } from "../output/streams.ts";
import { count, positiveCount } from "./arguments.ts";
import type { CommandRow } from "./command.ts";

interface Words extends GiftWords, PersonWords {
  readonly missing?: boolean;
  readonly json?: boolean;
}

/** A progress line for what takes longer than this, milliseconds. */
const SHOWN_AFTER = 2000;

/** Says how many megabytes each party has. */
function lateProgress(): { readonly update: (done: number, total: number) => void; readonly finish: () => void } {
  const began = performance.now();
  let line: Progress | null = null;
  const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10;
  return {
    update(done, total): void {
      if (line === null && performance.now() - began < SHOWN_AFTER) return;
      line ??= new Progress("giving, MB", megabytes(total));
      line.update(megabytes(done));
    },
    finish: () => line?.finish(),
  };
}

async function give(files: readonly string[], w: Words): Promise<void> {
  const { session, identity, wait } = await personOf(w);
  const gifts = await readGifts(files, w);
  const progress = lateProgress();
  const { missing } = w;
  const given = await mpc.give(session, gifts, {
    identity,
    waiting: onWaiting,
    progress: progress.update,
    ...(wait !== undefined && { wait }),
    ...(missing !== undefined && { missing }),
  });
  progress.finish();
  const print = mpc.fingerprint(identity.public);
  say(
    `the parties hold them as shares, owned by ${identity.name}: what runs on them, and who learns of it, needs your signature`,
  );
  const inputs = given.map((g) => ({ name: g.handle, shape: g.aval.shape, dtype: g.aval.dtype, given: g.given }));
  result(w.json === true, "given", { session: session.hex, as: identity.name, fingerprint: print, inputs }, () => {
    const width = Math.max(...given.map((g) => g.handle.length));
    const lines = given.map((g) => `${g.handle.padEnd(width)}  ${showAval(g.aval)}${g.given ? "" : "  was there already"}`);
    return [...lines, `owner    ${identity.name}  ${print}`, `session  ${session.hex}`].join("\n");
  });
}

const ABOUT = `Examples:
  tacit give images.idx.gz --session session.json --as hospital-a
  tacit give images.idx.gz --labels labels.idx.gz --session session.json --as hospital-a --key keys/hospital-a.key
  tacit give model.safetensors --session session.json --as model-owner --name model
  tacit give --model lenet5 --session session.json --as model-owner

The parties know an input as OWNER/NAME, and nobody can take another's name. A data set of pictures and labels gives
NAME-images f32[n,1,28,28] and NAME-labels (one-hot) f32[n,classes]; a table NAME-features; a file of weights, or --model,
NAME.TENSOR for each. An input is given once.`;

export const giveCommand: CommandRow = {
  name: "give",
  add: (program: Command) =>
    void withPersonOptions(
      program.command("give").summary("share data or weights among the parties of a session, as their owner").description(ABOUT),
    )
      .argument("[files...]", "IDX (.gz too), CSV (label, then values), safetensors, or PNG pictures")
      .option("--name <name>", "what it is called (default: train for a data set, model for --model, else the file's name)")
      .option("--labels <file>", "class numbers for an IDX file of pictures")
      .option(
        "--classes <n>",
        "columns of one-hot labels (default: as many as the labels need), classes of --model",
        positiveCount,
      )
      .addOption(
        new Option("--pixels <form>", "centred (as train --private wants them), unit (0 to 1) or raw")
          .choices(PIXEL_FORMS)
          .default("centred"),
      )
      .option("--model <name>", "new weights of this model instead of a file (cnn, lenet5, mlp)")
      .option("--seed <n>", "of those weights (default: a secret one)", count)
      .option("--missing", "give what is not there yet, after a try that was broken off")
      .option("--json", "print the result as one JSON object")
      .action(give),
};
