/** @file tacit session: makes the file on which all members agree, and says what stands in one. */
import { writeFile } from "node:fs/promises";
import { expected } from "@tacit/core/errors";
import { mpc } from "@tacit/mpc";
import type { Command } from "commander";
import { checkWritable, readBounded } from "../files.ts";
import { allNamed, named, quoted } from "../output/foreign.ts";
import { result, say } from "../output/streams.ts";
import { count, positive, positiveCount } from "./arguments.ts";
import type { CommandRow } from "./command.ts";

interface NewWords {
  readonly parties: readonly string[];
  readonly people: readonly string[];
  readonly driver?: string;
  readonly protocol?: string;
  readonly range?: number;
  readonly memory?: number;
  readonly timeout?: number;
  readonly days: number;
  readonly out: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const MOST_BYTES = 4096;

async function readPublic(path: string): Promise<mpc.PublicFile> {
  return mpc.parsePublic(new TextDecoder().decode(await readBounded(path, path, MOST_BYTES)), path);
}

async function partyEntry(path: string): Promise<mpc.SessionFile["parties"][number]> {
  const { identity, reached } = await readPublic(path);
  if (reached !== undefined) return { identity, ...reached };
  const hint = "tacit keygen --address --client prints them; they may also be added to the file by hand";
  return expected("SESSION_INVALID", path, "address and client of a party", "none", hint);
}

function driverOf(people: readonly mpc.PublicIdentity[], named: string | undefined): string {
  const driver = named ?? people.find((p) => p.name === "driver")?.name ?? (people.length === 1 ? people[0]!.name : undefined);
  if (driver !== undefined) return driver;
  return expected("ARGUMENT_INVALID", "session new", "--driver with one of the people's names", "none");
}

function protocolOf(parties: number, named: string | undefined): (typeof mpc.PROTOCOLS)[number] {
  const found = mpc.PROTOCOLS.find((p) => p.parties === parties && (named === undefined || p.name === named));
  if (found !== undefined) return found;
  const known = mpc.PROTOCOLS.map((p) => `${p.name} for ${p.parties} parties`).join(", ");
  return expected("PROTOCOL_UNKNOWN", "session new", `a protocol among ${known}`, `${named ?? "one"} for ${parties}`);
}

async function make(w: NewWords): Promise<void> {
  const parties = await Promise.all(w.parties.map(partyEntry));
  const people = (await Promise.all(w.people.map(readPublic))).map((p) => p.identity);
  if ((await checkWritable(w.out)) === "replaces" && w.force !== true) {
    expected(
      "FILE_WRITE",
      "session new",
      "a path where no file is",
      w.out,
      "--force replaces it; parties with the old file refuse those with the new",
    );
  }
  const limits = { ...(w.memory && { memory: w.memory * 1e6 }), ...(w.timeout && { timeout: Math.round(w.timeout * 1000) }) };
  const protocol = protocolOf(parties.length, w.protocol);
  const options = w.range === undefined ? {} : { range: w.range };
  const made = mpc.newSession({ parties, people, driver: driverOf(people, w.driver), protocol, options, limits, days: w.days });
  // What was made is read as every member will: a limit out of bounds is said here and not at their machines.
  const session = mpc.Session.fromJson(made.toJson());
  await writeFile(w.out, session.toJson());
  say(`written to ${w.out}: give it to everyone in it; each compares the id and the fingerprints (tacit session show)`);
  result(w.json === true, "session", summary(session), () => outline(session).join("\n"));
}

const summary = (session: mpc.Session): object => ({
  id: session.hex,
  parties: session.file.parties.map(({ identity, address, client }) => ({
    name: identity.name,
    fingerprint: mpc.fingerprint(identity),
    address,
    client,
  })),
  people: session.file.people.map((p) => ({ name: p.name, fingerprint: mpc.fingerprint(p) })),
  driver: session.file.driver,
  protocol: session.file.protocol,
  limits: session.file.limits,
  expires: showTime(session.file.expires),
  grants: session.file.grants.length,
});

/** What all agree on about the magnitude of values. */
const rangeOf = ({ range }: mpc.SessionFile["protocol"]["options"]): string =>
  range === undefined ? "" : `, compared values below 2^${range}`;

/** ISO 8601; a session may name a time that no calendar has. */
const showTime = (seconds: number): string =>
  seconds <= 8.64e12 ? new Date(seconds * 1000).toISOString() : `${seconds} s after 1970`;

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

/** A session file in words. */
export function outline(session: mpc.Session): string[] {
  const { parties, people, driver, protocol, limits, expires, grants } = session.file;
  const width = Math.max(...[...session.everyone.keys()].map((n) => n.length));
  const left = (expires - Date.now() / 1000) / 86_400;
  const days = left < 0 ? "it has expired" : `in ${left.toFixed(1)} days`;
  return [
    `session ${session.hex}`,
    ...parties.map(
      (p, i) =>
        `party ${i}  ${p.identity.name.padEnd(width)}  ${mpc.fingerprint(p.identity)}  for parties ${p.address}, for people ${p.client}`,
    ),
    ...people.map((p) => `person   ${p.name.padEnd(width)}  ${mpc.fingerprint(p)}${p.name === driver ? "  drives" : ""}`),
    `protocol ${named(protocol.name)}: ${protocol.options.fractionBits} fraction bits, ${protocol.options.prgRounds} ChaCha rounds${rangeOf(protocol.options)}`,
    `limits   ${megabytes(limits.memory)} of shares at a party, ${megabytes(limits.message)} a message, ${limits.timeout / 1000} s that anyone waits for anyone`,
    `expires  ${showTime(expires)}, ${days}`,
    ...policy(grants),
  ];
}

/** The policy entries that stand in the file. */
function policy(grants: readonly mpc.SignedGrant[]): string[] {
  if (grants.length === 0)
    return ["policy   no grant stands in the file: each run and each disclosure needs one that its owners sign later"];
  return grants.map(({ grant, signatures }) => {
    const out = grant.disclosures.map(({ output, to, why, mechanism: m }) => {
      const noise = m === undefined ? "" : `, only with noise (${mpc.showTerms(grant, m, named)})`;
      return `output ${output} to ${named(to)} for ${quoted(why)}${noise}`;
    });
    const signers = allNamed(signatures.map((s) => s.name));
    return `policy   program ${named(grant.program.slice(0, 12))}, ${grant.runs} runs, ${out.length === 0 ? "nothing disclosed" : out.join("; ")}; signed by ${signers}`;
  });
}

async function show(path: string, { json }: { readonly json?: boolean }): Promise<void> {
  const session = await mpc.readSession(path);
  result(json === true, "session", summary(session), () => outline(session).join("\n"));
}

const withNew = (session: Command): void =>
  void session
    .command("new")
    .summary("make a session file from the members' public files")
    .description(
      "Example:\n  tacit session new --parties a.pub b.pub c.pub --people driver.pub model-owner.pub data-owner.pub --out session.json",
    )
    .requiredOption("--parties <files...>", "public files of the parties, in their order")
    .requiredOption("--people <files...>", "public files of everyone else: owners, recipients, the driver")
    .option("--driver <name>", "who drives (default: the one called driver, or the only person)")
    .option("--protocol <name>", "default: the first for this number of parties")
    .option("--range <bits>", "all agree that compared values stay below 2^bits: fewer bytes and rounds (14 or less)", count)
    .option("--memory <MB>", "share memory of a party (default: 2147)", positiveCount)
    .option("--timeout <seconds>", "how long anyone waits for anyone (default: 30)", positive)
    .option("--days <n>", "until it expires", positiveCount, 30)
    .option("--out <file>", "the session file", "session.json")
    .option("--force", "replace a file that is there")
    .option("--json", "print the result as one JSON object")
    .action(make);

export const sessionCommand: CommandRow = {
  name: "session",
  add(program: Command): void {
    const session = program.command("session").summary("make the file on which all members agree, or say what stands in one");
    withNew(session);
    session
      .command("show")
      .summary("print id, members, protocol, limits, policy and expiry of a session file")
      .argument("<file>", "the session file")
      .option("--json", "print the result as one JSON object")
      .action(show);
  },
};
