/** @file A profile: what it counts, its table, and a trace file that Chrome's viewer and Perfetto can read. */
import { describe, expect, it } from "vitest";
import { cpu } from "../../src/device/cpu/index.ts";
import type { TraceEvent } from "../../src/device/cpu/trace-events.ts";
import { nn, optim, Random, Tensor, tensor } from "../../src/index.ts";

const LABELS = tensor([0, 1, 2, 3], { dtype: "i32" });

async function trained(options: { readonly lines?: boolean; readonly events?: number }, steps = 3) {
  const device = cpu();
  const profile = device.profile(options);
  const random = new Random(1);
  const model = nn.sequential(nn.linear(16, 32, { device, random }), nn.relu(), nn.linear(32, 4, { device, random }));
  const opt = optim.adam(model, { lr: 0.01 });
  const x = Tensor.from(new Float32Array(64).fill(0.5), [4, 16], { device });
  for (let i = 0; i < steps; i++) await opt.step(nn.crossEntropy(model(x), LABELS));
  profile.stop();
  await opt.step(nn.crossEntropy(model(x), LABELS));
  return profile;
}

type Spans = readonly (TraceEvent & { readonly dur: number })[];
const spans = (events: readonly object[], tid: number): Spans => (events as Spans).filter((e) => e.ph === "X" && e.tid === tid);

/** Whether spans, in their order, either nest or follow one another. */
function nests(events: Spans): boolean {
  const open: number[] = [];
  for (const { ts, dur } of events) {
    while (open.length > 0 && open.at(-1)! - 1e-3 <= ts) open.pop();
    // Sums of floating-point microseconds: a nanosecond of slack.
    if (open.length > 0 && open.at(-1)! + 1e-3 < ts + dur) return false;
    open.push(ts + dur);
  }
  return true;
}

describe("a profile", () => {
  it("can begin before the device has run, counts the runs until stop(), and knows the user's lines where asked", async () => {
    const rows = (await trained({ lines: true })).rows();
    const gemm = rows.find((r) => r.label.startsWith("gemm 4x32x16"))!;
    expect(gemm).toMatchObject({
      calls: 3,
      flops: 2 * 4 * 32 * 16,
      line: expect.stringMatching(/profile\.test\.ts:\d+:\d+$/) as string,
    });
    expect((await trained({})).rows().filter((r) => "line" in r)).toEqual([]);
  });

  it("gives the steps of a run that failed no line of the run after it", async () => {
    const device = cpu();
    const profile = device.profile({ lines: true });
    const x = Tensor.from([1, 2], [2], { device });
    const far = x.exp().indexSelect(0, Tensor.from([7], [1], { device, dtype: "i32" }));
    await expect(far.data()).rejects.toMatchObject({ code: "INDEX_INVALID" });
    await x.log().add(1).data();
    profile.stop();
    const lines = profile.rows().map((r) => r.line !== undefined);
    expect(lines).toEqual([...new Array<boolean>(lines.length - 1).fill(false), true]);
  });

  it("prints a table, the slowest step first", async () => {
    const table = (await trained({ lines: true })).table().split("\n");
    expect(table[0]).toMatch(/total ms +% +calls +best ms +GFLOP\/s +step/);
    const totals = table.slice(1).map((line) => Number(line.trim().split(/\s+/)[0]));
    expect(totals.length).toBeGreaterThan(5);
    expect(totals).toEqual(totals.toSorted((a, b) => b - a));
  });

  it("becomes trace events: every field that the format asks for, in order of time, spans inside spans, JSON and back", async () => {
    const file = (await trained({})).trace();
    const { traceEvents } = JSON.parse(JSON.stringify(file)) as typeof file;
    for (const e of traceEvents) {
      expect(e).toMatchObject({ name: expect.any(String), cat: expect.any(String), pid: 1, tid: expect.any(Number) });
      expect(["X", "M"]).toContain(e.ph);
      expect(Number.isFinite(e.ts) && e.ts >= 0).toBe(true);
      if (e.ph === "X") expect(Number.isFinite(e.dur) && e.dur! >= 0).toBe(true);
    }
    const names = traceEvents.filter((e) => e.ph === "M").map((e) => e.args.name);
    expect(names).toEqual(["tacit cpu", "engine", "kernels"]);
    const times = traceEvents.map((e) => e.ts);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const [engine, kernels] = [spans(traceEvents, 1), spans(traceEvents, 2)];
    expect(nests(engine) && nests(kernels)).toBe(true);
    expect(engine.filter((e) => e.name === "run")).toHaveLength(3);
    expect(engine.filter((e) => e.name === "prepare").length).toBeGreaterThanOrEqual(1);
    const runs = engine.filter((e) => e.name === "run");
    const inside = (k: TraceEvent): boolean => runs.some((r) => r.ts <= k.ts + 1e-3 && k.ts + k.dur <= r.ts + r.dur + 1e-3);
    expect(kernels.length).toBeGreaterThan(15);
    expect(kernels.every(inside)).toBe(true);
  });

  it("keeps as many events as asked, says how many it left out, and counts rows on", async () => {
    const profile = await trained({ events: 10 });
    const file = profile.trace();
    expect(file.traceEvents.filter((e) => e.ph === "X")).toHaveLength(10);
    expect(file.otherData.eventsLeftOut).toBeGreaterThan(10);
    expect(profile.rows()[0]!.calls).toBe(3);
  });
});
