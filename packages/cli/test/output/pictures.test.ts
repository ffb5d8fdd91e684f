/** @file What is shown to people: in colour on a terminal, plain elsewhere, and nothing twice. */
import { History } from "@tacit/plot";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { drawBars, drawConfusion, isSteep, sayConfusion, sayCurve, sayLosses, sayPicture } from "../../src/output/pictures.ts";

const COUNTS = [
  [9, 1],
  [0, 10],
];

describe("pictures", () => {
  const said: string[] = [];
  const [out, err] = [process.stdout.isTTY, process.stderr.isTTY];
  const terminals = (stdout: boolean, stderr: boolean): void => {
    process.stdout.isTTY = stdout;
    process.stderr.isTTY = stderr;
  };

  beforeEach(() => {
    said.length = 0;
    vi.spyOn(process.stderr, "write").mockImplementation((text) => said.push(String(text)) > 0);
    vi.stubEnv("NO_COLOR", "");
    vi.stubEnv("COLORTERM", "truecolor");
    vi.stubEnv("TERM", "xterm");
    vi.stubEnv("LC_ALL", "C.UTF-8");
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    terminals(out, err);
  });

  test("the confusion matrix is plain text of the result, in colour on a terminal", () => {
    terminals(false, false);
    expect(drawConfusion(COUNTS)).toBe(
      ["truth │    0    1  recall", "──────┼──────────", "    0 │    9█   1  90.0 %", "    1 │    ·   10 100.0 %"].join("\n"),
    );
    terminals(true, true);
    expect(drawConfusion(COUNTS)).toContain("\u001b[38;2;245;245;245;48;2;");
  });

  test("the confusion matrix is said on a terminal only where the result goes elsewhere", () => {
    const times = (stdout: boolean, stderr: boolean, json: boolean): number => {
      said.length = 0;
      terminals(stdout, stderr);
      sayConfusion(COUNTS, json);
      return said.length;
    };
    expect([times(true, true, false), times(true, true, true), times(false, true, false)]).toEqual([0, 1, 1]);
    expect([times(false, false, false), times(false, false, true)]).toEqual([0, 0]);
  });

  test("a picture is half blocks on a terminal, and not drawn into a log", () => {
    terminals(true, false);
    sayPicture([0, 1, 1, 0], [2, 2]);
    expect(said).toEqual([]);
    terminals(false, true);
    sayPicture([0, 1, 1, 0], [2, 2]);
    expect(said.join("")).toContain("▀");
  });

  test("a curve is drawn where steps were made, on a logarithmic axis where it falls far", () => {
    terminals(false, false);
    sayCurve(new History());
    expect(said).toEqual([]);
    const h = new History();
    for (let i = 0; i < 60; i++) h.add({ loss: Math.exp(-i / 5), lr: 0.1 });
    expect(isSteep(h)).toBe(true);
    sayCurve(h);
    expect(said.join("").split("\n").length).toBeGreaterThan(10);
    expect(said.join("")).toContain("0.01 ┤");
    h.add({ loss: 0 });
    expect(isSteep(h)).toBe(false);
  });

  test("disclosed losses stand at the steps that they are the means up to", () => {
    terminals(false, false);
    sayLosses([2], 10, 10);
    expect(said).toEqual([]);
    sayLosses([2, 1, 0.5], 10, 25);
    expect(said.join("")).toContain("mean loss of every 10 steps");
    expect(said.join("")).toMatch(/10 +15 +20 +25\n/);
  });

  test("bars say class, share and percent, without any code that a name brought", () => {
    terminals(false, false);
    expect(drawBars([0.25, 0.75], ["no", "yes"])).toBe(`${" no"} ${"█".repeat(10)} 25.0 %\nyes ${"█".repeat(30)} 75.0 %`);
  });
});
