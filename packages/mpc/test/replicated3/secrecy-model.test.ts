/** @file Truncation enumerated in a ring of 4 bits: what roles 0 and 1 see is uniform whatever x is; mutants are not. */
import { describe, expect, it } from "vitest";

// A model of as/truncate.ts in Z_2^K, F bits of shift: W = F + 1 bits of correction.
const K = 4;
const F = 1;
const W = F + 1;
const RING = 2 ** K;
const HALF = RING / 2;
const QUARTER = RING / 4;
const mod = (v: number): number => v & (RING - 1);
const modW = (v: number): number => v & (2 ** W - 1);

/** Randomness: zero-share masks of k_0 and k_2; rho0, mu0, nu0 of k_0; nu2 of k_2. */
interface Pads {
  f0: number;
  f2: number;
  rho0: number;
  mu0: number;
  nu0: number;
  nu2: number;
}

interface Outcome {
  /** What role 0 receives (6 bits), what role 1 receives (12 bits), as one number each. */
  readonly views: readonly [number, number];
  readonly y: number;
  readonly rho: number;
  /** What roles 0 and 1 know of x, modulo 2^F. */
  readonly low: number;
}

/** One execution on z_0 + z_1 + z_2 = x. `wear` may change the pads (mutants). */
function truncate(z: readonly [number, number, number], pads: Pads, wear: (p: Pads) => Pads): Outcome {
  const p = wear(pads);
  const z0 = mod(z[0] + p.f0);
  const z1 = mod(z[1] - p.f2);
  const z2 = mod(z[2] + p.f2 - p.f0);
  const c = mod(z0 + z1 + QUARTER);
  const r = mod(-z2);
  const mc = c >> (K - 1);
  const mr = r >> (K - 1);
  const rest = (v: number): number => (v & (HALF - 1)) >> F;
  const w = mod(-rest(r) - p.rho0);
  const mu2 = modW(mr - p.mu0);
  const d0 = modW(p.mu0 * (1 - 2 * mc) - p.nu0);
  const d1 = modW(mu2 * (1 - 2 * mc) - p.nu2);
  const scale = HALF >> F;
  const y0 = mod(p.rho0 + p.nu0 * scale);
  const y1 = mod(rest(c) - (QUARTER >> F) + scale * modW(mc + d0 + d1));
  const y2 = mod(w + p.nu2 * scale);
  const y = mod(y0 + y1 + y2);
  return {
    views: [z1 * 4 + d1, ((z0 * 16 + w) * 4 + mu2) * 4 + d0],
    y: y >= HALF ? y - RING : y,
    rho: r % 2 ** F,
    low: c % 2 ** F,
  };
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

function* allPads(): Generator<Pads> {
  for (const f0 of range(RING))
    for (const f2 of range(RING))
      for (const rho0 of range(RING))
        for (const mu0 of range(2 ** W))
          for (const nu0 of range(2 ** W)) for (const nu2 of range(2 ** W)) yield { f0, f2, rho0, mu0, nu0, nu2 };
}

const PADS: readonly Pads[] = [...allPads()];

type Counts = Uint32Array<ArrayBuffer>;

/** For each role, how often each (own pads, received) occurs: must be the same for every x. */
function histograms(z: readonly [number, number, number], wear: (p: Pads) => Pads): [Counts, Counts] {
  const counts: [Counts, Counts] = [new Uint32Array(2 ** 18), new Uint32Array(2 ** 18)];
  for (const p of PADS) {
    const { views } = truncate(z, p, wear);
    counts[0][(((p.f0 * 16 + p.rho0) * 4 + p.mu0) * 4 + p.nu0) * 64 + views[0]]!++;
    counts[1][(p.f2 * 4 + p.nu2) * 4096 + views[1]]!++;
  }
  return counts;
}

function alike(a: Counts, b: Counts): boolean {
  return Buffer.compare(new Uint8Array(a.buffer), new Uint8Array(b.buffer)) === 0;
}

const same = (p: Pads): Pads => p;
/** Values with the same parts at role 0 (its view is to depend on nothing but them), or at role 1. */
const fixedRole0 = [-4, -1, 0, 3].map((x) => [5, mod(x - 5 - 9), 9] as const);
const fixedRole1 = [-4, -1, 0, 3].map((x) => [mod(x - 6 - 9), 6, 9] as const);

describe("truncation in a ring of 4 bits", () => {
  it("gives floor((x + rho) / 2^f) for every x in range and every pad, rho as role 2 knows it", () => {
    for (let x = -QUARTER; x <= QUARTER; x++) {
      for (const z2 of range(RING)) {
        for (const p of PADS.filter((_, i) => i % 997 === 0)) {
          const out = truncate([mod(x - z2 - 3), 3, z2], p, same);
          expect(out.y).toBe(Math.floor((x + out.rho) / 2 ** F));
          expect(mod(x + out.rho + QUARTER) % 2 ** F).toBe(out.low);
        }
      }
    }
  });

  it("shows roles 0 and 1 exactly uniform messages, the same for every x", () => {
    for (const [role, inputs] of [
      [0, fixedRole0],
      [1, fixedRole1],
    ] as const) {
      const all = inputs.map((z) => histograms(z, same)[role]);
      for (const h of all) expect(alike(h, all[0]!)).toBe(true);
      expect(all[0]!.every((count) => count === all[0]![0])).toBe(true);
    }
  });

  const MUTANTS: Readonly<Record<string, (p: Pads) => Pads>> = {
    "rho0 = 0": (p) => ({ ...p, rho0: 0 }),
    "mu0 = 0": (p) => ({ ...p, mu0: 0 }),
    "nu0 = 0": (p) => ({ ...p, nu0: 0 }),
    "nu2 = 0": (p) => ({ ...p, nu2: 0 }),
    "no zero-share of k_0": (p) => ({ ...p, f0: 0 }),
    "no zero-share of k_2": (p) => ({ ...p, f2: 0 }),
    "mu0 = nu0": (p) => ({ ...p, mu0: p.nu0 }),
    "rho0 overlaps mu0": (p) => ({ ...p, rho0: (p.rho0 & ~3) | p.mu0 }),
    "rho0 = f0": (p) => ({ ...p, rho0: p.f0 }),
    "nu0 overlaps f0": (p) => ({ ...p, nu0: p.f0 & 3 }),
  };
  it.each(Object.keys(MUTANTS))("betrays the mutant '%s': some role's view depends on x", (name) => {
    const wear = MUTANTS[name]!;
    const depends = ([0, 1] as const).some((role) => {
      const inputs = role === 0 ? fixedRole0 : fixedRole1;
      const [first, second] = [inputs[0]!, inputs.at(-1)!].map((z) => histograms(z, wear)[role]);
      return !alike(first!, second!);
    });
    expect(depends).toBe(true);
  });
});
