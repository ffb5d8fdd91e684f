/** @file Giving inputs from a program of one's own: the parties are found, waited for, and get their shares; no driver need be there. */
import { TacitError } from "@tacit/core/errors";
import { type Aval, showAval, type TypedArray } from "@tacit/core/program";
import { sameBytes } from "../identity/encoding.ts";
import type { Identity } from "../identity/identity.ts";
import { protocolNamed } from "../protocols/index.ts";
import type { Protocol } from "../protocols/protocol.ts";
import { handleOf } from "../session/handles.ts";
import type { Session } from "../session/session-file.ts";
import type { OnWaiting } from "../session/waiting.ts";
import type { Connector } from "../transport/channel.ts";
import type { Group } from "./group.ts";
import { giveInput, inputAval, inputValues } from "./inputs.ts";
import { listInputs } from "./list.ts";
import { openGroup } from "./reach.ts";

/** A value to share. It is shared as f32 (fixed point), i32 or i64, by its array's type. */
export interface Gift {
  /** "images": the parties know it as OWNER/images. */
  readonly name: string;
  readonly values: TypedArray;
  readonly shape: readonly number[];
}

/** What the parties now hold. */
export interface Given {
  readonly handle: string;
  readonly aval: Aval;
  /** False: it was there already, and `missing` said to leave it. */
  readonly given: boolean;
}

export interface ClientOptions {
  readonly identity: Identity;
  /** Hears for whom it waits: "waiting for clinic-c (2 of 3), 14 s". */
  readonly waiting?: OnWaiting | undefined;
  /** Milliseconds to wait for the parties. Default: the session's time. */
  readonly wait?: number | undefined;
}

export interface GiveOptions extends ClientOptions {
  /** Gives what is not there yet, and leaves the rest: for the second try of one that was broken off between two inputs. */
  readonly missing?: boolean | undefined;
  /** Bytes that have gone to the parties, of how many. */
  readonly progress?: ((done: number, total: number) => void) | undefined;
  readonly protocols?: readonly Protocol[] | undefined;
}

/** @throws TacitError SESSION_INVALID where the keys are not those of a person of this session, SESSION_EXPIRED */
export function checkPerson(session: Session, identity: Identity): void {
  session.checkTime();
  const known = session.file.people.find((p) => p.name === identity.name);
  if (known !== undefined && sameBytes(known.sign, identity.public.sign) && sameBytes(known.seal, identity.public.seal)) return;
  const names = session.file.people.map((p) => p.name).join(", ");
  throw new TacitError(
    "SESSION_INVALID",
    `session: expected the keys of one of its people (${names}), got those of ${identity.name}`,
    {
      hint:
        known === undefined
          ? "ask for a session file that names you"
          : "the session file names other keys for you: compare fingerprints",
    },
  );
}

/**
 * Shares `gifts` among the parties, one after the other, owned by `identity`. What is broken off in the middle of one leaves nothing of
 * it behind.
 * @throws TacitError HANDLE_USED before anything is sent where a name is taken, INPUT_*, SESSION_*, MPC_TIMEOUT, MPC_PARTY_LOST
 */
export async function give(
  session: Session,
  connector: Connector,
  gifts: readonly Gift[],
  options: GiveOptions,
): Promise<Given[]> {
  const { identity, waiting, wait, missing = false } = options;
  checkPerson(session, identity);
  const protocol = protocolNamed(session.file.protocol.name, options.protocols);
  const all = gifts.map((g) => {
    const aval = inputAval(g.values, g.shape);
    return { handle: handleOf(identity.name, g.name), aval, values: inputValues(g.values, aval) };
  });
  const group = await openGroup(session, connector, waiting, wait);
  try {
    const there = new Map((await listInputs(group, identity)).map((i) => [i.handle, i.aval]));
    const taken = all.filter((g) => there.has(g.handle));
    checkTaken(taken, there, missing);
    await giveAll(
      { group, session, protocol, options },
      all.filter((g) => !there.has(g.handle)),
    );
    return all.map(({ handle, aval }) => ({ handle, aval, given: !there.has(handle) }));
  } finally {
    group.close();
  }
}

interface Ready {
  readonly handle: string;
  readonly aval: Aval;
  readonly values: TypedArray;
}

function checkTaken(taken: readonly Ready[], there: ReadonlyMap<string, Aval>, missing: boolean): void {
  const [first] = missing ? taken.filter((g) => showAval(g.aval) !== showAval(there.get(g.handle)!)) : taken;
  if (first === undefined) return;
  const has = showAval(there.get(first.handle)!);
  throw new TacitError(
    "HANDLE_USED",
    `give: expected a name that was not given yet, got ${first.handle} (the parties hold ${has})`,
    {
      hint: missing
        ? "what is there has another shape: give this under another name"
        : "an input is given once and never replaced: use it, or give this under another name; --missing gives the rest of a try that was broken off",
    },
  );
}

async function giveAll(
  at: { readonly group: Group; readonly session: Session; readonly protocol: Protocol; readonly options: GiveOptions },
  gifts: readonly Ready[],
): Promise<void> {
  const { group, session, protocol, options } = at;
  // Each party gets words of 8 bytes or a key: the largest part tells how far it is.
  const total = gifts.reduce((n, g) => n + g.values.length * 8, 0);
  let before = 0;
  for (const g of gifts) {
    const sent = new Array<number>(group.clients.length).fill(0);
    await giveInput(group, session, protocol, options.identity, g, (party, bytes) => {
      sent[party] = bytes;
      options.progress?.(before + Math.min(g.values.length * 8, Math.max(...sent)), total);
    });
    before += g.values.length * 8;
    options.progress?.(before, total);
  }
}
