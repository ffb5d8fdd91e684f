/** @file docs/pytorch.md is complete: every name in it exists, and every public name has its row. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { FAMILIES } from "../pytorch/index.ts";
import { exists, namesIn, notYet, page, room, tacitNames, torchNames, written } from "../pytorch/page.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const WHERE = "tools/pytorch (tensor, nn or training.ts), then npm run docs:pytorch";

/** Everything that some row or "only in Tacit" line names. */
const named = new Set(
  FAMILIES.flatMap((f) => [...f.rows.flatMap((r) => tacitNames(f, r)), ...(f.beyond ?? []).flatMap((r) => r.tacit ?? [])]),
);

/** Methods that TypeScript keeps inside the classes. */
function hidden(folder: string): Set<string> {
  const found = new Set<string>();
  for (const file of globSync(`packages/core/src/${folder}.ts`, { cwd: root }))
    for (const [, name] of readFileSync(join(root, file), "utf8").matchAll(
      /^ {2}(?:private|protected) (?:abstract )?(?:get )?(\w+)/gm,
    ))
      found.add(name!);
  return found;
}

describe.each(FAMILIES.map((f) => [f.title, f] as const))("%s", (_, family) => {
  test("names only what exists, and finds a Tacit name for every row", () => {
    const rows = [...family.rows, ...(family.beyond ?? [])].map((r) => ({ name: r.torch, tacit: tacitNames(family, r) }));
    expect(rows.filter((r) => r.tacit.length === 0).map((r) => r.name)).toEqual([]);
    expect(rows.flatMap((r) => r.tacit).filter((name) => !exists(name))).toEqual([]);
  });

  test("says each of PyTorch's names once, and leaves out no reason", () => {
    const said = [...family.rows.map((r) => r.torch), ...(family.absent ?? []).flatMap((a) => a.names)];
    expect(said.filter((name, i) => said.indexOf(name) !== i)).toEqual([]);
    expect((family.absent ?? []).filter((a) => !a.why.endsWith(".")).map((a) => a.names)).toEqual([]);
  });

  test("gives as missing only what Tacit has under no like name", () => {
    const here = new Set(namesIn(room(family.room)).map((n) => n.toLowerCase()));
    expect(notYet(family).filter((n) => here.has(n.replaceAll("_", "").toLowerCase()))).toEqual([]);
  });
});

describe("every public name has its row", () => {
  const rooms = [
    "nn",
    "nn.functional",
    "nn.init",
    "nn.utils",
    "optim",
    "data",
    "io",
    "distributions",
    "vision",
    "vision.transforms",
  ];
  test.each(rooms)("of %s", (name) => {
    const missing = Object.keys(room(name))
      .map((n) => `${name}.${n}`)
      .filter((n) => !named.has(n) && n !== "vision.transforms");
    expect(missing.map((n) => `add ${n} to ${WHERE}`)).toEqual([]);
  });

  test.each([
    ["Tensor", "tensor/*"],
    ["nn.Module", "nn/module"],
  ])("of the methods of %s", (name, folder) => {
    const inside = hidden(folder);
    const missing = namesIn(room(name)).filter((n) => !inside.has(n) && !named.has(`${name}.${n}`));
    expect(missing.map((n) => `add ${name}.${n} to ${WHERE}`)).toEqual([]);
  });

  test("of @tacit/core itself: a row, or the method of the same name has one", () => {
    const spaces = ["data", "distributions", "io", "nn", "optim", "Tensor"];
    const { vision: _, plot: __, ...core } = room("") as Record<string, unknown>;
    const missing = Object.keys(core).filter((n) => !spaces.includes(n) && !named.has(n) && !named.has(`Tensor.${n}`));
    expect(missing.map((n) => `add ${n} to ${WHERE}`)).toEqual([]);
  });
});

describe("docs/pytorch.md", () => {
  test("is what npm run docs:pytorch writes", () => {
    expect({ same: written() === page(), mend: "npm run docs:pytorch" }).toEqual({ same: true, mend: "npm run docs:pytorch" });
  });

  test("knows what PyTorch has", () => {
    expect(FAMILIES.flatMap(torchNames).length).toBeGreaterThan(800);
  });
});
