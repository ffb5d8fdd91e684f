/** @file The one list of protocols. A new protocol is a folder here and a line in this list. */
import { TacitError } from "@tacit/core/errors";
import type { Protocol } from "./protocol.ts";
import { replicated3 } from "./replicated3/index.ts";

export const PROTOCOLS: readonly Protocol[] = [replicated3];

/** @throws TacitError PROTOCOL_UNKNOWN */
export function protocolNamed(name: string, among: readonly Protocol[] = PROTOCOLS): Protocol {
  const found = among.find((p) => p.name === name);
  if (found !== undefined) return found;
  const known = among.map((p) => p.name).join(", ");
  throw new TacitError(
    "PROTOCOL_UNKNOWN",
    `session: expected a protocol among ${known || "none"}, got ${JSON.stringify(name.slice(0, 32))}`,
  );
}
