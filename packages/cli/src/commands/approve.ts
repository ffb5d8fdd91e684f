/** @file tacit approve: an owner reads what a plan asks for, and signs it. The parties gather the signatures of all owners. */
import { writeFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { expected } from "@tacit/core/errors";
import { mpc } from "@tacit/mpc";
import type { Command } from "commander";
import { type Asked, readPlan, readSigned, showAsked, showLeft, signedText, UNBOUNDED } from "../clients/approval.ts";
import { onWaiting, type Person, type PersonWords, personOf, withPersonOptions } from "../clients/person.ts";
import { checkWritable } from "../files.ts";
import { EXIT, result, say } from "../output/streams.ts";
import type { CommandRow } from "./command.ts";

interface Words extends PersonWords {
  readonly yes?: boolean;
  readonly out?: string;
  readonly signed?: boolean;
  readonly revoke?: string;
  readonly json?: boolean;
}

/** Asks on the terminal. @throws ARGUMENT_INVALID without one */
async function confirmed(question: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) {
    expected("ARGUMENT_INVALID", "approve", "a terminal to ask on, or --yes", "neither", "read what is asked, then say --yes");
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

async function signAll({ session, identity }: Person, asked: readonly Asked[], w: Words): Promise<mpc.SignedGrant[] | null> {
  const { fractionBits } = session.file.protocol.options;
  for (const a of asked) say(`${showAsked(a, identity.name, fractionBits)}\n`);
  say(`${UNBOUNDED}\n`);
  const count = asked.length === 1 ? "this" : `these ${asked.length}`;
  if (w.yes !== true && !(await confirmed(`sign ${count} as ${identity.name}, for session ${session.hex.slice(0, 12)}?`)))
    return null;
  return Promise.all(asked.map(({ grant }) => mpc.signGrant(session.id, grant, [identity])));
}

/** Owners of a grant's inputs. */
const ownersOf = (grant: mpc.Grant): string[] => [...new Set(grant.inputs.flatMap((i) => i.owners))].sort();

/** Takes back what was signed. */
async function revoke({ session, identity, wait }: Person, id: string, w: Words): Promise<void> {
  const grants = await mpc.revoke(session, [id], { identity, waiting: onWaiting, ...(wait !== undefined && { wait }) });
  result(w.json === true, "revocation", { session: session.hex, as: identity.name, grants }, () =>
    grants.map((g) => `grant ${g.slice(0, 16)}  withdrawn: from the next run on nothing happens under it`).join("\n"),
  );
}

async function approve(path: string | undefined, w: Words): Promise<void> {
  const person = await personOf(w);
  const { session, identity, wait } = person;
  if (w.revoke !== undefined) return revoke(person, w.revoke, w);
  if (path === undefined) return expected("ARGUMENT_INVALID", "approve", "a plan, or --revoke with a grant's id", "neither");
  if (w.out !== undefined) await checkWritable(w.out);
  const asked = w.signed === true ? [] : await readPlan(path, session, identity.name);
  if (w.signed !== true && asked.length === 0) {
    say(`nothing in this plan needs the signature of ${identity.name}`);
    return result(w.json === true, "approval", { session: session.hex, as: identity.name, grants: [] }, () => "nothing to sign");
  }
  const signed = w.signed === true ? await readSigned(path, session) : await signAll(person, asked, w);
  if (signed === null) {
    say("nothing was signed");
    process.exitCode = EXIT.refused;
    return;
  }
  if (w.out !== undefined) {
    await writeFile(w.out, signedText(session, signed));
    say(`signed: ${w.out}; tacit approve --signed ${w.out} hands it to the parties, whoever runs it`);
  }
  const known =
    w.out !== undefined
      ? signed.map((s) => ({ id: mpc.grantId(s.grant), signers: s.signatures.map((x) => x.name), left: s.grant }))
      : await mpc.approve(session, signed, { identity, waiting: onWaiting, ...(wait !== undefined && { wait }) });
  const grants = known.map(({ id, signers, left: { runs, reveals } }, i) => {
    const missing = ownersOf(signed[i]!.grant).filter((o) => !signers.includes(o));
    return { grant: id, program: signed[i]!.grant.program, signed: signers, missing, left: { runs, reveals } };
  });
  result(w.json === true, "approval", { session: session.hex, as: identity.name, grants }, () =>
    grants.map((g, i) => `grant ${g.grant.slice(0, 16)}  ${showLeft(g.missing, g.left, signed[i]!.grant)}`).join("\n"),
  );
}

export const approveCommand: CommandRow = {
  name: "approve",
  add: (program: Command) =>
    void withPersonOptions(
      program
        .command("approve")
        .summary("read what a plan asks of an owner, sign it, and hand it to the parties")
        .description(
          "Examples:\n  tacit plan --session session.json … --json > plan.json\n  tacit approve plan.json --session session.json --as hospital-a\n\nSays what each grant allows: Program, data, rows, runs, who learns what and why, until when. Make the plan yourself from\nthe same options rather than take one that you were sent: the program's id must be the same.",
        ),
    )
      .argument("[plan]", "what tacit plan --json printed")
      .option("--yes", "sign without asking")
      .option("--out <file>", "write the signed grants there instead of handing them to the parties")
      .option("--signed", "<plan> is a file of signed grants: hand it to the parties")
      .option("--revoke <id>", "take back your signature of a grant, at all parties and for good")
      .option("--json", "print the result as one JSON object")
      .action(approve),
};
