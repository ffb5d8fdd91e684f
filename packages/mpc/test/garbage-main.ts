/** @file A party process of replicated3 that, where the environment names it, sends one message a byte short in the middle of a run. */
import { runChild } from "../src/party/child.ts";
import type { Protocol } from "../src/protocols/protocol.ts";
import { replicated3 } from "../src/protocols/replicated3/index.ts";
import type { Link } from "../src/transport/link.ts";

/** "party frame": whose message is spoilt, and which. */
const [who, frame] = (process.env.TACIT_TEST_GARBAGE ?? "-1 0").split(" ").map(Number) as [number, number];

function spoilt(link: Link): Link {
  let sent = 0;
  return {
    counters: link.counters,
    send: (tag, depth, bytes) => link.send(tag, depth, ++sent === frame ? bytes.subarray(1) : bytes),
    receive: (tag, into) => link.receive(tag, into),
  };
}

const garbling: Protocol = {
  ...replicated3,
  createParty: (environment) => {
    const links = environment.links.map((l) => (l !== undefined && environment.index === who ? spoilt(l) : l));
    return replicated3.createParty({ ...environment, links });
  },
};

await runChild([garbling]);
