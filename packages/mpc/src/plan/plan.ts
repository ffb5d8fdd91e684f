/** @file plan: what a person must approve before a session runs: Programs, inputs by owner, reveals, counts, cost. */
import type { Binding } from "@tacit/core/device";
import { type Program, showAval } from "@tacit/core/program";
import { toHex } from "../identity/encoding.ts";
import { fingerprint } from "../identity/identity.ts";
import { rowsOf } from "../party/store.ts";
import { protocolNamed } from "../protocols/index.ts";
import type { Cost, Protocol } from "../protocols/protocol.ts";
import { type Grant, type GrantInput, grantId, type SignedGrant, type Source } from "../session/grant.ts";
import type { Session } from "../session/session-file.ts";

/** A Program that somebody wants to run, as bound: one entry per input. */
export interface PlannedProgram {
  readonly program: Program;
  /** For people: "training step". */
  readonly title: string;
  readonly inputs: readonly GrantInput[];
  readonly disclosures: Grant["disclosures"];
  readonly runs: number;
  readonly reveals: number;
  /** Seconds since 1970; at most the session's. */
  readonly expires?: number;
}

export interface PlanEntry {
  readonly title: string;
  readonly program: string;
  /** The Program's canonical bytes, in hexadecimal: whoever is asked can see for themselves what its id stands for. */
  readonly code: string;
  /** Id of the grant that its owners would sign. */
  readonly grantId: string;
  readonly grant: Grant;
  /** Owners who must sign, and those who already have. */
  readonly owners: readonly string[];
  readonly signed: readonly string[];
  readonly inputs: readonly {
    readonly aval: string;
    readonly owners: readonly string[];
    readonly from: readonly string[];
    readonly rows: number;
  }[];
  readonly outputs: readonly {
    readonly aval: string;
    /** `mechanism`: what is demanded, and what a run costs, in words. */
    readonly disclosures: readonly { readonly to: string; readonly why: string; readonly mechanism?: string }[];
  }[];
  /** Of one run. */
  readonly cost: Cost;
  /** All that the protocol cannot do in it. Empty: it runs. */
  readonly gaps: readonly string[];
}

/** Versioned: the JSON that `tacit plan --json` prints. */
export interface Plan {
  readonly version: 1;
  readonly session: string;
  readonly protocol: string;
  readonly parties: readonly { readonly name: string; readonly fingerprint: string; readonly address: string }[];
  readonly people: readonly { readonly name: string; readonly fingerprint: string; readonly driver: boolean }[];
  /** ISO 8601. */
  readonly expires: string;
  readonly programs: readonly PlanEntry[];
}

export function showSource(s: Source): string {
  if (s.kind === "handle") return `input ${s.handle}`;
  if (s.kind === "result") return `a result of ${s.program.slice(0, 12)}`;
  const least = s.least === null ? "any" : String(s.least);
  const most = s.most === null ? "any" : String(s.most);
  return `public, ${least === most ? least : `${least} to ${most}`}${s.distinct ? ", all different" : ""}`;
}

const bindingOf = (i: GrantInput): Binding => (i.owners.length === 0 ? { kind: "public" } : { kind: "secret", owners: i.owners });

function grantOf(session: Session, p: PlannedProgram): Grant {
  const inputs = p.inputs.map((i, k) => ({ ...i, rows: Math.min(i.rows, rowsOf(p.program.inputs[k]!)) }));
  const expires = Math.min(p.expires ?? session.file.expires, session.file.expires);
  return { program: p.program.id, inputs, disclosures: p.disclosures, runs: p.runs, reveals: p.reveals, expires };
}

