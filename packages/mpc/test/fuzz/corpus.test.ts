/** @file What the fuzzers found, each once: inputs that were slow, that hung a receiver, that changed through JSON, that spoke to a terminal. */
import { parseCsv } from "@tacit/core/data";
import { TacitError } from "@tacit/core/errors";
import { describe, expect, it } from "vitest";
import { showAsked } from "../../../cli/src/clients/approval.ts";
import { accountOf } from "../../../cli/src/private/witness.ts";
import { parseIdx } from "../../../core/src/data/idx.ts";
import { decodeSafetensors } from "../../../core/src/io/safetensors.ts";
import { PartyClient } from "../../src/client/party-client.ts";
import { readError } from "../../src/party/connection.ts";
import { valuesOf } from "../../src/party/messages.ts";
import { Peers } from "../../src/party/peers.ts";
import { parsePartyConfig } from "../../src/party/service/config.ts";
import { readAval } from "../../src/session/aval.ts";
import { Fields, fromCbor, toCbor, type Wire } from "../../src/session/cbor.ts";
import { channelId, sealEnvelope } from "../../src/session/envelope.ts";
import { type Grant, grantFromBytes, grantToBytes } from "../../src/session/grant.ts";
import { Session } from "../../src/session/session-file.ts";
import { type Channel, channelPair } from "../../src/transport/channel.ts";
import { CONTROL_RUN } from "../../src/transport/frame.ts";
import { FrameLink } from "../../src/transport/frame-link.ts";
import type { Mesh } from "../../src/transport/mesh.ts";
import { CLIENT_VERSION, SOFTWARE } from "../../src/version.ts";
import { codeOf, errorOf } from "../support.ts";
import { frame } from "./parsers/transport.ts";
import { DRIVER, GRANT, PARTIES, PLAIN, SESSION } from "./world.ts";

const ms = async (work: () => unknown): Promise<number> => {
  const began = performance.now();
  await work();
  return performance.now() - began;
};

describe("canonical CBOR", () => {
  it("with arrays in arrays is refused at once: 100 nests of 4,000 levels in a message took 10 s to look at", async () => {
    const nest = [...new Array<number>(4000).fill(0x81), 0x00];
    const bytes = Uint8Array.from([0x98, 100, ...Array.from({ length: 100 }, () => nest).flat()]);
    let code = "";
    expect(await ms(async () => (code = await codeOf(() => fromCbor(bytes, "hello", "X"))))).toBeLessThan(1000);
    expect(code).toBe("X");
  });

  it("has 16 levels and no more", () => {
    const levels = (n: number): Wire => (n === 1 ? [] : [levels(n - 1)]);
    expect(fromCbor(toCbor(levels(16)), "x", "X")).toBeInstanceOf(Fields);
    expect(() => fromCbor(toCbor(levels(18)), "x", "X")).toThrow(/16 levels/);
  });

  it("is written to bytes whose slice is a copy, whatever the encoder made of them", () => {
    for (const wire of [[1], [new Uint8Array(48), new Uint8Array(48), new Uint8Array(48)], ["a".repeat(300)]]) {
      const bytes = toCbor(wire);
      expect(Buffer.isBuffer(bytes)).toBe(false);
      bytes.slice()[0] = 0;
      expect(bytes[0]).not.toBe(0);
    }
  });
});

describe("bounds of a grant", () => {
  const bounded = (least: number, most: number): Grant => ({
    ...GRANT,
    inputs: [{ owners: [], sources: [{ kind: "public", least, most, distinct: false }], rows: 1 }],
  });
  const through = (g: Grant): string => {
    const session = new Session({ ...PLAIN.file, grants: [{ grant: g, signatures: [] }] });
    const again = Session.fromJson(session.toJson());
    expect(Session.fromBytes(session.toBytes()).hex).toBe(again.hex);
    return again.hex === session.hex ? "same" : "another";
  };

  it("are the same through JSON, which knows neither -0 nor infinity", () => {
    expect(through(bounded(-0, 0.5))).toBe("same");
    expect(through(bounded(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY))).toBe("same");
  });

  it("that JSON could not say are refused as bytes", async () => {
    const bytes = grantToBytes({ grant: bounded(1, 2), signatures: [] });
    for (const bits of ["8000000000000000", "7ff8000000000000", "fff8000000000001"]) {
      const hex = Buffer.from(bytes).toString("hex").replace("483ff0000000000000", `48${bits}`);
      expect(await codeOf(() => grantFromBytes(new Uint8Array(Buffer.from(hex, "hex"))))).toBe("GRANT_INVALID");
    }
  });
});

