/** @file What a party process does when it is started by `mpc.local`: its keys and its session come over the private channel of its parent. */
import { TacitError } from "@tacit/core/errors";
import { Identity, isRecord } from "../identity/identity.ts";
import { PROTOCOLS } from "../protocols/index.ts";
import type { Protocol } from "../protocols/protocol.ts";
import { Session } from "../session/session-file.ts";
import { checkNetwork } from "../transport/emulated-network.ts";
import type { Party } from "./party.ts";
import { exitCodeOf, LOOPBACK, listen, serve } from "./process.ts";

/** The parent's first message. */
export interface ChildStart {
  readonly keys: unknown;
  readonly directory: string;
  readonly mode: string;
  /** Where it listens; default: at free ports. */
  readonly at?: { readonly address: string; readonly client: string };
  /** The network to emulate, if any. */
  readonly network?: unknown;
  /** Origins whose pages may connect at a web address on loopback; none without any. */
  readonly web?: readonly string[];
}

/** The next message of the parent. */
function nextMessage(): Promise<Readonly<Record<string, unknown>>> {
  return new Promise((resolve) => {
    process.once("message", (m: unknown) => resolve(isRecord(m) ? m : {}));
  });
}

/** A parent that is gone hears nothing, which is no error here. */
const say = (message: object): void => void process.send?.(message, undefined, undefined, () => {});

function errorReport(e: unknown): object {
  if (e instanceof TacitError) return { failed: { code: e.code, message: e.message, hint: e.hint ?? "" } };
  return { failed: { code: "MPC_PARTY_FAILED", message: "party: expected to serve, got an internal error", hint: "" } };
}

/** Runs one party and ends the process. Nothing secret stands in arguments or the environment. */
export async function runChild(protocols: readonly Protocol[] = PROTOCOLS): Promise<void> {
  let party: Party | null = null;
  // A terminal sends Ctrl-C to the whole group: the driver decides whether and when its parties end.
  process.on("SIGINT", () => undefined);
  process.once("disconnect", () => {
    // The parent is gone: nobody would look after this process.
    if (party === null) process.exit(4);
    void party.stop().finally(() => process.exit(4));
  });
  try {
    const start = await nextMessage();
    const identity = await Identity.fromPrivate(start.keys);
    const origins = Array.isArray(start.web) ? start.web.map(String) : [];
    const web = origins.length === 0 ? null : { address: "127.0.0.1:0", origins, tls: null };
    const at = isRecord(start.at) ? { address: String(start.at.address), client: String(start.at.client) } : LOOPBACK;
    const listening = await listen(identity, { ...at, web });
    const ports = { address: listening.parties.port, client: listening.clients.port, web: listening.web?.port ?? 0 };
    say({ listening: ports });
    const { session: text } = await nextMessage();
    const session = Session.fromJson(String(text));
    const network = start.network === undefined ? {} : { network: checkNetwork(start.network) };
    const options = { session, identity, directory: String(start.directory), mode: String(start.mode), protocols, ...network };
    const ending = await serve(listening, options, (p) => {
      party = p;
      say({ serving: true });
    });
    if (ending !== null) say(errorReport(ending));
    finish(exitCodeOf(ending));
  } catch (e) {
    say(errorReport(e));
    finish(exitCodeOf(e));
  }
}

/** Leaves time for the last message to the parent. */
function finish(code: number): void {
  process.exitCode = code;
  process.removeAllListeners("disconnect");
  if (process.connected) process.disconnect();
  setTimeout(() => process.exit(code), 500).unref();
}
