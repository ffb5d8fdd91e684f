/** @file A person's keys in a browser: kept in IndexedDB as handles that nothing can read, or taken from a key file. */
import { TacitError } from "@tacit/core/errors";
import { Identity } from "../identity/identity.ts";
import { openKeyText, type Passphrase } from "../identity/key-text.ts";
import { publicEntry } from "../session/public-file.ts";
import { checkBrowser } from "./platform.ts";

const [DATABASE, STORE] = ["tacit", "identities"];

const result = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

async function inStore<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  await checkBrowser();
  if (typeof indexedDB === "undefined") {
    throw new TacitError("BROWSER_MISSING", "browser: expected IndexedDB to keep keys in, got a browser without it");
  }
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => void opening.result.createObjectStore(STORE, { keyPath: "name" });
  const database = await result(opening);
  try {
    return await result(work(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

/** The identity `name` that this browser keeps for this origin; undefined without one. */
export async function keptIdentity(name: string): Promise<Identity | undefined> {
  const kept = await inStore<unknown>("readonly", (s) => s.get(name));
  return kept === undefined ? undefined : Identity.fromHandles(kept);
}

/** Keeps an identity for pages of this origin. @throws TacitError KEY_FILE where one of its name is kept: a lost key cannot be made again */
export async function keepIdentity(identity: Identity): Promise<void> {
  await inStore("readwrite", (s) => s.add(identity.handles)).catch((cause: unknown) => {
    if (cause instanceof TacitError) throw cause;
    throw new TacitError("KEY_FILE", `keepIdentity: expected no other key of ${identity.name} in this browser, got one`, {
      hint: "forgetIdentity drops it, for good",
      cause,
    });
  });
}

/** Drops the identity `name` from this browser, for good. */
export async function forgetIdentity(name: string): Promise<void> {
  await inStore("readwrite", (s) => s.delete(name));
}

/** Names of the identities that are kept. */
export const keptNames = async (): Promise<string[]> => (await inStore("readonly", (s) => s.getAllKeys())).map(String);

/**
 * The identity `name` of this browser, made and kept where there is none. Its private keys can be used by pages of this origin and
 * read by nobody: clearing the site's data loses them.
 */
export async function ownIdentity(name: string): Promise<Identity> {
  const kept = await keptIdentity(name);
  if (kept !== undefined) return kept;
  const made = await Identity.generate(name, { extractable: false });
  await keepIdentity(made).catch(async (e: unknown) => {
    // Another tab was faster.
    if ((await keptIdentity(name)) === undefined) throw e;
  });
  return (await keptIdentity(name)) ?? made;
}

/**
 * The identity in a key file that `tacit keygen` wrote, from its text. From then on its keys can be used but not read.
 * @throws TacitError KEY_FILE, KEY_PASSPHRASE, IDENTITY_INVALID
 */
export async function importKeyFile(text: string, passphrase?: Passphrase): Promise<Identity> {
  await checkBrowser();
  return openKeyText(text, "that was chosen", passphrase, { extractable: false });
}

/** What the others need for the session file, as `tacit keygen` prints it. */
export const publicFile = (identity: Identity): string =>
  `${JSON.stringify(publicEntry({ identity: identity.public }), null, 2)}\n`;
