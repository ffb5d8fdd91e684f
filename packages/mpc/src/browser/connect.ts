/** @file connect in a browser: drives parties that already run, at their web addresses. */
import { TacitError } from "@tacit/core/errors";
import type { MpcSession } from "../driver/mpc-session.ts";
import { openSession } from "../driver/open.ts";
import type { Identity } from "../identity/identity.ts";
import { protocolNamed } from "../protocols/index.ts";
import { Session } from "../session/session-file.ts";
import type { OnWaiting } from "../session/waiting.ts";
import { checkAddresses, type WebAddresses, webConnector } from "../transport/web-client.ts";
import { checkBrowser } from "./platform.ts";

export interface WebConnectOptions {
  /** The driver's keys. */
  readonly identity: Identity;
  /** Where each party is reached from a page, by its name. */
  readonly web: WebAddresses;
  /** Further people whose keys are here: they own inputs, sign grants, open reveals. */
  readonly people?: readonly Identity[];
  /** Who owns what `tensor.to(session)` shares. Default: the driver. */
  readonly owner?: string;
  /** Hears for whom the session waits: "waiting for clinic-c (2 of 3), 14 s". */
  readonly waiting?: OnWaiting;
}

/**
 * Drives a session from a page; `from` is the text of its session file, or what was read from it. Close it, or close the page: the
 * parties see either, and another may drive.
 * @throws TacitError SESSION_*, BROWSER_MISSING, WEB_ADDRESS, DRIVER_BUSY, DRIVER_ONLY, MPC_*
 */
export async function connect(from: string | Session, options: WebConnectOptions): Promise<MpcSession> {
  const session = typeof from === "string" ? Session.fromJson(from) : from;
  session.checkTime();
  const { identity, web, people = [], owner = identity.name, waiting } = options;
  checkAddresses(session, web);
  await checkBrowser();
  const identities = new Map([identity, ...people].map((i) => [i.name, i]));
  const other = [...identities.keys()].find((name) => !session.everyone.has(name));
  if (other !== undefined) {
    throw new TacitError("SESSION_INVALID", `connect: expected keys of people of this session, got those of ${other}`);
  }
  const protocol = protocolNamed(session.file.protocol.name);
  return openSession(session, webConnector(web), { protocol, identities, owner, waiting });
}
