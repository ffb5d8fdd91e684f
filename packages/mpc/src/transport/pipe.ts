/** @file Two connected ends in one process, as a network would join them: ordered, asynchronous, copied. */
import type { Connection } from "./mesh.ts";
import type { Carrier } from "./outbox.ts";

interface End {
  feed(chunk: Uint8Array): void;
  closed(): void;
}

/** One end's state: what came before a link was attached waits here. */
class Pipe {
  link: End | null = null;
  readonly early: Uint8Array[] = [];
  cut = false;

  deliver(chunk: Uint8Array): void {
    if (this.link === null) this.early.push(chunk);
    else this.link.feed(chunk);
  }
}

function connectionTo(own: Pipe, other: Pipe): Connection {
  const carrier: Carrier = {
    write: (bytes, written) => {
      const copy = bytes.slice();
      setImmediate(() => {
        if (!own.cut) other.deliver(copy);
        written();
      });
    },
    // It loses nothing when it is cut.
    end: () => Promise.resolve(),
    destroy: () => {
      if (own.cut) return;
      own.cut = true;
      setImmediate(() => other.link?.closed());
    },
  };
  return {
    attach(open): void {
      own.link = open(carrier);
      for (const chunk of own.early.splice(0)) own.link.feed(chunk);
    },
  };
}

/** Both ends of a new pipe. */
export function pipePair(): readonly [Connection, Connection] {
  const [a, b] = [new Pipe(), new Pipe()];
  return [connectionTo(a, b), connectionTo(b, a)];
}
