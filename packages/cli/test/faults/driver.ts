/** @file A driver as a process of its own: runs one step after the other, each when a line comes on stdin, and ends with the documented codes. */
import { createInterface } from "node:readline";
import type { Tensor } from "@tacit/core";
import { mpc } from "@tacit/mpc";
import { codedError, exitCodeOf, sayError } from "../../src/output/streams.ts";
import { EXPRESSIONS, type Op } from "./expressions.ts";

export type Step =
  /** `to`: to whom the result goes: to the driver's own machine, into the recipient's mailbox, or to nobody. */
  | { readonly do: "run"; readonly op: Op; readonly to: "owner" | "recipient" | null }
  /** Of the latest result, and of the input. */
  | { readonly do: "checkpoint" }
  | { readonly do: "resume" };

export interface DriverOrders {
  /** The session file. */
  readonly session: string;
  /** Key files; the first is the driver's, the others sign grants and open what is disclosed. */
  readonly keys: readonly string[];
  /** The name of the input. */
  readonly input: string;
  readonly steps: readonly Step[];
  /** Whether it ends the session, or leaves the parties serving. */
  readonly close: boolean;
}

/** What a step has to work with. */
interface State {
  readonly session: mpc.MpcSession;
  x: Tensor | null;
  y: Tensor | null;
}

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

async function run(s: State, step: Step): Promise<object> {
  const { session } = s;
  if (step.do === "checkpoint") {
    await session.checkpoint({ step: 1, tensors: s.y === null ? {} : { y: s.y } });
    return { did: "checkpoint" };
  }
  if (step.do === "resume") {
    const found = await session.resume();
    s.x = session.input(found!.inputs[0]!);
    return { did: "resume" };
  }
  const { op, to } = step;
  s.y = EXPRESSIONS[op](s.x!);
  await s.y.realize();
  if (to === "recipient") await session.deliver(s.y, { to, why: "check" });
  const values = to === "owner" ? Array.from(await s.y.reveal({ to, why: "check" }), Number) : null;
  return { did: "run", op, values };
}

/** One line of JSON on stdout when it is connected, and for each step. */
async function drive(o: DriverOrders): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const [own, ...people] = o.keys;
  const session = await mpc.connect(o.session, { identity: own!, people });
  const s: State = { session, x: null, y: null };
  say({ did: "connect" });
  for (const step of o.steps) {
    await lines.next();
    if (s.x === null && step.do === "run") s.x = session.input(o.input);
    say(await run(s, step));
  }
  await lines.next();
  if (o.close) await session.close();
  else await session.leave();
}

const orders = JSON.parse(process.argv[2] ?? "{}") as DriverOrders;
try {
  await drive(orders);
} catch (e) {
  const coded = codedError(e);
  if (coded === null) sayError(e);
  else process.stderr.write(`${JSON.stringify({ ...coded, event: "failed" })}\n`);
  process.exitCode = exitCodeOf(e);
}
process.stdin.destroy();
// What is left of a connection must not keep the process.
setTimeout(() => process.exit(), 300).unref();
