/** @file Driving parties that serve: what mpc.connect, mpc.local and the browser's connect have in common. */
import { TacitError } from "@tacit/core/errors";
import { openGroup } from "../client/reach.ts";
import type { Identity } from "../identity/identity.ts";
import type { Protocol } from "../protocols/protocol.ts";
import type { Session } from "../session/session-file.ts";
import type { OnWaiting } from "../session/waiting.ts";
import type { Connector } from "../transport/channel.ts";
import { MpcSession } from "./mpc-session.ts";

export interface OpenOptions {
  readonly protocol: Protocol;
  /** Identities whose keys are on this machine, the driver's among them. */
  readonly identities: ReadonlyMap<string, Identity>;
  /** Who owns what `tensor.to(session)` shares. */
  readonly owner: string;
  /** Hears for whom it waits: parties that do not serve yet, and later those that a command waits for. */
  readonly waiting?: OnWaiting | undefined;
  /** Milliseconds to wait for the parties. Default: the session's time. */
  readonly wait?: number | undefined;
  /** Ends what the session started (party processes). */
  readonly dispose?: (() => Promise<void>) | undefined;
}

/**
 * Connects to all parties of a session, as its driver, and says for whom it waits.
 * @throws TacitError DRIVER_ONLY, DRIVER_BUSY, GRANT_INVALID, MPC_*
 */
export async function openSession(session: Session, connector: Connector, options: OpenOptions): Promise<MpcSession> {
  const { protocol, identities, owner, waiting, wait, dispose } = options;
  const driver = identities.get(session.file.driver);
  if (driver === undefined) {
    throw new TacitError(
      "DRIVER_ONLY",
      `connect: expected the key of ${session.file.driver}, who drives this session, got other keys`,
      { hint: "give the driver's own key file, or agree on a session that names another driver" },
    );
  }
  const group = await openGroup(session, connector, waiting, wait);
  const ends = dispose === undefined ? {} : { dispose };
  try {
    return await MpcSession.open({ session, protocol, group, driver, identities, owner, ...ends });
  } catch (e) {
    group.close();
    throw e;
  }
}
