/** @file The mailbox of a party: its bounds, whom it tells what, and what it keeps over a restart. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { MAILBOX_LIMITS, Mailbox } from "../../src/party/mailbox.ts";
import { isSigned, type Letter, openLetter, writeLetter } from "../../src/session/letter.ts";
import { CLIENT_MESSAGE } from "../../src/transport/channel.ts";
import { codeOf, makeWorld, type World } from "../support.ts";

const directory = mkdtempSync(join(tmpdir(), "tacit-mailbox-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const fresh = (): string => mkdtempSync(join(directory, "m-"));

/** A letter of party 0 to `to`, with a part of `bytes`. */
function letter(world: World, run: number, to = "data-owner", bytes = 8): Promise<Letter> {
  const aval = { shape: [bytes / 8], dtype: "f32" } as const;
  const head = { run, to, why: "prediction", handle: `r.${run}`, aval, program: "ab", output: 0 };
  const recipient = world.people.get(to)!.public;
  return writeLetter(world.session, { index: 0, identity: world.parties[0]!, recipient }, head, new Uint8Array(bytes).fill(run));
}

describe("a mailbox", () => {
  it("gives a letter to the one it is for, and says of others' that there is none", async () => {
    const world = await makeWorld();
    const box = new Mailbox(world.session, null);
    box.put(await letter(world, 7));
    expect(box.heads("data-owner").map((h) => h.run)).toEqual([7]);
    expect(box.heads("model-owner")).toEqual([]);
    const [theirs, none] = await Promise.all([7, 8].map((run) => codeOf(() => box.get("model-owner", run))));
    expect([theirs, none]).toEqual(["LETTER_UNKNOWN", "LETTER_UNKNOWN"]);
    expect(box.remove("model-owner", [7])).toEqual([]);
    const found = box.get("data-owner", 7);
    expect(await isSigned(world.session, 0, found)).toBe(true);
    expect(await openLetter(world.session, 0, world.people.get("data-owner")!, found)).toEqual(new Uint8Array(8).fill(7));
    expect(await codeOf(() => openLetter(world.session, 0, world.people.get("model-owner")!, found))).toBe("SEAL_INVALID");
    expect(box.remove("data-owner", [7, 7, 9])).toEqual([7]);
    expect(box.heads("data-owner")).toEqual([]);
  });

  it("takes no more letters, and no more bytes, than agreed, of one recipient and of all", async () => {
    const world = await makeWorld();
    const count = new Mailbox(world.session, null, { ...MAILBOX_LIMITS, letters: 2 });
    for (const run of [1, 2]) {
      count.checkRoom("data-owner", 8);
      count.put(await letter(world, run));
    }
    expect(await codeOf(() => count.checkRoom("data-owner", 8))).toBe("MAILBOX_FULL");
    count.checkRoom("model-owner", 8);
    const size = new Mailbox(world.session, null, { letters: 9, bytes: 20_000, allBytes: 30_000 });
    size.put(await letter(world, 1, "data-owner", 8000));
    expect(await codeOf(() => size.checkRoom("data-owner", 8000))).toBe("MAILBOX_FULL");
    size.put(await letter(world, 2, "model-owner", 8000));
    expect(await codeOf(() => size.checkRoom("driver", 8000))).toBe("MAILBOX_FULL");
    expect(await codeOf(() => size.checkRoom("driver", CLIENT_MESSAGE))).toBe("MPC_MESSAGE_LIMIT");
    size.remove("data-owner", [1]);
    size.checkRoom("driver", 8000);
  });

  it("keeps letters over a restart in files of mode 0600 that hold no part in the clear", async () => {
    const world = await makeWorld();
    const at = fresh();
    const part = await letter(world, 5, "data-owner", 800);
    new Mailbox(world.session, at).put(part);
    const [file, ...others] = readdirSync(at);
    expect(others).toEqual([]);
    expect(statSync(join(at, file!)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(at, file!)).includes(Buffer.alloc(16, 5))).toBe(false);
    writeFileSync(join(at, `${file}.part`), "a write that a crash cut off");
    const again = new Mailbox(world.session, at);
    expect(again.get("data-owner", 5)).toEqual(part);
    expect(readdirSync(at)).toEqual([file]);
    again.remove("data-owner", [5]);
    expect(readdirSync(at)).toEqual([]);
    expect(new Mailbox(world.session, at).heads("data-owner")).toEqual([]);
  });

  it("removes letters of sessions that have expired, leaves those of others alone, and reads no damaged file", async () => {
    const [mine, other] = [await makeWorld(), await makeWorld()];
    const at = fresh();
    const mailbox = new Mailbox(mine.session, at);
    mailbox.put(await letter(mine, 1));
    new Mailbox(other.session, at).put(await letter(other, 2));
    const old = `${"a".repeat(64)}.1000.3.letter`;
    writeFileSync(join(at, old), "x");
    const [own] = readdirSync(at).filter((f) => f.startsWith(mine.session.hex));
    writeFileSync(join(at, own!.replace(".1.letter", ".4.letter")), "no letter");
    const again = new Mailbox(mine.session, at);
    expect(again.heads("data-owner").map((h) => h.run)).toEqual([1]);
    expect(readdirSync(at)).toHaveLength(3);
    expect(readdirSync(at)).not.toContain(old);
  });

  it("cannot pass an altered copy for what the party wrote", async () => {
    const world = await makeWorld();
    const part = await letter(world, 1);
    for (const change of [{ sealed: part.sealed.map((b) => b ^ 1) }, { head: { ...part.head, why: "another" } }]) {
      expect(await isSigned(world.session, 0, { ...part, ...change })).toBe(false);
    }
    expect(await isSigned(world.session, 1, part)).toBe(false);
  });
});
