/** @file A party's configuration: each key is checked and named; any damage ends in a code. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePartyConfig } from "../../src/party/service/config.ts";
import { makeLog } from "../../src/party/service/log.ts";
import { codeOf, errorOf } from "../support.ts";

const example = readFileSync(new URL("../../../../examples/three-machines/party.json", import.meta.url), "utf8");
const least = { session: "s.json", key: "a.key", data: "data" };

describe("a party's configuration", () => {
  it("reads the example, and the least with its defaults", () => {
    expect(parsePartyConfig(example, "party.json")).toMatchObject({
      listen: { address: "0.0.0.0:7001", client: "0.0.0.0:7002" },
      health: "127.0.0.1:7003",
      wait: 3_600_000,
      limits: { sessions: 64, memory: 4e9, disk: 1e9 },
    });
    expect(parsePartyConfig(JSON.stringify(least), "/etc/tacit/party.json")).toMatchObject({
      session: "/etc/tacit/s.json",
      key: "/etc/tacit/a.key",
      passphraseFile: null,
      passphraseCommand: null,
      listen: null,
      health: null,
      wait: 600_000,
      log: "info",
    });
  });

  it("reads where pages connect, plain or with the operator's certificate", () => {
    const web = { address: "127.0.0.1:7004", origins: ["https://clinic.example", "http://localhost:5173"] };
    const read = (more: object): unknown =>
      parsePartyConfig(JSON.stringify({ ...least, web: { ...web, ...more } }), "/etc/party.json").web;
    expect(parsePartyConfig(JSON.stringify(least), "party.json").web).toBeNull();
    expect(read({})).toEqual({ ...web, tls: null });
    const tls = { certificate: "/etc/web.pem", key: "/etc/web.key" };
    expect(read({ certificate: "web.pem", key: "web.key" })).toEqual({ ...web, tls });
  });

  it("names the key that is wrong", async () => {
    const bad: readonly (readonly [string, object])[] = [
      ["session", { session: undefined }],
      ["key", { key: 3 }],
      ["data", { data: "" }],
      ["listen.client", { listen: { address: "0.0.0.0:1" } }],
      ["listen.address", { listen: { address: "0.0.0.0:70000", client: "0.0.0.0:1" } }],
      ["peers.clinic-b", { peers: { "clinic-b": "here" } }],
      ["health", { health: 0 }],
      ["health", { health: "localhost" }],
      ["web.address", { web: { origins: ["https://a.example"] } }],
      ["web.origins", { web: { address: "127.0.0.1:1" } }],
      ["web.origins", { web: { address: "127.0.0.1:1", origins: [] } }],
      ["web.origins", { web: { address: "127.0.0.1:1", origins: ["*"] } }],
      ["web.origins", { web: { address: "127.0.0.1:1", origins: ["https://a.example/"] } }],
      ["web.origins", { web: { address: "127.0.0.1:1", origins: ["null"] } }],
      ["web.key", { web: { address: "127.0.0.1:1", origins: ["https://a.example"], certificate: "c.pem" } }],
      ["wait", { wait: 1.5 }],
      ["limits.disk", { limits: { disk: -1 } }],
      ["limits.discs", { limits: { discs: 1 } }],
      ["log", { log: "debug" }],
      ["more", { more: 1 }],
    ];
    for (const [key, change] of bad) {
      const e = await errorOf(() => parsePartyConfig(JSON.stringify({ ...least, ...change }), "party.json"));
      expect(e).toMatchObject({ code: "PARTY_CONFIG" });
      expect(e.message).toContain(`party.json, ${key}: `);
    }
  });

  it("ends in a code for any text and any damage", async () => {
    const parses = (text: string): void => {
      try {
        parsePartyConfig(text, "party.json");
      } catch (e) {
        if ((e as { code?: string }).code !== "PARTY_CONFIG") throw e;
      }
    };
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), parses), { numRuns: 500 });
    fc.assert(
      fc.property(fc.nat(example.length), fc.string({ maxLength: 3 }), fc.nat(6), (at, put, cut) =>
        parses(example.slice(0, at) + put + example.slice(at + cut)),
      ),
      { numRuns: 1500 },
    );
    expect(await codeOf(() => parsePartyConfig(" ".repeat(70_000), "party.json"))).toBe("PARTY_CONFIG");
  });
});

describe("a party's log", () => {
  it("is one JSON object a line, or words without control characters, and keeps to its level", () => {
    const lines: string[] = [];
    const write = (l: string): unknown => lines.push(l);
    makeLog(write, { json: true, level: "info" }).info("waiting", "waiting for a\nb", { here: 2 });
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: "info", event: "waiting", message: "waiting for a?b", here: 2 });
    const quiet = makeLog(write, { json: false, level: "error" });
    quiet.info("x", "unheard");
    quiet.error("failed", "\u001b[31mred");
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/^\d{4}-.*Z \?\[31mred\n$/);
  });
});