describe("a link that is lost", () => {
  const link = (): FrameLink =>
    new FrameLink(
      { write: (_, written) => written(), end: () => Promise.resolve(), destroy: () => {} },
      { peer: "party 1 (clinic-b)", message: 4096, queue: 65_536, timeout: 60_000 },
    );

  it("ends a receive whose frame has begun: it waited for ever", async () => {
    const l = link();
    l.feed(frame({ run: 0, op: 0, lane: 0 }, new Uint8Array(64)).subarray(0, 40));
    l.closed();
    expect(await codeOf(() => l.receive({ run: 0, op: 0, lane: 0 }, new Uint8Array(64)))).toBe("MPC_PARTY_LOST");
  });

  it("hears nothing that follows in the same piece of the stream", () => {
    const l = link();
    let heard = 0;
    l.onControl = () => {
      heard++;
      l.fail(new TacitError("MPC_HANDSHAKE", "spoke out of turn"));
    };
    const word = frame({ run: CONTROL_RUN, op: 0, lane: 0 }, Uint8Array.of(1));
    l.feed(new Uint8Array(Buffer.concat([word, word, word])));
    expect(heard).toBe(1);
  });

  it("has taken no memory for a frame that was announced and did not come", () => {
    const l = new FrameLink(
      { write: (_, written) => written(), end: () => Promise.resolve(), destroy: () => {} },
      { peer: "party 1 (clinic-b)", message: 2 ** 28, queue: 2 ** 30, timeout: 60_000 },
    );
    const before = process.memoryUsage.rss();
    const head = frame({ run: 0, op: 0, lane: 0 }, new Uint8Array(0));
    new DataView(head.buffer).setUint32(0, 2 ** 28, true);
    l.feed(head);
    l.feed(new Uint8Array(1000));
    expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 26);
    l.closed();
  });
});

describe("a party's replies", () => {
  /** A client whose party is played by the test. */
  async function played(
    greeting: Wire,
  ): Promise<{ opening: Promise<PartyClient>; party: Channel; heard: Uint8Array[]; gone: () => boolean }> {
    const [mine, party] = channelPair();
    const heard: Uint8Array[] = [];
    let closed = false;
    party.listen({ message: (m) => heard.push(m), closed: () => (closed = true) });
    const opening = PartyClient.open(SESSION, 1, mine);
    opening.catch(() => {});
    party.send(toCbor(greeting));
    await new Promise((resolve) => setTimeout(resolve, 20));
    return { opening, party, heard, gone: () => closed };
  }

  it("that are not whole end the request that they name: it waited for ever", async () => {
    const challenge = new Uint8Array(32).fill(4);
    for (const body of [
      ["reply", "driver", 0, 7, []],
      ["reply", "driver", 0, true, 7],
      ["reply", "driver", 0, true, [], []],
      ["reply", "driver", 0, false, ["CODE"]],
    ] as const) {
      const { opening, party, heard } = await played(["tacit", CLIENT_VERSION, [SOFTWARE, challenge]]);
      const client = await opening;
      while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      const nonce = fromCbor(heard[0]!, "hello", "X", 4);
      nonce.text();
      nonce.uint();
      nonce.text();
      const scope = { session: SESSION.id, channel: channelId(challenge, nonce.bytes(32), PARTIES[1]!.public) };
      const asked = codeOf(() => client.request(DRIVER, { type: "drive" }));
      party.send(await sealEnvelope(scope, PARTIES[1]!, 0, body));
      expect(await asked).toBe("ENVELOPE_INVALID");
    }
  });

  it("that begin with a challenge of another length close the connection", async () => {
    const { opening, gone } = await played(["tacit", CLIENT_VERSION, [SOFTWARE, new Uint8Array(31)]]);
    expect(await codeOf(() => opening)).toBe("ENVELOPE_INVALID");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(gone()).toBe(true);
  });

  it("and transcripts put no control characters on a terminal", () => {
    const e = readError(fromCbor(toCbor(["no code", "\u001b[2Jgone\u202e", "\u0007"]), "x", "X"));
    expect([e.code, e.message, e.hint]).toEqual(["MPC_PARTY_LOST", "?[2Jgone?", "?"]);
    const line = JSON.stringify({ event: "reveal", to: "\u001b[31mdriver", why: ["x"] });
    expect(accountOf([line, "no JSON", "null", '{"event":"run","bound":3}'])).toEqual({
      runs: 0,
      programs: [],
      disclosures: { "? to ?[31mdriver": 1 },
    });
  });
});

