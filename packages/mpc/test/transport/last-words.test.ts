/** @file What a party says last reaches another that is busy, and sends meanwhile what nobody will read. */
import { fork } from "node:child_process";
import { createServer, type TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { leafOf } from "../../src/identity/certificate.ts";
import { Identity } from "../../src/identity/identity.ts";
import { FrameLink } from "../../src/transport/frame-link.ts";
import { connectionOf } from "../../src/transport/tls.ts";

const sleepWhole = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

it("last words are heard by a side that computes while the other closes, and has sent it what it did not read", async () => {
  const leaf = await leafOf(await Identity.generate("talker"));
  const server = createServer({ key: leaf.key, cert: leaf.cert });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const arrived = new Promise<TLSSocket>((resolve) => server.once("secureConnection", resolve));
  const closer = fork(fileURLToPath(new URL("closer-main.ts", import.meta.url)), [String(port)], { stdio: "inherit" });
  const exited = new Promise((resolve) => closer.once("exit", resolve));
  const socket = await arrived;
  socket.on("error", () => socket.destroy());
  const heard: string[] = [];
  await new Promise<void>((resolve) => {
    connectionOf(socket).attach((carrier) => {
      const link = new FrameLink(carrier, { peer: "the closer", message: 1_000_000, queue: 64_000_000, timeout: 10_000 });
      link.onLost = () => resolve();
      const sendAll = (first: number): void => {
        for (let op = first; op < first + 4; op++) link.send({ run: 1, op, lane: 0 }, 0, new Uint8Array(100_000));
      };
      link.onControl = (bytes) => {
        heard.push(Buffer.from(bytes).toString());
        if (heard.length > 1) return;
        link.sendControl(Buffer.from("go"));
        setTimeout(() => {
          sendAll(0);
          setTimeout(() => {
            // Computes until the other is gone, and sends before it reads again.
            sleepWhole(500);
            sendAll(8);
          }, 20);
        }, 50);
      };
      return link;
    });
  });
  await exited;
  server.close();
  expect(heard).toEqual(["here", "party 2 is faulty"]);
});
