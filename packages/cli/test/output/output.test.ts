/** @file What commands print: the progress line, errors and their exit codes. */
import { TacitError } from "@tacit/core/errors";
import { KernelError } from "@tacit/kernels";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CATALOGUE, nearestCodes } from "../../src/errors/catalogue.ts";
import { Progress, showMegabytes, showSeconds } from "../../src/output/progress.ts";
import { EXIT, exitCodeOf, sayError } from "../../src/output/streams.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the progress line", () => {
  const target = (
    isTTY: boolean,
    columns = 200,
  ): { texts: string[]; write(text: string): void; isTTY: boolean; columns: number } => {
    const texts: string[] = [];
    return { texts, write: (text) => void texts.push(text), isTTY, columns };
  };

  test("of a training that was taken up takes its rate from the steps of this process", () => {
    const [out, now] = [target(true), vi.spyOn(performance, "now")];
    now.mockReturnValue(0);
    const p = new Progress("on shares", 100, out, 40);
    now.mockReturnValue(1000);
    p.update(41);
    expect(p.line()).toContain("41/100  1.0/s  ? left");
    now.mockReturnValue(30_000);
    p.update(70);
    expect(p.line()).toMatch(/70\/100 {2}1\.0\/s {2}30 s left/);
    p.update(100);
    expect(p.line()).toContain("2.0/s  took 30 s");
  });

  test("on a terminal is redrawn in place, covers what was longer before, and ends with a new line", () => {
    const [out, now] = [target(true), vi.spyOn(performance, "now")];
    now.mockReturnValue(0);
    const p = new Progress("epoch 1/2", 10, out);
    now.mockReturnValue(1000);
    p.update(5, ["loss 0.1234", "accuracy 50.0 %"]);
    now.mockReturnValue(1050);
    p.update(6); // within a tenth of a second: not drawn
    now.mockReturnValue(2000);
    p.update(10);
    p.finish();
    expect(out.texts[0]).toBe(
      `\repoch 1/2 ${"█".repeat(10)}${"░".repeat(10)} 5/10  5.0/s  1 s left  loss 0.1234  accuracy 50.0 %`,
    );
    expect(out.texts[1]!.length).toBeGreaterThanOrEqual(out.texts[0]!.length);
    expect(out.texts).toHaveLength(4);
    expect(out.texts.at(-1)).toBe("\n");
  });

  test("never wraps on a narrow terminal", () => {
    const out = target(true, 40);
    new Progress("a very long label of an epoch", 1000, out).update(500, ["loss 0.1", "something more"]);
    expect(out.texts[0]!.length).toBeLessThanOrEqual(40);
  });

  test("elsewhere prints a whole line at most every ten seconds, and the last one", () => {
    const [out, now] = [target(false), vi.spyOn(performance, "now")];
    now.mockReturnValue(0);
    const p = new Progress("x", 100, out);
    for (let i = 1; i <= 100; i++) {
      now.mockReturnValue(i * 250);
      p.update(i);
    }
    p.finish();
    expect(out.texts).toHaveLength(4);
    expect(out.texts.every((t) => t.endsWith("\n") && !t.includes("\r"))).toBe(true);
    expect(out.texts.at(-1)).toContain("100/100  4.0/s  took 25 s");
  });

  test("of slow steps says seconds for each, and of nothing done no time left", () => {
    const now = vi.spyOn(performance, "now");
    now.mockReturnValue(0);
    const p = new Progress("x", 4, target(false));
    expect(p.line()).toContain("0/4  0.0/s  ? left");
    now.mockReturnValue(8000);
    p.update(2);
    expect(p.line()).toContain("2/4  4.00 s each  ? left");
  });

  test("foresees nothing before five steps, and then from the rate of the last twenty seconds", () => {
    const now = vi.spyOn(performance, "now").mockReturnValue(0);
    const p = new Progress("x", 1000, target(false));
    const step = (done: number, seconds: number): string => {
      now.mockReturnValue(1000 * seconds);
      p.update(done);
      return p.line();
    };
    expect(step(4, 40)).toContain("? left"); // the first steps compile
    expect(step(5, 50)).toContain("10.00 s each  2 h 45 min left");
    for (let s = 51; s <= 75; s++) step(5 + 10 * (s - 50), s);
    expect(step(265, 76)).toContain("265/1000  10.0/s  1 min 14 s left");
    expect(step(1000, 200)).toContain("1000/1000  5.0/s  took 3 min 20 s");
  });

  test("times and sizes read as people write them", () => {
    expect([0.4, 59.4, 125, 3599.6, 4320, Number.NaN].map(showSeconds)).toEqual([
      "0 s",
      "59 s",
      "2 min 05 s",
      "1 h 00 min",
      "1 h 12 min",
      "?",
    ]);
    expect([1234, 12_345_678, 123_456_789].map(showMegabytes)).toEqual(["0.0 MB", "12.3 MB", "123 MB"]);
  });
});

describe("errors", () => {
  test.each([
    [new TacitError("SHAPE_MISMATCH", "x"), EXIT.user],
    [new TacitError("POLICY_REFUSED", "x"), EXIT.refused],
    [new TacitError("SESSION_EXPIRED", "x"), EXIT.refused],
    [new TacitError("MPC_PARTY_LOST", "x"), EXIT.network],
    [new TacitError("INPUT_UNEQUAL", "x"), EXIT.network],
    [new TacitError("MPC_PARTY_FAILED", "x"), EXIT.bug],
    [new TacitError("OP_REUSED", "x"), EXIT.bug],
    [new KernelError("KERNEL_NO_SIMD", "x", ""), EXIT.user],
    [new KernelError("KERNEL_ABORT", "x", ""), EXIT.bug],
    [new TypeError("x"), EXIT.bug],
    ["x", EXIT.bug],
  ])("%s exits with %i", (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });

  test("are said with code, the user's line, hint and where to read more; a bug with its stack", () => {
    const texts: string[] = [];
    vi.spyOn(process.stderr, "write").mockImplementation((text) => texts.push(String(text)) > 0);
    sayError(new TacitError("FILE_READ", "a: expected b, got c", { hint: "look there" }));
    expect(texts.splice(0).join("")).toMatch(
      /^tacit: error\[FILE_READ\]: a: expected b, got c\nhint: look there\nmore: tacit explain FILE_READ\n$/,
    );
    sayError(new KernelError("KERNEL_NO_SIMD", "kernels: expected SIMD, got none", "use a newer runtime"));
    expect(texts.splice(0).join("")).toContain("error[KERNEL_NO_SIMD]: kernels: expected SIMD, got none; use a newer runtime\n");
    sayError(new TypeError("oops"));
    expect(texts.join("")).toMatch(/error\[BUG_UNEXPECTED\]: TypeError: oops\n +at /);
  });

  test("nearest codes are found through typing errors, kebab case and parts of a name", () => {
    for (const [word, code] of [
      ["SHAPE_MISMTACH", "SHAPE_MISMATCH"],
      ["loss-not-finite", "LOSS_NOT_FINITE"],
      ["SAFETENSOR", "SAFETENSORS_INVALID"],
      ["PARTY_LOST", "MPC_PARTY_LOST"],
    ] as const) {
      expect(nearestCodes(word)[0]).toBe(code);
    }
    expect(nearestCodes("x".repeat(1e6), 5)).toHaveLength(5);
    expect(Object.keys(CATALOGUE)).toContain(nearestCodes("")[0]);
  });
});
