/** @file A party's transcript: whole on disk, bounded in memory. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Transcript, type TranscriptEntry } from "../../src/party/transcript.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tacit-transcript-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const done = (run: number): TranscriptEntry => ({ event: "done", run, rounds: 1, bytes: 1, frames: 1 });
const runOf = (line: string | undefined): unknown => (JSON.parse(line ?? "{}") as { run?: unknown }).run;

describe("a transcript", () => {
  it("keeps all lines in its file and the latest thousand in memory, however long a training is", () => {
    const path = join(directory, "a.transcript");
    const t = new Transcript(path);
    for (let run = 0; run < 3000; run++) t.add(done(run));
    expect([t.lines.length, runOf(t.lines[0]), runOf(t.lines.at(-1))]).toEqual([1000, 2000, 2999]);
    t.close();
    const lines = readFileSync(path, "utf8").trim().split("\n");
    expect([lines.length, runOf(lines[0])]).toEqual([3000, 0]);
  });

  it("keeps no more characters in memory than its bound, and the latest line in any case", () => {
    const t = new Transcript(null);
    const long = (n: number): TranscriptEntry => ({ event: "refused", code: "POLICY_REFUSED", message: "x".repeat(n) });
    for (let i = 0; i < 20; i++) t.add(long(1_000_000));
    expect(t.lines.length).toBe(4);
    t.add(long(5_000_000));
    expect(t.lines.length).toBe(1);
    t.add(done(7));
    expect(runOf(t.lines.at(-1))).toBe(7);
    expect(t.lines.length).toBe(1);
  });
});
