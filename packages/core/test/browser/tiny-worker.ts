/** @file The Worker of the browser tests. */
import { trainTiny } from "./tiny.ts";

addEventListener("message", (e: MessageEvent<{ threads: number }>) => {
  const threads = crossOriginIsolated ? e.data.threads : 1;
  trainTiny({ threads }).then(
    (losses) => postMessage({ losses, isolated: crossOriginIsolated }),
    (error: unknown) => postMessage({ error: String(error) }),
  );
});
