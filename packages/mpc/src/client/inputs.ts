/** @file Giving inputs: shares of a value, sealed to each party, in chunks, signed by their owner. */
import { TacitError } from "@tacit/core/errors";
import { type Aval, DTYPE, type DType, sizeOf, type TypedArray } from "@tacit/core/program";
import type { Identity } from "../identity/identity.ts";
import { sealerTo } from "../identity/seal.ts";
import { CHUNK_BYTES, chunkPlace, type PutCommand } from "../party/messages.ts";
import { inputInfo } from "../party/purposes.ts";
import type { Protocol } from "../protocols/protocol.ts";
import { toCbor } from "../session/cbor.ts";
import type { Session } from "../session/session-file.ts";
import type { Group } from "./group.ts";
import type { PartyClient } from "./party-client.ts";

/**
 * Shares `values` among the parties under `handle`; `sent` hears how many bytes each party has.
 * @throws TacitError INPUT_OUT_OF_RANGE, INPUT_UNEQUAL, MPC_*
 */
export async function giveInput(
  group: Group,
  session: Session,
  protocol: Protocol,
  owner: Identity,
  what: { readonly handle: string; readonly values: TypedArray; readonly aval: Aval },
  sent?: (party: number, bytes: number) => void,
): Promise<void> {
  const payloads = protocol.share(what.values, what.aval, session.file.protocol.options);
  const attempt = crypto.getRandomValues(new Uint8Array(16));
  try {
    await group.gather(
      group.clients.map((client, i) => give(client, session, owner, { ...what, attempt, payload: payloads[i]! }, sent)),
    );
  } finally {
    for (const p of payloads) p.fill(0);
  }
}

async function give(
  client: PartyClient,
  session: Session,
  owner: Identity,
  {
    handle,
    attempt,
    aval,
    payload,
  }: Omit<PutCommand, "type" | "total" | "chunks" | "encapsulated"> & { readonly payload: Uint8Array },
  sent?: (party: number, bytes: number) => void,
): Promise<void> {
  const chunks = Math.max(1, Math.ceil(payload.length / CHUNK_BYTES));
  const recipient = session.file.parties[client.index]!.identity.seal;
  const sealer = await sealerTo(recipient, inputInfo(session.id, client.index, handle));
  const { encapsulated } = sealer;
  await client.request(owner, { type: "put", handle, attempt, aval, total: payload.length, chunks, encapsulated });
  for (let index = 0; index < chunks; index++) {
    const part = payload.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
    const sealed = await sealer.seal(part, toCbor(chunkPlace(handle, index, chunks)));
    await client.request(owner, { type: "chunk", handle, index, sealed });
    sent?.(client.index, index * CHUNK_BYTES + part.length);
  }
}

/**
 * Class labels as rows of 0 and 1, f32 [labels, classes]: secret labels are given like this, since a secret cannot be an index.
 * @throws TacitError LABEL_OUT_OF_RANGE
 */
export function oneHot(
  labels: ArrayLike<number>,
  classes: number,
): { readonly values: Float32Array; readonly shape: readonly number[] } {
  const values = new Float32Array(labels.length * classes);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new TacitError(
        "LABEL_OUT_OF_RANGE",
        `oneHot: expected labels from 0 to ${classes - 1}, got another at position ${i}`,
      );
    }
    values[i * classes + label] = 1;
  }
  return { values, shape: [labels.length, classes] };
}

const KINDS: readonly (readonly [new (n: number) => TypedArray, DType])[] = [
  [Float32Array, "f32"],
  [Float64Array, "f64"],
  [Int32Array, "i32"],
  [BigInt64Array, "i64"],
  [Uint8Array, "u8"],
  [Uint32Array, "u32"],
  [BigUint64Array, "u64"],
];

/** The dtype of a typed array as it is. */
export const dtypeOfValues = (values: TypedArray): DType => KINDS.find(([kind]) => values instanceof kind)?.[1] ?? "f32";

/** The dtype in which an array is shared: floats as f32 (fixed point), pixels (u8) too, integers as they are. */
export function inputAval(values: TypedArray, shape: readonly number[]): Aval {
  const dtype = values instanceof Int32Array ? "i32" : values instanceof BigInt64Array ? "i64" : "f32";
  if (sizeOf(shape) !== values.length) {
    throw new TacitError("SHAPE_MISMATCH", `input: expected ${values.length} values to fill the shape, got [${shape.join(",")}]`);
  }
  return { dtype, shape: [...shape] };
}

/** Values in the array type of `aval`; f64 stays, since sharing rounds once and from the better one. */
export function inputValues(values: TypedArray, aval: Aval): TypedArray {
  if (
    values instanceof Float64Array ||
    values instanceof BigInt64Array ||
    DTYPE[aval.dtype].make(0).constructor === values.constructor
  ) {
    return values;
  }
  return Float32Array.from(values as Uint8Array);
}
