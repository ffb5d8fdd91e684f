/** @file What the parties hold of what people gave: names, shapes, owners. Every person of a session may ask. */
import type { Aval } from "@tacit/core/program";
import type { Identity } from "../identity/identity.ts";
import { readAval } from "../session/aval.ts";
import type { Group } from "./group.ts";

export interface ListedInput {
  readonly handle: string;
  readonly aval: Aval;
  readonly owners: readonly string[];
}

/** Inputs that rest at all parties. */
export async function listInputs(group: Group, identity: Identity): Promise<ListedInput[]> {
  const replies = await group.all(identity, { type: "list" });
  const lists = replies.map((f) =>
    f.rest((item): ListedInput => ({ handle: item.text(), aval: readAval(item.fields()), owners: item.texts(64) })),
  );
  const [first = [], ...others] = lists;
  const held = others.map((list) => new Set(list.map((i) => i.handle)));
  return first.filter((i) => held.every((handles) => handles.has(i.handle)));
}