describe("messages", () => {
  it("have no control, format or line-separating characters, whichever bytes they name", async () => {
    const e = new TacitError("X", "a\u001b[2J\u007f\u202e\u2028\ud800 é …\nb", { hint: "\u0000" });
    expect([e.message, e.hint]).toEqual(["a?[2J???? é …\nb", "?"]);
    const config = await errorOf(() => parsePartyConfig('{"sess\u007fn":1}', "party.json"));
    expect(config.message).toContain("sess?n");
  });
});

describe("what an owner reads before signing", () => {
  it("has no lines that a name in the grant made, and can be read whenever the grant ends", () => {
    const to = "driver, for x\n  opens  nothing: all results stay shared";
    const grant: Grant = { ...GRANT, program: "", disclosures: [{ output: 0, to, why: "\u202egnihtyna" }], expires: 2 ** 53 - 1 };
    const lines = showAsked({ title: "open", grant, program: null }, "data-owner", 16).split("\n");
    expect(lines.filter((l) => l.startsWith("  opens"))).toEqual([]);
    expect(lines.filter((l) => l.startsWith("  OPENS"))).toHaveLength(1);
    expect(lines.join()).not.toContain("\u202e");
    expect(lines.at(-1)).toContain("until the session ends");
  });
});

describe("values", () => {
  const aval = (dtype: number, shape: number[]): Fields => fromCbor(toCbor([dtype, shape]), "aval", "X");

  it("cannot have rows of nothing without end: a policy that asks for rows counted them", async () => {
    expect(await codeOf(() => readAval(aval(0, [2 ** 40, 0])))).toBe("ENVELOPE_INVALID");
    expect(readAval(aval(0, [5, 0])).shape).toEqual([5, 0]);
  });

  it("of booleans are 0 or 1", async () => {
    const bool = { dtype: "bool", shape: [2] } as const;
    expect(await codeOf(() => valuesOf(Uint8Array.of(0, 7), bool))).toBe("ENVELOPE_INVALID");
    expect([...valuesOf(Uint8Array.of(0, 1), bool)]).toEqual([0, 1]);
  });
});

describe("what parties exchange", () => {
  it("cannot announce its size in less than a size: that was an error of ours", async () => {
    const link = {
      peer: "party 1",
      onControl: (_: Uint8Array) => {},
      onLost: () => {},
      sendControl: () => {},
      awaiting: (work: unknown) => work,
    };
    const peers = new Peers(SESSION, { links: [undefined, link], early: () => [] } as unknown as Mesh, { lost: () => {} });
    await Promise.resolve();
    const said = codeOf(() => peers.exchange("held 9", Uint8Array.of(1)));
    link.onControl(toCbor(["part", "held 9 size", new Uint8Array(2)]));
    expect(await said).toBe("MPC_FRAME_INVALID");
  });
});

describe("files", () => {
  it("of digits that are no number are refused at once: 100,000 digits and a letter took minutes", async () => {
    let code = "";
    expect(
      await ms(async () => (code = await codeOf(() => parseCsv(`${"1".repeat(100_000)}x\n`, { header: false })))),
    ).toBeLessThan(1000);
    expect(code).toBe("CSV_INVALID");
  });

  it("cannot announce rows of nothing without end", async () => {
    expect(await codeOf(() => parseIdx(Uint8Array.from([0, 0, 8, 2, 255, 255, 255, 255, 0, 0, 0, 0])))).toBe("SIZE_LIMIT");
    expect(parseIdx(Uint8Array.from([0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 0])).shape).toEqual([3, 0]);
    const header = (shape: string): Uint8Array => {
      const text = `{"a":{"dtype":"F32","shape":${shape},"data_offsets":[0,0]}}`;
      return new Uint8Array(Buffer.concat([Buffer.from(BigUint64Array.of(BigInt(text.length)).buffer), Buffer.from(text)]));
    };
    expect(await codeOf(() => decodeSafetensors(header("[9007199254740991,0]")))).toBe("SAFETENSORS_INVALID");
    expect(decodeSafetensors(header("[3,0]")).tensors.get("a")?.shape).toEqual([3, 0]);
  });
});
