/** @file MNIST's ways: directory, cache, download from a loopback server, drawn digits; wrong, missing and hostile files. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeIdx } from "../../src/data/idx.ts";
import { mnist } from "../../src/data/mnist.ts";
import { MNIST, type MnistCatalogue } from "../../src/data/mnist-files.ts";
import { codeOfAsync } from "../errors.ts";

/** A data set in MNIST's form: 5 training and 2 test pictures of 3x4. */
function small(): { catalogue: MnistCatalogue; bytes: Map<string, Uint8Array> } {
  const bytes = new Map<string, Uint8Array>();
  const make = (file: string, shape: number[]): MnistCatalogue["files"]["trainImages"] => {
    const values = Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) =>
      shape.length === 1 ? i % 3 : (i * 37) % 256,
    );
    const raw = encodeIdx({ values, shape, dtype: "u8" });
    bytes.set(file, raw);
    return { file, shape, sha256: createHash("sha256").update(raw).digest("hex") };
  };
  const files = {
    trainImages: make("a", [5, 3, 4]),
    trainLabels: make("b", [5]),
    testImages: make("c", [2, 3, 4]),
    testLabels: make("d", [2]),
  };
  return { catalogue: { name: "Small", folder: "small", files }, bytes };
}

const { catalogue, bytes } = small();
let root = "";
let server: Server;
let base = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tacit-"));
  server = createServer((request, response) => {
    const [, kind, file] = (request.url ?? "").split("/");
    const raw = bytes.get((file ?? "").replace(/\.gz$/, ""));
    if (raw === undefined || kind === "missing") return response.writeHead(404).end();
    if (kind === "wrong") return response.end(gzipSync(Uint8Array.from(raw, (b) => b ^ 1)));
    if (kind === "endless") return response.end(Buffer.alloc(20 << 20));
    return response.end(gzipSync(raw));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(root, { recursive: true, force: true });
});

/** A fresh directory with these files under `small/`. */
async function directory(name: string, files: ReadonlyMap<string, Uint8Array>): Promise<string> {
  const path = join(root, name);
  await mkdir(join(path, "small"), { recursive: true });
  for (const [file, content] of files) await writeFile(join(path, "small", file), content);
  return path;
}

const gzipped = (): Map<string, Uint8Array> => new Map([...bytes].map(([file, raw]) => [`${file}.gz`, gzipSync(raw)]));

describe("mnist", () => {
  test("reads raw or gzip files from a directory, pictures in [0, 1] with a channel, labels as i32", async () => {
    for (const [name, files] of [
      ["raw", bytes],
      ["gzip", gzipped()],
    ] as const) {
      const path = await directory(name, files);
      const { train, test: held, name: what, origin } = await mnist({ directory: path, cache: join(root, "none"), catalogue });
      expect([what, origin, train.length, held.length]).toEqual(["Small", join(path, "small"), 5, 2]);
      expect(train.name).toBe("Small, 5 training images");
      for await (const [x, y] of train.batch(5)) {
        expect([x.shape, x.dtype, y.dtype]).toEqual([[5, 1, 3, 4], "f32", "i32"]);
        expect((await x.data())[1]).toBeCloseTo(37 / 255, 6);
        expect(await y.tolist()).toEqual([0, 1, 2, 0, 1]);
      }
    }
  });

  test("reads TACIT_DATA", async () => {
    const former = process.env.TACIT_DATA;
    process.env.TACIT_DATA = await directory("environment", bytes);
    try {
      expect((await mnist({ cache: join(root, "none"), catalogue })).name).toBe("Small");
    } finally {
      if (former === undefined) delete process.env.TACIT_DATA;
      else process.env.TACIT_DATA = former;
    }
  });

  test("downloads into the cache once, past mirrors that fail, and reads the cache from then on", async () => {
    const cache = join(root, "cache");
    const mirrors = [`${base}/missing`, `${base}/wrong/`, `${base}/good`];
    const options = { directory: join(root, "nowhere"), cache, catalogue, mirrors };
    expect((await mnist({ ...options, source: "download" })).name).toBe("Small");
    expect((await readdir(join(cache, "small"))).sort()).toEqual(["a.gz", "b.gz", "c.gz", "d.gz"]);
    expect((await mnist({ ...options, mirrors: [], source: "download" })).origin).toBe(join(cache, "small"));
    expect((await mnist({ ...options, mirrors: [], source: "files" })).name).toBe("Small");
  });

  test("refuses wrong contents, endless answers and dead servers, and leaves no file behind", async () => {
    for (const mirror of [`${base}/wrong`, `${base}/endless`, `${base}/missing`, "http://127.0.0.1:1/"]) {
      const cache = join(root, `cache-${mirror.split("/").at(-1)}`);
      const download = mnist({ directory: join(root, "nowhere"), cache, catalogue, mirrors: [mirror], source: "download" });
      expect(await codeOfAsync(download)).toBe("DATA_DOWNLOAD");
      expect(await readdir(cache).catch(() => [])).toEqual([]);
    }
  });

  test("names a file whose contents are not the data set's", async () => {
    const path = await directory("altered", new Map([...bytes, ["c", Uint8Array.from(bytes.get("c")!, (b) => b ^ 4)]]));
    const read = mnist({ directory: path, cache: join(root, "none"), catalogue });
    await expect(read).rejects.toThrow(join(path, "small", "c"));
    expect(await codeOfAsync(mnist({ directory: path, cache: join(root, "none"), catalogue }))).toBe("DATA_CHECKSUM");
    const cut = await directory("cut", new Map([...gzipped(), ["a.gz", gzipSync(bytes.get("a")!).subarray(0, 30)]]));
    expect(await codeOfAsync(mnist({ directory: cut, cache: join(root, "none"), catalogue }))).toBe("GZIP_INVALID");
  });

  test("draws digits where there are no files, and says so; 'files' insists", async () => {
    const options = { directory: join(root, "nowhere"), cache: join(root, "none"), drawn: { train: 30, test: 10, seed: 3 } };
    const drawn = await mnist(options);
    expect([drawn.name, drawn.origin, drawn.train.length, drawn.test.length]).toEqual([
      "digits drawn by Tacit",
      "seed 3",
      30,
      10,
    ]);
    expect(await codeOfAsync(mnist({ ...options, source: "files" }))).toBe("DATA_NOT_FOUND");
    expect(await codeOfAsync(mnist({ source: "elsewhere" as "auto" }))).toBe("ARGUMENT_INVALID");
  });
});

test.runIf(process.env.TACIT_DATA !== undefined)("the real MNIST has the pinned contents", async () => {
  const { train, test: held, name } = await mnist({ source: "files", catalogue: MNIST });
  expect([name, train.length, held.length]).toEqual(["MNIST", 60_000, 10_000]);
  for await (const [x, y] of train.take(3).batch(3)) {
    expect(x.shape).toEqual([3, 1, 28, 28]);
    expect(await y.tolist()).toEqual([5, 0, 4]);
  }
});
