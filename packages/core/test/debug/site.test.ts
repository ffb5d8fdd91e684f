/** @file The user's line: out of stacks of all engines, in errors thrown at once, and in those of ops that refuse later. */
import { describe, expect, it } from "vitest";
import { userLine } from "../../src/debug/site.ts";
import { nn, optim, TacitError, Tensor, tensor } from "../../src/index.ts";
import { probe } from "../engine/probe.ts";

const core = import.meta.url.replace(/test\/debug\/.*$/, "");
const OWN = `${core}src/tensor/tensor.ts`;
const NODE = "node:internal/modules/run_main:117:5";

describe("a stack", () => {
  const line = (...frames: string[]): string | undefined => userLine(["Error: x", ...frames].join("\n"));

  it("of V8 gives the first frame outside Tacit, also after an await and from a file without a function", () => {
    expect(line(`    at Tensor.matmul (${OWN}:12:7)`, "    at Net.forward (file:///home/my-model.ts:12:15)")).toMatch(
      /my-model\.ts:12:15$/,
    );
    expect(line(`    at step (${OWN}:12:7)`, "    at async file:///home/my%20model.ts:3:1")).toMatch(/my model\.ts:3:1$/);
    expect(line(`    at step (${OWN}:12:7)`, "    at async main (C:\\code (1)\\train.ts:3:1)")).toMatch(/train\.ts:3:1$/);
    expect(line("    at new Net (http://localhost:5173/src/net.ts?t=1764:9:2)")).toMatch(/net\.ts:9:2$/);
  });

  it("of Firefox and Safari gives the same", () => {
    expect(line(`matmul@${OWN}:12:7`, "forward@http://localhost:5173/src/net.ts:9:2")).toMatch(/net\.ts:9:2$/);
    expect(line(`async*step@${OWN}:12:7`, "async*@http://localhost/@app/net.ts:9:2")).toMatch(/net\.ts:9:2$/);
    expect(line("map@[native code]", "global code@https://example.org/a/net.js:9:2")).toMatch(/net\.js:9:2$/);
  });

  it("prefers a file of the user's to an installed library's, and names none where there is none", () => {
    expect(line("    at f (/x/node_modules/lib/a.js:1:1)", "    at g (/x/mine.ts:2:2)")).toMatch(/mine\.ts:2:2$/);
    expect(line("    at f (/x/node_modules/lib/a.js:1:1)")).toMatch(/a\.js:1:1$/);
    expect(line(`    at Tensor.matmul (${OWN}:12:7)`, `    at ${NODE}`, "    at new Promise (<anonymous>)")).toBeUndefined();
    expect(userLine(undefined)).toBeUndefined();
    for (const room of ["vision", "plot"])
      expect(line(`    at f (${core.replace(/core\/$/, `${room}/`)}src/a.ts:1:1)`)).toBeUndefined();
  });

  it("takes neither its message nor evaluated text for a place", () => {
    expect(userLine("Error: csv: expected numbers in data@2/x:3:4\n    at f (/x/mine.ts:2:2)")).toMatch(/mine\.ts:2:2$/);
    const evaluated = "    at eval (eval at run (/x/lib.js:1:2), <anonymous>:1:1)";
    expect(line(evaluated, "    at g (/x/mine.ts:2:2)")).toMatch(/mine\.ts:2:2$/);
    expect(line(evaluated)).toBeUndefined();
  });
});

const HERE = /site\.test\.ts/;
const at = async (work: () => unknown): Promise<TacitError> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof TacitError) return error;
    throw error;
  }
  throw new Error("expected an error");
};
const lineNumber = (place: string | undefined): number => Number(/:(\d+):\d+$/.exec(place ?? "")?.[1]);

describe("an error names the user's line", () => {
  it("when it is thrown at once, also deep inside modules", async () => {
    const block = (inner: nn.Layer): nn.Layer => nn.sequential(inner);
    const model = block(block(block(block(block(nn.linear(4, 3))))));
    const error = await at(() => model(tensor([[1, 2, 3]])));
    expect(error.code).toBe("SHAPE_MISMATCH");
    expect(error.at).toMatch(HERE);
  });

  it("where the op that refuses its data was made, not where it was awaited", async () => {
    const far = tensor([0, 9], { dtype: "i32" });
    const fine = tensor([[1, 2, 3]]).indexSelect(1, tensor([0], { dtype: "i32" }));
    const chosen = tensor([[1, 2, 3]]).gather(1, far.reshape(1, 2));
    const later = chosen.add(fine.sum());
    const error = await at(() => later.data());
    expect(error).toMatchObject({ code: "INDEX_INVALID", message: expect.stringMatching(/^gather: /) as string });
    expect(error.at).toMatch(HERE);
    const awaited = await at(() => tensor([1, 2]).add(tensor([1, 2, 3])));
    expect(lineNumber(error.at)).toBeLessThan(lineNumber(awaited.at) - 4);
  });

  it("also of a result that was detached", async () => {
    const w = tensor([1, 2, 3], { requiresGrad: true });
    const error = await at(() =>
      w
        .indexSelect(0, tensor([9], { dtype: "i32" }))
        .detach()
        .data(),
    );
    expect(error.at).toMatch(HERE);
  });

  it("of every op with that name, where several may have refused", async () => {
    const far = tensor([9], { dtype: "i32" });
    const a = tensor([1, 2, 3]).indexSelect(0, far);
    const b = tensor([4, 5, 6]).indexSelect(0, far);
    const error = await at(() => a.add(b).data());
    expect(error.at?.split(" or ")).toHaveLength(2);
  });

  it("of the forward op, for what its gradient refuses", async () => {
    const device = probe({
      check: (p) => p.nodes.flatMap((n, node) => (n.op === "indexAdd" ? [{ node, op: n.op, reason: "no kernel" }] : [])),
    });
    const x = Tensor.from([1, 2, 3], [3], { device, requiresGrad: true });
    const chosen = x.indexSelect(0, tensor([1], { dtype: "i32" }));
    const error = await at(() => optim.sgd([x], { lr: 1 }).step(chosen.sum()));
    expect(error.code).toBe("DEVICE_UNSUPPORTED");
    expect(lineNumber(error.at)).toBeGreaterThan(0);
  });
});
