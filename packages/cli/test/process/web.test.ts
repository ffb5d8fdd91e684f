/** @file `tacit party` with a web address: where pages connect, what is said of it, and certificates that are none. */
import { chmodSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { freePorts, lay, PartyProcess, type Place } from "./parties.ts";
import { scratch } from "./tacit.ts";

const place = scratch();
const running: PartyProcess[] = [];
let laid: Place;
let port: number;
beforeAll(async () => {
  laid = await lay(place);
  [port] = (await freePorts(1)) as [number];
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((p) => p.kill()));
});
afterAll(() => place[Symbol.dispose]());

function start(web: object): PartyProcess {
  const whole = { address: `127.0.0.1:${port}`, origins: ["https://clinic.example"], ...web };
  place.write("web.json", JSON.stringify({ ...laid.config(0), web: whole }));
  const made = new PartyProcess(place.path, "web.json");
  running.push(made);
  return made;
}

describe("a party for pages", () => {
  test("listens at its web address for WebSockets alone, and says for whom", { timeout: 120_000 }, async () => {
    const party = start({});
    await party.says("pages of https://clinic.example connect at");
    expect(party.log).toContain("plain WebSocket");
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(426);
  });

  test("does not start with a certificate that is none, or a key that everybody may read", { timeout: 120_000 }, async () => {
    place.write("web.pem", "no certificate");
    place.write("web.key", "no key");
    chmodSync(place.file("web.key"), 0o644);
    const open = start({ certificate: "web.pem", key: "web.key" });
    expect(await open.ended).toBe(1);
    expect(open.log).toContain("web.key: expected a file that not everybody can read");
    chmodSync(place.file("web.key"), 0o600);
    const wrong = start({ certificate: "web.pem", key: "web.key" });
    expect(await wrong.ended).toBe(1);
    expect(wrong.log).toContain("web: expected a certificate and its private key in PEM");
  });
});
