/** @file What is published: manifests, and (long) archives that install, train and go into a page. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { build, preview } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { builtPaths, readManifest } from "../build-config.ts";
import { findChromium } from "../chromium.ts";
import { PACKAGES, packAll, publishedManifest } from "../pack.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const manifests = PACKAGES.map((name) => readManifest(join(root, "packages", name)));

describe.each(manifests)("the published $name", (manifest) => {
  test("exports the built form of what the workspace exports, and its commands too", () => {
    expect(manifest.publishConfig?.exports ?? {}).toEqual(builtPaths(manifest.exports ?? {}));
    expect(manifest.publishConfig?.bin ?? {}).toEqual(builtPaths(manifest.bin ?? {}));
  });

  test("has no scripts, no sources and no development dependencies", () => {
    const published = publishedManifest(manifest);
    expect(Object.keys(published)).not.toContain("scripts");
    expect(Object.keys(published)).not.toContain("devDependencies");
    expect(JSON.stringify(published)).not.toContain("./src/");
    expect(manifest.files).toContain("dist");
    expect(manifest.files).not.toContain("src");
  });

  test("depends on what it imports", () => {
    const imported = new Set<string>();
    const source = join(root, "packages", manifest.name.replace("@tacit/", ""), "src");
    for (const file of readdirSync(source, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts")) continue;
      const text = readFileSync(join(source, file), "utf8");
      for (const [, name] of text.matchAll(/^(?:import|export)\b[^"'`]*? from "((?:@[^/"]+\/)?[^/".][^/"]*)/gm))
        imported.add(name!);
    }
    const outside = [...imported].filter((name) => !name.startsWith("node:") && name !== manifest.name);
    const dependencies = Object.keys((manifest.dependencies as Record<string, string> | undefined) ?? {});
    expect(outside.filter((name) => !dependencies.includes(name))).toEqual([]);
  });
});

const TRAIN = `
import { cpu, data, nn, optim, Random, setDefaultDevice } from "@tacit/core";
const device = cpu({ threads: Number(process.argv[2]) });
setDefaultDevice(device);
const init = { random: new Random(7) };
const model = nn.sequential(nn.conv2d(1, 4, 5, { padding: 2, ...init }), nn.relu(), nn.maxPool2d(4), nn.flatten(), nn.linear(196, 10, init));
const opt = optim.adam(model, { lr: 3e-3 });
const { train } = data.drawnDigits({ train: 96, test: 8 });
const losses = [];
for await (const [x, y] of train.batch(32)) {
  const loss = nn.crossEntropy(model(x), y);
  await opt.step(loss);
  losses.push(await loss.item());
}
process.stdout.write(JSON.stringify(losses));
await device.stop();
`;

const PARTIES = `
import { mpc } from "@tacit/mpc";
const session = await mpc.local(3, { quiet: true });
await session.close();
console.log("3 parties");
`;

const PAGE = `
import { data, nn, optim } from "@tacit/core";
const model = nn.sequential(nn.flatten(), nn.linear(784, 10));
const opt = optim.sgd(model, { lr: 0.1 });
for await (const [x, y] of data.drawnDigits({ train: 96, test: 8 }).train.batch(32)) await opt.step(nn.crossEntropy(model(x), y));
document.title = "trained";
`;

if (process.env.TACIT_LONG !== undefined) {
  describe("the archives, installed into an empty directory", () => {
    const place = mkdtempSync(join(tmpdir(), "tacit-installed-"));
    const run = (file: string, args: readonly string[]): string =>
      execFileSync(file, [...args], { cwd: place, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

    beforeAll(() => {
      execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "pipe" });
      const archives = packAll(join(place, "archives"));
      writeFileSync(join(place, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }));
      run("npm", ["install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", ...archives]);
    }, 300_000);
    afterAll(() => rmSync(place, { recursive: true, force: true }));

    test("train three steps in Node, with the same losses on 1 and 2 threads", () => {
      writeFileSync(join(place, "train.js"), TRAIN);
      const losses = ["1", "2"].map((threads) => JSON.parse(run(process.execPath, ["train.js", threads])) as number[]);
      expect(losses[0]).toHaveLength(3);
      expect(losses[0]!.every((v) => v > 0 && v < 10)).toBe(true);
      expect(losses[1]).toEqual(losses[0]);
    });

    test("start three party processes and end them", () => {
      writeFileSync(join(place, "parties.js"), PARTIES);
      expect(run(process.execPath, ["parties.js"])).toBe("3 parties\n");
    });

    test("bring the tacit command", () => {
      expect(run(join(place, "node_modules/.bin/tacit"), ["--version"]).trim()).toMatch(/^\d+\.\d+\.\d+$/);
      expect(run(join(place, "node_modules/.bin/tacit"), ["explain", "SHAPE_MISMATCH"])).toContain("SHAPE_MISMATCH");
    });

    test("bring declarations that TypeScript accepts under strict settings", () => {
      writeFileSync(
        join(place, "use.ts"),
        `import { nn, Tensor } from "@tacit/core";\nexport const y: Tensor = nn.linear(2, 3)(Tensor.from([1, 2], [1, 2]));\n`,
      );
      const options = "--noEmit --strict --module nodenext --target esnext --skipLibCheck false --types node use.ts".split(" ");
      const types = ["--typeRoots", join(root, "node_modules/@types")];
      expect(run(join(root, "node_modules/.bin/tsc"), [...options, ...types])).toBe("");
    });

    test("go into a page that Vite builds, with the kernels beside it and no part of Node", async () => {
      const site = join(place, "site");
      mkdirSync(site);
      writeFileSync(join(site, "index.html"), '<!doctype html><script type="module" src="./page.js"></script>');
      writeFileSync(join(site, "page.js"), PAGE);
      const warnings: string[] = [];
      const outDir = join(place, "built");
      await build({
        root: site,
        configFile: false,
        logLevel: "silent",
        build: { outDir, target: "esnext", rolldownOptions: { onwarn: (w) => void warnings.push(w.message) } },
      });
      const files = readdirSync(join(outDir, "assets"));
      for (const kind of ["unshared.simd", "unshared.relaxed", "shared.simd", "shared.relaxed"]) {
        expect(files.filter((f) => f.startsWith(`f32.${kind}`) && f.endsWith(".wasm"))).toHaveLength(1);
      }
      const scripts = files.filter((f) => f.endsWith(".js")).map((f) => readFileSync(join(outDir, "assets", f), "utf8"));
      expect(scripts.some((s) => s.includes("trained"))).toBe(true);
      expect(scripts.filter((s) => /from\s*"node:/.test(s))).toEqual([]);
      expect(warnings).toEqual([]);
    });

    const executablePath = findChromium();
    if (executablePath !== null) {
      test("and that page trains in Chromium", async () => {
        const site = await preview({
          root: join(place, "site"),
          configFile: false,
          logLevel: "silent",
          build: { outDir: join(place, "built") },
          preview: { host: "127.0.0.1", port: 0 },
        });
        const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
        try {
          const page = await browser.newPage();
          const faults: string[] = [];
          page.on("pageerror", (e) => faults.push(e.message));
          await page.goto(site.resolvedUrls!.local[0]!);
          await page.waitForFunction("document.title === 'trained'", undefined, { timeout: 30_000 });
          expect(faults).toEqual([]);
        } finally {
          await browser.close();
          await site.close();
        }
      });
    }
  });
}
