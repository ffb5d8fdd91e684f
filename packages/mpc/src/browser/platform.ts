/** @file What a browser must have, looked at before anything begins. */
import { TacitError } from "@tacit/core/errors";

const missing = (what: string, hint: string): TacitError =>
  new TacitError("BROWSER_MISSING", `browser: expected ${what}, got a browser without it`, { hint });

/**
 * Secure context, Ed25519 and X25519 in WebCrypto, WebSocket.
 * @throws TacitError BROWSER_MISSING naming the first that is not there
 */
export async function checkBrowser(): Promise<void> {
  if (globalThis.crypto?.subtle === undefined) {
    throw missing("WebCrypto", "pages have it when they come over https or from this machine (localhost)");
  }
  const uses = { Ed25519: ["sign", "verify"], X25519: ["deriveBits"] } as const;
  for (const [name, use] of Object.entries(uses)) {
    await crypto.subtle.generateKey(name, false, [...use]).catch(() => {
      throw missing(`${name} in WebCrypto`, "Chromium 137, Firefox 130 and Safari 17 have it, and newer ones");
    });
  }
  if (typeof WebSocket === "undefined") throw missing("WebSocket", "use another browser");
}
