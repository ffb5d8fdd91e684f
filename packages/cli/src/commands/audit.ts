/** @file tacit audit: attacks that measure what a model, an update or a build gives away; each with a picture, a report and a threshold. */
import type { Command } from "commander";
import { AUDITS } from "../audits/index.ts";
import type { CommandRow } from "./command.ts";

export const auditCommand: CommandRow = {
  name: "audit",
  add(program: Command): void {
    const audit = program.command("audit").summary("measure what a model, an update or a build gives away");
    audit.description(
      "Exit code 3 where more was measured than --fail-above, or than a claimed ε, allows; the report is written first.",
    );
    for (const add of AUDITS) add(audit);
  },
};
