/** @file Serves the page on loopback: node examples/browser/serve.ts [port]. Cross-origin isolated, so that threads are possible. */
import { fileURLToPath } from "node:url";
import { createServer } from "vite";

const root = fileURLToPath(new URL(".", import.meta.url));
const server = await createServer({
  root,
  configFile: false,
  logLevel: "error",
  server: {
    host: "127.0.0.1",
    port: Number(process.argv[2] ?? 5173),
    fs: { allow: [fileURLToPath(new URL("../..", import.meta.url))] },
    headers: { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" },
  },
});
await server.listen();
process.stdout.write(`${server.resolvedUrls?.local[0]}\n`);
