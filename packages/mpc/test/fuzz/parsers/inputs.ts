/** @file Parsers of inputs under way: announcements and chunks of a person who has a key, in any order, at a party of replicated3. */
import { sealerTo } from "../../../src/identity/seal.ts";
import { Inputs } from "../../../src/party/inputs.ts";
import { chunkPlace, commandWire, readCommand } from "../../../src/party/messages.ts";
import type { Peers } from "../../../src/party/peers.ts";
import { inputInfo } from "../../../src/party/purposes.ts";
import { Store } from "../../../src/party/store.ts";
import { Transcript } from "../../../src/party/transcript.ts";
import { replicated3 } from "../../../src/protocols/replicated3/index.ts";
import { createParty } from "../../../src/protocols/replicated3/party.ts";
import { fromCbor, toCbor, type Wire } from "../../../src/session/cbor.ts";
import { holds, type Parser } from "../parser.ts";
import { OWNER, PARTIES, SESSION } from "../world.ts";

const HANDLE = "data-owner/x";
const aval = { dtype: "f32", shape: [2, 3] } as const;
const [payload] = replicated3.share(Float32Array.of(1, 2, 3, 4, 5, 6), aval, replicated3.defaults);
const sealer = await sealerTo(PARTIES[0]!.public.seal, inputInfo(SESSION.id, 0, HANDLE));
const sealed = await sealer.seal(payload!, toCbor(chunkPlace(HANDLE, 0, 1)));

const put = {
  type: "put",
  handle: HANDLE,
  attempt: new Uint8Array(16).fill(1),
  aval,
  total: payload!.length,
  chunks: 1,
} as const;
const PUT = commandWire({ ...put, encapsulated: sealer.encapsulated });
const CHUNK = commandWire({ type: "chunk", handle: HANDLE, index: 0, sealed });
/** The person's connection breaks. */
const GONE: Wire = ["close"];
const SEQUENCES: readonly (readonly Wire[])[] = [
  [PUT, CHUNK],
  [PUT, PUT, CHUNK],
  [PUT, GONE, PUT, CHUNK],
];

const party = await createParty({
  index: 0,
  links: [undefined, undefined, undefined],
  runKey: () => new Uint8Array(32),
  options: replicated3.defaults,
  memoryLimit: 2 ** 20,
});

/** All others agree with whatever this party says. */
const agreeing = { compare: async () => {}, refuse: () => {} } as unknown as Peers;

export const inputs: Parser = {
  name: "inputs of a person",
  guards: ["mpc/src/party/inputs.ts", "mpc/src/party/store.ts"],
  form: "cbor",
  seeds: SEQUENCES.map((s) => toCbor([...s])),
  codes: ["ENVELOPE_INVALID", "INPUT_INVALID", "SEAL_INVALID", "HANDLE_USED", "MPC_MEMORY", "MPC_PAYLOAD"],
  share: 0.02,
  async read(input) {
    const store = new Store(party, 2 ** 16);
    const transcript = new Transcript(null);
    const made = new Inputs({ session: SESSION, index: 0, identity: PARTIES[0]!, party, store, peers: agreeing, transcript });
    const connection = {};
    const f = fromCbor(input, "sequence", "ENVELOPE_INVALID");
    let refused: unknown;
    while (!f.done) {
      try {
        await take(made, f.fields(), connection);
      } catch (e) {
        refused ??= e;
      }
    }
    made.gone(connection);
    await new Promise((resolve) => setImmediate(resolve));
    const rest = [...store.all()];
    holds(
      rest.every((s) => s.owners.join() === OWNER.name && s.handle.startsWith("data-owner/")),
      "what rests here is its owner's",
    );
    holds(
      store.bytes === rest.reduce((n, s) => n + ("share" in s.value ? s.value.share.bytes : 0), 0),
      "memory for what rests here, and no more",
    );
    store.clear();
    holds(store.bytes === 0 && party.memoryUsed === 0, "nothing is left");
    if (refused !== undefined) throw refused;
    return undefined;
  },
};

async function take(made: Inputs, f: ReturnType<typeof fromCbor>, connection: object): Promise<void> {
  const command = readCommand(f);
  if (command.type === "put") await made.begin(command, OWNER.name, connection);
  else if (command.type === "chunk") await made.chunk(command.handle, command.index, command.sealed, OWNER.name);
  else made.gone(connection);
}
