/** @file A process whose link hears nothing for a while, says its last words and closes: node closer-main.ts PORT. Ends when the link is closed. */
import { connect } from "node:tls";
import { FrameLink } from "../../src/transport/frame-link.ts";
import { connectionOf } from "../../src/transport/tls.ts";

const socket = connect({ port: Number(process.argv[2]), host: "127.0.0.1", rejectUnauthorized: false });
socket.on("error", () => socket.destroy());
socket.once("secureConnect", () => {
  connectionOf(socket).attach((carrier) => {
    const link = new FrameLink(carrier, { peer: "the talker", message: 1_000_000, queue: 64_000_000, timeout: 10_000 });
    link.onControl = () => {
      // What the other side sends meanwhile stays unread.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
      link.sendControl(Buffer.from("party 2 is faulty"));
      void link.close();
    };
    link.sendControl(Buffer.from("here"));
    return link;
  });
});
