/** @file tacit receive: a recipient collects what was disclosed to it and waits at the parties. No driver need be there. */
import { mpc } from "@tacit/mpc";
import type { Command } from "commander";
import { checkSmall, deliveryJson, showCame, showDelivery, type Written, writeDeliveries } from "../clients/deliveries.ts";
import { onWaiting, type PersonWords, personOf, withPersonOptions } from "../clients/person.ts";
import { checkWritable } from "../files.ts";
import { exitCodeOf, say, sayError } from "../output/streams.ts";
import type { CommandRow } from "./command.ts";

interface Words extends PersonWords {
  readonly out?: string;
  readonly discard?: boolean;
  readonly json?: boolean;
}

/** Resolves when stdout has it: only then may the parties forget. */
const written = (text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });

const NONE: Written = { paths: [], models: [] };

const jsonOf = (session: mpc.Session, w: Words, deliveries: readonly mpc.Delivery[], { paths, models }: Written): string =>
  `${JSON.stringify({
    schema: 1,
    kind: "received",
    session: session.hex,
    as: w.as,
    deliveries: deliveries.map((d, i) => ({
      ...deliveryJson(d),
      ...(paths[i] !== undefined && { file: paths[i], values: null }),
    })),
    models,
  })}\n`;

/** Writes what has come, where the words say. */
async function write(session: mpc.Session, w: Words, deliveries: readonly mpc.Delivery[]): Promise<void> {
  const directory = w.out === undefined || w.out === "-" ? null : w.out;
  if (directory === null && w.json !== true && w.out !== "-") checkSmall(deliveries);
  const files = directory === null ? NONE : await writeDeliveries(directory, deliveries);
  if (w.json === true || w.out === "-") return written(jsonOf(session, w, deliveries, files));
  const lines = deliveries.map((d, i) =>
    files.paths[i] === undefined ? showDelivery(d) : `${showCame(d)}\n  written to ${files.paths[i]}`,
  );
  lines.push(...files.models.map((path) => `all weights of a model\n  written to ${path}: for tacit predict, and tacit give`));
  return written(`${lines.join("\n")}\n`);
}

async function receive(w: Words): Promise<void> {
  process.umask(0o077);
  const { session, identity, wait } = await personOf(w);
  if (w.out !== undefined && w.out !== "-") await checkWritable(`${w.out}/probe`);
  const { deliveries, faults } = await mpc.receive(session, {
    identity,
    waiting: onWaiting,
    take: (came) => write(session, w, came),
    ...(wait !== undefined && { wait }),
    ...(w.discard !== undefined && { discard: w.discard }),
  });
  if (deliveries.length === 0) {
    if (w.json === true || w.out === "-") await written(jsonOf(session, w, [], NONE));
    if (faults.length === 0) say(`nothing waits for ${w.as}`);
  }
  for (const fault of faults) {
    sayError(fault);
    process.exitCode = exitCodeOf(fault);
  }
}

export const receiveCommand: CommandRow = {
  name: "receive",
  add: (program: Command) =>
    void withPersonOptions(
      program
        .command("receive")
        .summary("collect what was disclosed to you and waits at the parties of a session")
        .description(
          "Examples:\n  tacit receive --session session.json --as clinic\n  tacit receive --session session.json --as clinic --wait 600 --out results\n\nThe parties forget their parts once the result is written. With --wait, waits so long for a first delivery.",
        ),
    )
      .option("--out <directory>", "write each delivery there as safetensors; - prints JSON")
      .option("--discard", "let the parties forget deliveries of which parts are missing or damaged")
      .option("--json", "print the result as one JSON object")
      .action(receive),
};
