/** @file No reader of strangers' bytes is forgotten: whoever decodes CBOR or JSON, or looks into bytes by hand, stands in the registry. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { PARSERS } from "./registry.ts";

const PACKAGES = fileURLToPath(new URL("../../..", import.meta.url));

/** What a file does that reads bytes of others. */
const READS = /\bfromCbor\(|\bJSON\.parse\(|\bnew DataView\(|\bFields\b.* from |\bTextDecoder\(|\breadRows\(|\bparseHeaderJson\(/;

/** Files that read what is their own, and why. */
const OWN: Readonly<Record<string, string>> = {
  "core/src/ops/constant/value.ts": "the bits of a number of its own",
  "core/src/data/sampler.ts": "the bits of a number of its own",
  "core/src/data/workers.ts": "an error of its own worker",
  "core/src/data/table.ts": "rows that readRows has checked: see CSV",
  "core/src/data/examples.ts": "rows that readRows has checked: see CSV",
  "core/src/io/half.ts": "the bits of a number of its own",
  "core/src/io/tensors.ts": "hands text to parseIndex: see safetensors index",
  "privacy/src/budgets/ledger.ts": "events of a ledger file of this machine's own, checked by its accountant",
  "privacy/src/queries/table.ts": "rows that readRows has checked: see CSV",
  "kernels/src/ring/reference-chacha.ts": "its own block",
  "mpc/src/driver/checkpoints.ts": "hands bytes to readManifest",
  "mpc/src/client/group.ts": "hands replies on",
  "mpc/src/party/lock.ts": "a file of this machine's own, bounded; one of another form names no holder",
  "mpc/src/party/checkpoints/values.ts": "what this party sealed itself, opened under its own key",
  "cli/src/passphrase.ts": "the person's own passphrase",
  "cli/src/commands/party.ts": "hands text to parsePartyConfig",
  "cli/src/commands/predict.ts": "words of a file that safetensors has read, checked one by one",
  "cli/src/commands/session.ts": "hands text to parsePublic",
};

it("every file that reads bytes of strangers is guarded by a parser of the registry", () => {
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "--", "*/src/*.ts"], {
    cwd: PACKAGES,
    encoding: "utf8",
  })
    .split("\n")
    .filter((f) => f !== "" && existsSync(join(PACKAGES, f)));
  expect(files.length).toBeGreaterThan(300);
  const guarded = new Set(PARSERS.flatMap((p) => p.guards));
  const forgotten = files.filter((f) => READS.test(readFileSync(join(PACKAGES, f), "utf8")) && !guarded.has(f) && !(f in OWN));
  expect(forgotten).toEqual([]);
});

it("every guard and every exception is a file that is there", () => {
  const named = [...PARSERS.flatMap((p) => p.guards), ...Object.keys(OWN)];
  expect(named.filter((f) => !existsSync(join(PACKAGES, f)))).toEqual([]);
});
