/** @file Ring convolution and its gradients against the reference. */
import { describe, expect, test } from "vitest";
import {
  type ConvShape,
  convInputGradientReference,
  convReference,
  convTable,
  convWeightGradientReference,
  type RingKernels,
  type Width,
} from "../../src/ring/index.ts";
import { Arena, BUILDS, random, ringOf } from "./harness.ts";

type Rng = ReturnType<typeof random>;

/** Any stride, padding (even past the kernel), dilation and groups whose output is not empty. */
function randomShape(rng: Rng): ConvShape {
  const groups = 1 + rng.below(3);
  const pick = { kh: 1 + rng.below(3), kw: 1 + rng.below(4), dilationH: 1 + rng.below(2), dilationW: 1 + rng.below(3) };
  const stride = { strideH: 1 + rng.below(4), strideW: 1 + rng.below(3), padH: rng.below(4), padW: rng.below(5) };
  const h = pick.dilationH * (pick.kh - 1) + 1 + rng.below(6);
  const w = pick.dilationW * (pick.kw - 1) + 1 + rng.below(6);
  const oh = Math.floor((h + 2 * stride.padH - pick.dilationH * (pick.kh - 1) - 1) / stride.strideH) + 1;
  const ow = Math.floor((w + 2 * stride.padW - pick.dilationW * (pick.kw - 1) - 1) / stride.strideW) + 1;
  const sizes = { n: 1 + rng.below(3), c: groups * (1 + rng.below(3)), o: groups * (1 + rng.below(4)), h, w, oh, ow };
  return { ...sizes, ...pick, ...stride, groups };
}

function check(kernels: RingKernels, width: Width, s: ConvShape, rng: Rng): void {
  const arena = new Arena(kernels, width);
  const fill = (n: number): bigint[] => Array.from({ length: n }, () => rng.element(width));
  const sizes = { x: s.n * s.c * s.h * s.w, w: (s.o * s.c * s.kh * s.kw) / s.groups, y: s.n * s.o * s.oh * s.ow };
  const [x, w, dy] = [fill(sizes.x), fill(sizes.w), fill(sizes.y)];
  const table = arena.putWords(convTable(s));
  const bytes = kernels[`convWorkspaceBytes${width}`](table);
  const workspace = arena.alloc(bytes, 1);
  const [px, pw, py] = [arena.put(x), arena.put(w), arena.put(dy)];
  const cases = [
    ["convForward", px, pw, convReference(width, s, x, w)],
    ["convInputGradient", py, pw, convInputGradientReference(width, s, dy, w)],
    ["convWeightGradient", px, py, convWeightGradientReference(width, s, x, dy)],
  ] as const;
  for (const [name, first, second, product] of cases) {
    const accumulate = rng.below(2);
    const old = fill(product.length);
    const out = arena.put(old);
    kernels[`${name}${width}`](table, first, second, out, accumulate, workspace);
    const want = product.map((v, i) => BigInt.asUintN(width, v + (accumulate ? old[i]! : 0n)));
    expect(arena.get(out, want.length), `${name}${width} ${JSON.stringify(s)} accumulate ${accumulate}`).toEqual(want);
    expect(arena.intact(out, want.length) && arena.intact(workspace, bytes, 1), name).toBe(true);
  }
}

describe.each(BUILDS)("ring convolution (%s)", (build) => {
  test.each([64, 32] as const)("and both gradients equal the reference for random shapes (u%i)", async (width) => {
    const kernels = await ringOf(build);
    const rng = random(width + 11);
    for (let t = 0; t < 40; t++) check(kernels, width, randomShape(rng), rng);
  });

  test.each([64, 32] as const)("handles 1x1 kernels, wide lines and stride above the kernel (u%i)", async (width) => {
    const kernels = await ringOf(build);
    const rng = random(width + 13);
    const one = { strideH: 1, strideW: 1, padH: 0, padW: 0, dilationH: 1, dilationW: 1 };
    check(kernels, width, { ...one, n: 2, c: 4, h: 5, w: 7, o: 6, kh: 1, kw: 1, groups: 2, oh: 5, ow: 7 }, rng);
    check(
      kernels,
      width,
      { ...one, n: 1, c: 1, h: 4, w: 70, o: 2, kh: 3, kw: 3, groups: 1, padH: 1, padW: 1, oh: 4, ow: 70 },
      rng,
    );
    check(
      kernels,
      width,
      { ...one, n: 1, c: 2, h: 9, w: 9, o: 3, kh: 1, kw: 2, groups: 1, strideH: 4, strideW: 5, oh: 3, ow: 2 },
      rng,
    );
    check(kernels, width, { ...one, n: 0, c: 2, h: 3, w: 3, o: 3, kh: 2, kw: 2, groups: 1, oh: 2, ow: 2 }, rng);
  });
});