async function entryOf(
  session: Session,
  protocol: Protocol,
  signed: readonly SignedGrant[],
  p: PlannedProgram,
): Promise<PlanEntry> {
  const grant = grantOf(session, p);
  const id = grantId(grant);
  const { options } = session.file.protocol;
  const bindings = p.inputs.map(bindingOf);
  const gaps = protocol.check(p.program, bindings, options).map((g) => `node ${g.node} (${g.op}): ${g.reason}`);
  // Accountants are more than a page should load before it is asked to approve.
  const { describeMechanism, whyNever } = await import("../release/budget.ts");
  const never = whyNever(p.program, grant, options.fractionBits);
  if (never !== undefined) gaps.push(`mechanism: the grant ${never}`);
  const signatures = signed.filter((s) => grantId(s.grant) === id).flatMap((s) => s.signatures.map((x) => x.name));
  const none: Cost = { rounds: 0, bytesPerParty: [], framesPerParty: [], peakMemory: 0 };
  return {
    title: p.title,
    program: p.program.id,
    code: toHex(p.program.toBytes()),
    grantId: id,
    grant,
    owners: [...new Set(p.inputs.flatMap((i) => i.owners))].sort(),
    signed: [...new Set(signatures)].sort(),
    inputs: p.inputs.map((i, k) => ({
      aval: showAval(p.program.inputs[k]!),
      owners: i.owners,
      from: i.sources.map(showSource),
      rows: i.rows,
    })),
    outputs: p.program.outputAvals.map((a, k) => ({
      aval: showAval(a),
      disclosures: p.disclosures
        .filter((d) => d.output === k)
        .map(({ to, why, mechanism: m }) => ({
          to,
          why,
          ...(m && { mechanism: describeMechanism(p.program, grant, m, options.fractionBits) }),
        })),
    })),
    cost: gaps.length === 0 ? await protocol.estimate(p.program, bindings, options) : none,
    gaps,
  };
}

/** What each owner is asked to agree to. `signed`: grants that were signed already. */
export async function plan(
  session: Session,
  programs: readonly PlannedProgram[],
  options: { readonly signed?: readonly SignedGrant[]; readonly protocols?: readonly Protocol[] } = {},
): Promise<Plan> {
  const { file } = session;
  const protocol = protocolNamed(file.protocol.name, options.protocols);
  const signed = [...file.grants, ...(options.signed ?? [])];
  return {
    version: 1,
    session: session.hex,
    protocol: file.protocol.name,
    parties: file.parties.map((p) => ({ name: p.identity.name, fingerprint: fingerprint(p.identity), address: p.address })),
    people: file.people.map((p) => ({ name: p.name, fingerprint: fingerprint(p), driver: p.name === file.driver })),
    expires: new Date(file.expires * 1000).toISOString(),
    programs: await Promise.all(programs.map((p) => entryOf(session, protocol, signed, p))),
  };
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e6 ? 3 : 1)} MB`;

function showEntry(e: PlanEntry): string[] {
  const { cost, grant } = e;
  const bytes = Math.max(0, ...cost.bytesPerParty);
  const lines = [`${e.title}`, `  program   ${e.program}`, `  grant     ${e.grantId}`];
  for (const [k, i] of e.inputs.entries()) {
    const whose = i.owners.length === 0 ? "public" : `secret of ${i.owners.join(", ")}`;
    lines.push(`  input ${k}   ${i.aval}  ${whose}; ${i.from.join(" or ")}; at least ${i.rows} rows`);
  }
  for (const [k, o] of e.outputs.entries()) {
    const who = o.disclosures
      .map((d) => `disclosed to ${d.to} (${d.why})${d.mechanism === undefined ? "" : `, ${d.mechanism}`}`)
      .join("; ");
    lines.push(`  output ${k}  ${o.aval}  ${who === "" ? "stays shared" : who}`);
  }
  lines.push(`  at most   ${grant.runs} runs, ${grant.reveals} reveals, until ${new Date(grant.expires * 1000).toISOString()}`);
  if (e.gaps.length > 0) return [...lines, "  CANNOT RUN", ...e.gaps.map((g) => `    ${g}`)];
  lines.push(`  each run  ${cost.rounds} rounds, ${megabytes(bytes)} sent per party, ${megabytes(cost.peakMemory)} of memory`);
  const missing = e.owners.filter((o) => !e.signed.includes(o));
  lines.push(`  consent   ${missing.length === 0 ? "complete" : `missing: ${missing.join(", ")}`}`);
  return lines;
}

/** The plan for people: plain text, no colour. */
export function showPlan(p: Plan): string {
  const lines = [`session   ${p.session}`, `protocol  ${p.protocol}, until ${p.expires}`];
  for (const x of p.parties) lines.push(`party     ${x.name}  ${x.fingerprint}  ${x.address}`);
  for (const x of p.people) lines.push(`person    ${x.name}  ${x.fingerprint}${x.driver ? "  (drives)" : ""}`);
  for (const e of p.programs) lines.push("", ...showEntry(e));
  return `${lines.join("\n")}\n`;
}
