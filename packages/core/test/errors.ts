/** @file The code of the error that something throws; "no error" when it does not. */
import { TacitError } from "../src/errors.ts";

const codeFrom = (e: unknown): string => (e instanceof TacitError ? e.code : `not a TacitError: ${String(e)}`);

export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (e) {
    return codeFrom(e);
  }
  return "no error";
}

export async function codeOfAsync(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (e) {
    return codeFrom(e);
  }
  return "no error";
}
