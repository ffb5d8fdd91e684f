/** @file What consoles and notebooks print of a class: its `toString()`, and no field of it. */

const CONSOLES = ["nodejs.util.inspect.custom", "Deno.customInspect"];

/**
 * Node's and Deno's `console.log` print `toString()`, and a TypeScript notebook (Deno's kernel asks for `Jupyter.display`) shows it as
 * "text/plain". No field is printed, and so no value: what `toString()` leaves out stays hidden.
 */
export function showAsText(prototype: object): void {
  for (const name of CONSOLES) {
    Object.defineProperty(prototype, Symbol.for(name), {
      value(this: object): string {
        return String(this);
      },
    });
  }
  Object.defineProperty(prototype, Symbol.for("Jupyter.display"), {
    value(this: object): Readonly<Record<string, string>> {
      return { "text/plain": String(this) };
    },
  });
}
