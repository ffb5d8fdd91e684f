/** @file The one list of what reads bytes of strangers. A new parser is a line in a file of parsers/. */
import type { Parser } from "./parser.ts";
import { CHANNEL_PARSERS } from "./parsers/channel.ts";
import { DRIVER_PARSERS } from "./parsers/driver.ts";
import { FILE_PARSERS } from "./parsers/files.ts";
import { IDENTITY_PARSERS } from "./parsers/identity.ts";
import { inputs } from "./parsers/inputs.ts";
import { PARTY_PARSERS } from "./parsers/party.ts";
import { REST_PARSERS } from "./parsers/rest.ts";
import { SESSION_PARSERS } from "./parsers/session.ts";
import { SOCKET_PARSERS } from "./parsers/sockets.ts";
import { TRANSPORT_PARSERS } from "./parsers/transport.ts";

export const PARSERS: readonly Parser[] = [
  ...SESSION_PARSERS,
  ...TRANSPORT_PARSERS,
  ...CHANNEL_PARSERS,
  ...PARTY_PARSERS,
  inputs,
  ...REST_PARSERS,
  ...IDENTITY_PARSERS,
  ...DRIVER_PARSERS,
  ...FILE_PARSERS,
  ...SOCKET_PARSERS,
];
