/** @file Other people's words on a terminal: names, reasons and titles with control characters, quotes and marks that turn the line. */
import { Expr, ops, trace } from "@tacit/core/program";
import { mpc } from "@tacit/mpc";
import { describe, expect, test } from "vitest";
import { type Asked, showAsked, showLeft } from "../../src/clients/approval.ts";
import { showCame } from "../../src/clients/deliveries.ts";
import { outline } from "../../src/commands/session.ts";
import { allNamed, named, quoted } from "../../src/output/foreign.ts";

/** Whether a terminal shows every character of a line as itself. */
const isTame = (line: string): boolean => !/[\p{C}\p{Zl}\p{Zp}]/u.test(line);
const EVIL = 'a"\u001b[2J\u202e\nmost 1 run\u0085\u200b\ud800\u{e0001}';

describe("words of others", () => {
  test("stand as they are where they are ordinary names, else in quotes with everything hidden escaped", () => {
    expect(["hospital-a/train-images", "clinic.b_2", "127.0.0.1:7001"].map(named)).toEqual([
      "hospital-a/train-images",
      "clinic.b_2",
      "127.0.0.1:7001",
    ]);
    expect(named("mean loss")).toBe('"mean loss"');
    expect(named("")).toBe('""');
    expect(named("a\u00a0b")).toBe('"a\\u00a0b"');
    expect(quoted(EVIL)).toBe('"a\\"\\u001b[2J\\u202e\\u000amost 1 run\\u0085\\u200b\\ud800\\u{e0001}"');
    expect(quoted("Grüße, 世界 \\")).toBe('"Grüße, 世界 \\\\"');
    expect(allNamed(["a", "b c"])).toBe('a, "b c"');
    expect(quoted("x".repeat(10_000)).length).toBeLessThan(220);
  });

  test("in a grant that is to be signed, or was, make no line of their own", () => {
    const grant: mpc.Grant = {
      program: "",
      inputs: [{ owners: ["me", EVIL], sources: [{ kind: "handle", handle: EVIL }], rows: 3 }],
      disclosures: [{ output: 0, to: EVIL, why: EVIL }],
      runs: 0,
      reveals: 2,
      expires: 2 ** 50,
    };
    const asked: Asked = { title: "input", grant, program: null };
    // Disclosures of an input have no Program whose outputs have shapes.
    const lines = showAsked({ ...asked, grant: { ...grant, disclosures: [] } }, "me", 16).split("\n");
    expect(lines).toHaveLength(4);
    expect(lines.every(isTame)).toBe(true);
    expect(lines[1]).toContain(`YOURS and ${quoted(EVIL)}'s; input ${quoted(EVIL)}`);
    expect(showLeft([EVIL], { runs: 0, reveals: 2 }, grant)).toBe(`still to sign: ${quoted(EVIL)}`);
    expect(showLeft([], { runs: 0, reveals: 1 }, grant)).toBe("complete, 1 disclosure left");
    expect(showLeft([], { runs: 0, reveals: 0 }, grant)).toMatch(/^USED UP: all of its 2 disclosures done; .*another --spare/);
    expect(showLeft([], { runs: 0, reveals: 0 }, { ...grant, runs: 1 })).toContain("all of its 1 run and 2 disclosures done");
    expect(showLeft([], { runs: 4, reveals: 0 }, { ...grant, runs: 9, reveals: 0 })).toBe("complete, 4 runs left");
  });

  test("what an owner demands of a disclosure, and what a run costs, stand on the line of what is opened", () => {
    const x = Expr.placeholder({ shape: [4, 2], dtype: "f32" });
    const { program } = trace([ops.partyNoise(ops.clippedSum(x, [1, 0]), [2, 0])], [x]);
    const mechanism = {
      kind: "distributed-discrete-gaussian",
      neighbours: "add-remove",
      rows: [0],
      epsilon: 3,
      delta: 1e-5,
    } as const;
    const grant: mpc.Grant = {
      program: program.id,
      inputs: [{ owners: ["me"], sources: [{ kind: "handle", handle: "me/x" }], rows: 4 }],
      disclosures: [{ output: 0, to: "you", why: "sum", mechanism }],
      runs: 10,
      reveals: 10,
      expires: 2 ** 31,
    };
    const shown = (g: mpc.Grant, p: typeof program | null): string =>
      showAsked({ title: "sum", grant: g, program: p }, "me", 16).split("\n")[2]!;
    // ρ of a run: 1 / (2 · 2 · 4). Of ε 3 at δ 1e-5 three fit.
    expect(shown(grant, program)).toMatch(
      /OPENS {2}output 0.*; only with noise of all parties: ε 3 at δ 0.00001.*one run costs ε 1.*, 3 of 10 runs fit/,
    );
    const without = trace([ops.sum(x, [0])], [x]).program;
    expect(shown({ ...grant, program: without.id }, without)).toContain("which this program does not give");
    expect(shown({ ...grant, program: "" }, null)).toContain("which an input as it came does not have");
  });

  test("an owner whose data a demand for noise says nothing of is warned, and a session file says whose rows it is about", async () => {
    const [a, b] = [0, 1].map(() => Expr.placeholder({ shape: [6, 2], dtype: "f32" })) as [Expr, Expr];
    const { program } = trace([ops.add(ops.partyNoise(ops.clippedSum(a, [1, 0]), [4, 0]), ops.sum(b, [0]))], [a, b]);
    const own = (who: string): mpc.GrantInput => ({
      owners: [who],
      sources: [{ kind: "handle", handle: `${who}/x` }],
      rows: 6,
    });
    const mechanism = {
      kind: "distributed-discrete-gaussian",
      neighbours: "replace-one",
      rows: [0],
      epsilon: 30,
      delta: 1e-5,
    } as const;
    const grant: mpc.Grant = {
      program: program.id,
      inputs: [own("alice"), own("bob")],
      disclosures: [{ output: 0, to: "driver", why: "sum", mechanism }],
      runs: 1,
      reveals: 1,
      expires: 2 ** 31,
    };
    const shown = (reader: string): string => showAsked({ title: "sum", grant, program }, reader, 16);
    expect(shown("bob")).toMatch(/at most for each row of input 0 of alice \(replace-one\).*; NOT protected: input 1 of bob;/);
    expect(shown("bob")).toContain("\n  BEWARE YOUR input 1 is NOT protected by it");
    expect(shown("alice")).not.toContain("BEWARE");

    const people = await Promise.all(["driver", "alice", "bob"].map((n) => mpc.Identity.generate(n)));
    const parties = await Promise.all(["a", "b", "c"].map((n) => mpc.Identity.generate(n)));
    const made = mpc.newSession({
      parties: parties.map((p) => ({ identity: p.public, address: "127.0.0.1:1", client: "127.0.0.1:1" })),
      people: people.map((p) => p.public),
      driver: "driver",
      protocol: mpc.PROTOCOLS[0]!,
    });
    const signed = await mpc.signGrant(made.root, grant, people.slice(1));
    const lines = outline(new mpc.Session({ ...made.file, grants: [signed] }));
    expect(lines.find((l) => l.startsWith("policy"))).toContain(
      "only with noise (ε 30 at δ 0.00001 at most for each row of input 0 of alice (replace-one), all runs together; NOT protected: input 1 of bob)",
    );
  });

  test("in a delivery stay on their line", () => {
    const aval = { shape: [2], dtype: "f32" } as const;
    const values = Float32Array.of(1, 2);
    const came = showCame({
      session: "",
      run: 7,
      recipient: "me",
      why: EVIL,
      aval,
      program: "",
      output: 0,
      handle: EVIL,
      values,
    } as never);
    expect(isTame(came)).toBe(true);
  });
});
