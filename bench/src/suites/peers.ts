/** @file The peers that can be installed: found where they are, left out where they are not. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Contender } from "../harness.ts";

const at = (file: string): string => fileURLToPath(new URL(`../../peers/${file}`, import.meta.url));

/** A JavaScript peer: present after `npm run bench:peers`. */
export function javascriptPeer(name: string, file: string, module: string): Contender | undefined {
  if (!existsSync(at(`node_modules/${module}/package.json`))) return undefined;
  return { name, command: [process.execPath, "--no-warnings", at(file)] };
}

let python: string | null | undefined;
/** The first python3 that has torch (Debian: the package python3-torch), or null. */
function pythonWithTorch(): string | null {
  if (python !== undefined) return python;
  python = null;
  for (const candidate of ["/usr/bin/python3", "python3"]) {
    try {
      execFileSync(candidate, ["-c", "import torch"], { stdio: "ignore" });
      python = candidate;
      break;
    } catch {
      // not there, or without torch: the peer is left out
    }
  }
  return python;
}

/** PyTorch native, with an optimised BLAS (Debian: libopenblas0-pthread; with the reference BLAS its products are 20 times slower), on `threads` threads. */
export function torchPeer(threads: number): Contender | undefined {
  const file = pythonWithTorch();
  if (file === null) return undefined;
  const env = { OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) };
  return { name: "pytorch", command: [file, at("torch_peer.py"), String(threads)], env };
}

/** Drops the peers that are not installed. */
export const present = (...peers: readonly (Contender | undefined)[]): readonly Contender[] =>
  peers.filter((p) => p !== undefined);
