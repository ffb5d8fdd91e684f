/** @file The checks of `tacit doctor` on machines that this one is not. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { examine, showFindings } from "../src/commands/doctor.ts";
import { clock, cores, disk, memory, node } from "../src/doctor/checks.ts";

describe("the checks", () => {
  test("Node 24 and later are good, 22 lacks, whatever the digits after it", () => {
    expect(node("24.0.0").state).toBe("ok");
    expect(node("100.1.0").state).toBe("ok");
    expect(node("22.99.99")).toMatchObject({ state: "lack", fix: expect.stringContaining("Node 24") as string });
  });

  test("one core is a note, memory has three degrees", () => {
    expect([cores(1).state, cores(2).state]).toEqual(["note", "ok"]);
    expect([memory(4e8, 8e9).state, memory(1e9, 8e9).state, memory(4e9, 8e9).state]).toEqual(["lack", "note", "ok"]);
    expect(memory(4e8, 8e9).says).toBe("0.4 GB free of 8.0 GB");
  });

  test("a clock in the past, far in the future or jumping is found; a good one is told in UTC", async () => {
    expect((await clock(() => Date.UTC(1970, 0, 1))).state).toBe("lack");
    expect((await clock(() => Date.UTC(2200, 0, 1))).state).toBe("lack");
    let jump = 0;
    expect((await clock(() => Date.UTC(2030, 0, 1) + 5000 * jump++)).state).toBe("note");
    expect((await clock()).says).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test("a directory that takes files is good and keeps none; a file in its place lacks, with the system's word", async () => {
    const place = mkdtempSync(join(tmpdir(), "tacit-doctor-"));
    try {
      expect((await disk(place)).says).toContain("writable");
      expect(readdirSync(place)).toEqual([]);
      writeFileSync(join(place, "file"), "");
      expect(await disk(join(place, "file"))).toMatchObject({ state: "lack", says: "no file can be made (ENOTDIR)" });
    } finally {
      rmSync(place, { recursive: true });
    }
  });

  test("a check that throws is a lack, and the others go on", async () => {
    const findings = await examine([
      { name: "broken", look: () => Promise.reject(new RangeError("secret text")) },
      { name: "fine", look: () => ({ state: "ok", says: "yes" }) },
    ]);
    expect(findings.map((f) => f.state)).toEqual(["lack", "ok"]);
    expect(showFindings(findings)).toBe(
      "lack  broken  could not be looked at (RangeError)\n              fix: report this\nok    fine    yes\n\n1 to mend",
    );
  });
});
