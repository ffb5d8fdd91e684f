/** @file Versions: of this software, of what parties say to each other, of what people say to parties. Portable. */
import { TacitError } from "@tacit/core/errors";

/** Of the packages, equal to their package.json (a test holds them equal). */
export const SOFTWARE = "0.1.0";
/** Of the messages between parties. Parties of different versions refuse each other. */
export const PROTOCOL_VERSION = 5;
/** Of the messages between people and parties. */
export const CLIENT_VERSION = 4;

/** A version of the software as the other end tells it; whatever else it sends is not shown. */
export const showSoftware = (text: string): string =>
  /^[0-9][0-9A-Za-z.+-]{0,31}$/.test(text) ? `Tacit ${text}` : "an unknown Tacit";

/** The software that the other end of another version names, if it names one. */
export function softwareOf(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}

/** Names both versions. `got`: the other end's, of protocol and software. */
export function versionError(
  where: string,
  own: number,
  got: { readonly version: number; readonly software: string },
): TacitError {
  const want = `protocol version ${own} (${showSoftware(SOFTWARE)})`;
  return new TacitError("MPC_VERSION", `${where}: expected ${want}, got version ${got.version} (${showSoftware(got.software)})`, {
    hint: "install the same version of Tacit on both sides",
  });
}
