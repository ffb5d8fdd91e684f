/** @file The list of commands. Each is loaded when it is named, so that `tacit explain` does not wait for the parties' code. */
import type { CommandRow } from "./command.ts";

/** In the order of the help. */
export const COMMANDS: Readonly<Record<string, () => Promise<CommandRow>>> = {
  demo: async () => (await import("./demo.ts")).demoCommand,
  train: async () => (await import("./train.ts")).trainCommand,
  predict: async () => (await import("./predict.ts")).predictCommand,
  audit: async () => (await import("./audit.ts")).auditCommand,
  plan: async () => (await import("./plan.ts")).planCommand,
  estimate: async () => (await import("./estimate.ts")).estimateCommand,
  keygen: async () => (await import("./keygen.ts")).keygenCommand,
  session: async () => (await import("./session.ts")).sessionCommand,
  give: async () => (await import("./give.ts")).giveCommand,
  approve: async () => (await import("./approve.ts")).approveCommand,
  receive: async () => (await import("./receive.ts")).receiveCommand,
  party: async () => (await import("./party.ts")).partyCommand,
  explain: async () => (await import("./explain.ts")).explainCommand,
  doctor: async () => (await import("./doctor.ts")).doctorCommand,
};

/** The commands that the words name; all of them where none does (help, or a misspelling that wants suggestions). */
export function commandsNamed(words: readonly string[]): Promise<CommandRow[]> {
  const named = Object.keys(COMMANDS).filter((name) => words.includes(name));
  const wanted = named.length > 0 ? named : Object.keys(COMMANDS);
  return Promise.all(wanted.map((name) => COMMANDS[name]!()));
}
