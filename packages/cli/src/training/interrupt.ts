/** @file Ctrl-C: the first press asks the loop to stop after the step under way, the second ends the process. */
import { EXIT } from "../output/streams.ts";

/** Whether the user wants to stop. Disposing removes the handler. */
export class Interrupt implements Disposable {
  requested = false;
  readonly #handler = (): void => {
    if (this.requested) process.exit(EXIT.interrupted);
    this.requested = true;
    process.stderr.write("\nstopping after this step; press Ctrl-C again to stop at once\n");
  };

  constructor() {
    process.on("SIGINT", this.#handler);
  }

  [Symbol.dispose](): void {
    process.off("SIGINT", this.#handler);
  }
}
