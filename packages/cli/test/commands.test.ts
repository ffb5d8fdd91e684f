/** @file The list of commands. */
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { COMMANDS, commandsNamed } from "../src/commands/index.ts";

describe("the list of commands", () => {
  test("gives each command under its own name, with a summary and a way to JSON", async () => {
    for (const [name, load] of Object.entries(COMMANDS)) {
      const row = await load();
      const program = new Command();
      row.add(program);
      expect(row.name).toBe(name);
      expect(program.commands.map((c) => c.name())).toEqual([name]);
      expect(program.commands[0]!.summary()).not.toBe("");
      // A command of several, as `tacit session new`, has it in each of them.
      const top = program.commands[0]!;
      for (const c of top.commands.length > 0 ? top.commands : [top]) expect(c.options.map((o) => o.long)).toContain("--json");
    }
  });

  test("loads what the words name, and everything where they name nothing", async () => {
    const names = async (...words: string[]): Promise<string[]> => (await commandsNamed(words)).map((c) => c.name);
    expect(await names("explain", "OP_ID", "--json")).toEqual(["explain"]);
    expect(await names("help", "doctor")).toEqual(["doctor"]);
    expect(await names("trian")).toEqual(Object.keys(COMMANDS));
    expect(await names()).toEqual(Object.keys(COMMANDS));
    expect(await names("constructor")).toEqual(Object.keys(COMMANDS));
  });
});
