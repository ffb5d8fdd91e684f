/** @file Names of inputs: OWNER/NAME. A name begins with who gives it, so nobody can take another's. */
import { TacitError } from "@tacit/core/errors";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Whether `handle` is one that `owner` may give. */
export const isHandleOf = (owner: string, handle: string): boolean =>
  handle.startsWith(`${owner}/`) && NAME.test(handle.slice(owner.length + 1));

/**
 * The full name of what `owner` calls `name`: "images" and "hospital-a/images" are the same for hospital-a.
 * @throws TacitError INPUT_INVALID
 */
export function handleOf(owner: string, name: string): string {
  const handle = name.startsWith(`${owner}/`) ? name : `${owner}/${name}`;
  if (isHandleOf(owner, handle)) return handle;
  throw new TacitError(
    "INPUT_INVALID",
    `input: expected a name of 1 to 128 characters A-Z, a-z, 0-9, '.', '_', '-' after ${owner}/, got ${JSON.stringify(name.slice(0, 64))}`,
    { hint: "a name begins with its owner's and holds no other '/'" },
  );
}
