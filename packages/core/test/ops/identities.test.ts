/** @file Ops against other ops: decompositions, and identities that tie every family to a simpler one. Random shapes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Expr, emit } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import { OPS } from "../../src/ops/table.ts";
import { CASES, type Case, title } from "./cases.ts";
import { type Arg, expectClose, f, filled, index, placeholders, run, typed, values } from "./harness.ts";

/** Builds two results from the same arguments and compares them. */
function equal(args: readonly Arg[], build: (...x: Expr[]) => [Expr, Expr], tolerance = 1e-12, what = ""): void {
  const leaves = placeholders(args);
  const [a, b] = build(...leaves);
  expect([...a.shape]).toEqual([...b.shape]);
  expect(a.dtype).toBe(b.dtype);
  const [x, y] = run(
    [a, b],
    leaves,
    args.map((arg, i) => values(arg, i + 1)),
  );
  expectClose(x!, y!, tolerance, what);
}

const size = fc.integer({ min: 0, max: 4 });
const shape = fc.array(size, { maxLength: 4 });
const property = <T>(arbitrary: fc.Arbitrary<T>, check: (x: T) => void): void =>
  fc.assert(fc.property(arbitrary, check), { numRuns: 60 });

describe("decompositions", () => {
  const composites = CASES.filter((c) => OPS.get(c.op)?.decompose !== undefined);

  it.each(composites.map((c) => [title(c), c] as const))("compute what the op computes: %s", (_, c: Case) => {
    equal(c.args, (...x) => [emit(c.op, x, c.attrs), OPS.get(c.op)!.decompose!(x, c.attrs)], 1e-12);
  });

  it("exist for the composites of the catalogue", () => {
    const names = [...OPS.values()].filter((row) => row.decompose !== undefined).map((row) => row.name);
    const special = "acos acosh asin asinh atan2 atanh cosh erfc expm1 lgamma log10 log1p log2 polygamma sinh tan";
    const layers = "attention attentionGrad gru gruGrad layerNorm layerNormGrad lstm lstmGrad rnn rnnGrad";
    const others = "gelu logSoftmax relu reluGrad softmax softmaxCrossEntropy softmaxCrossEntropyGrad";
    expect(names.sort()).toEqual(`${special} ${layers} ${others}`.split(" ").sort());
  });

  it("handle an empty axis of softmax", () => {
    equal([f(2, 0)], (x) => [op.softmax(x, 1), OPS.get("softmax")!.decompose!([x], [1])]);
  });
});

describe("the list of cases", () => {
  it("has every op of the table", () => {
    expect([...new Set(CASES.map((c) => c.op))].sort()).toEqual([...OPS.keys()].sort());
  });

  it("computes the same at f32 and f64, to f32 precision", () => {
    for (const c of CASES.filter((k) => k.op !== "partyNoise" && k.args.every((a) => a.dtype !== "f32" || a.shape.length > 0))) {
      const leaves = placeholders(c.args);
      const out = [emit(c.op, leaves, c.attrs)];
      const given = c.args.map((a, i) => values(a, i + 5));
      expectClose(run(out, leaves, given, "f32")[0]!, run(out, leaves, given)[0]!, 2e-5, title(c));
    }
  });
});

describe("movement", () => {
  it("permute by a permutation and its inverse is nothing", () => {
    property(
      shape.chain((s) =>
        fc.tuple(
          fc.constant(s),
          fc.shuffledSubarray(
            s.map((_, i) => i),
            { minLength: s.length },
          ),
        ),
      ),
      ([s, axes]) =>
        equal([f(...s)], (x) => [
          emit(
            "permute",
            [emit("permute", [x], axes)],
            axes.map((_, i) => axes.indexOf(i)),
          ),
          x,
        ]),
    );
  });

  it("flip twice is nothing", () => {
    property(
      shape.chain((s) => fc.tuple(fc.constant(s), fc.subarray(s.map((_, i) => i)))),
      ([s, axes]) => equal([f(...s)], (x) => [emit("flip", [emit("flip", [x], axes)], axes), x]),
    );
  });

  it("slice takes back what pad put around and between", () => {
    const padding = fc.record({
      n: size,
      lo: fc.integer({ min: 0, max: 3 }),
      hi: fc.integer({ min: 0, max: 3 }),
      gap: fc.integer({ min: 0, max: 2 }),
    });
    property(fc.array(padding, { maxLength: 3 }), (p) => {
      const stop = p.map(({ n, lo, gap }) => lo + (n === 0 ? 0 : (n - 1) * (gap + 1) + 1));
      equal(p.length === 0 ? [f()] : [f(...p.map((d) => d.n))], (x) => [
        op.slice(
          op.pad(
            x,
            p.map((d) => d.lo),
            p.map((d) => d.hi),
            p.map((d) => d.gap),
          ),
          p.map((d) => d.lo),
          stop,
          p.map((d) => d.gap + 1),
        ),
        x,
      ]);
    });
  });

  it("cat of the slices is the whole", () => {
    property(fc.tuple(size, size, size, size), ([a, b, c, d]) =>
      equal([f(c, a + b, d)], (x) => [op.cat([op.slice(x, [0, 0, 0], [c, a, d]), op.slice(x, [0, a, 0], [c, a + b, d])], 1), x]),
    );
  });

  it("expand is a product with ones", () => {
    property(fc.tuple(size, size, size), ([a, b, c]) =>
      equal([f(b, 1)], (x) => [op.expand(x, [a, b, c]), op.mul(x, op.full([a, b, c], "f32", 1))]),
    );
  });
});

describe("sums of products", () => {
  it("matmul is a broadcast product and a sum", () => {
    property(fc.tuple(size, size, size, fc.boolean(), fc.boolean()), ([m, k, n, ta, tb]) =>
      equal([ta ? f(2, k, m) : f(2, m, k), tb ? f(n, k) : f(k, n)], (a, b) => {
        const left = op.reshape(ta ? op.transpose(a) : a, [2, m, k, 1]);
        const right = op.reshape(tb ? op.transpose(b) : b, [1, 1, k, n]);
        return [op.matmul(a, b, ta, tb), op.sum(op.mul(left, right), [2])];
      }),
    );
  });

  const window = fc.record({
    n: fc.integer({ min: 1, max: 2 }),
    h: fc.integer({ min: 3, max: 6 }),
    w: fc.integer({ min: 3, max: 6 }),
    kh: fc.integer({ min: 1, max: 3 }),
    kw: fc.integer({ min: 1, max: 2 }),
    sh: fc.integer({ min: 1, max: 4 }),
    sw: fc.integer({ min: 1, max: 2 }),
    ph: fc.integer({ min: 0, max: 2 }),
    pw: fc.integer({ min: 0, max: 1 }),
    dh: fc.integer({ min: 1, max: 2 }),
    dw: fc.integer({ min: 1, max: 2 }),
    groups: fc.integer({ min: 1, max: 2 }),
    o: fc.integer({ min: 1, max: 3 }),
    c: fc.integer({ min: 1, max: 2 }),
  });

  /** One strided slice of a padded image for each place of the kernel. */
  function taps(
    x: Expr,
    p: { kh: number; kw: number; sh: number; sw: number; ph: number; pw: number; dh: number; dw: number },
  ): Expr[] {
    const [n, c, h, w] = x.shape as [number, number, number, number];
    const oh = Math.floor((h + 2 * p.ph - p.dh * (p.kh - 1) - 1) / p.sh) + 1;
    const ow = Math.floor((w + 2 * p.pw - p.dw * (p.kw - 1) - 1) / p.sw) + 1;
    const padded = op.pad(x, [0, 0, p.ph, p.pw], [0, 0, p.ph, p.pw]);
    const out: Expr[] = [];
    for (let i = 0; i < p.kh; i++) {
      for (let j = 0; j < p.kw; j++) {
        const [top, left] = [i * p.dh, j * p.dw];
        out.push(
          op.slice(padded, [0, 0, top, left], [n, c, top + (oh - 1) * p.sh + 1, left + (ow - 1) * p.sw + 1], [1, 1, p.sh, p.sw]),
        );
      }
    }
    return out;
  }

  it("conv2d is a sum of scaled slices of the padded image", () => {
    property(window, (p) => {
      fc.pre(p.h + 2 * p.ph > p.dh * (p.kh - 1) && p.w + 2 * p.pw > p.dw * (p.kw - 1));
      const o = p.o * p.groups;
      equal([f(p.n, p.c * p.groups, p.h, p.w), f(o, p.c, p.kh, p.kw)], (x, w) => {
        const slices = taps(x, p);
        const channels = Array.from({ length: o }, (_, k) => {
          const first = Math.floor(k / p.o) * p.c;
          const terms = slices.map((s, t) => {
            const part = op.slice(s, [0, first, 0, 0], [p.n, first + p.c, s.shape[2]!, s.shape[3]!]);
            const [i, j] = [Math.floor(t / p.kw), t % p.kw];
            const tap = op.reshape(op.slice(w, [k, 0, i, j], [k + 1, p.c, i + 1, j + 1]), [1, p.c, 1, 1]);
            return op.sum(op.mul(part, tap), [1], true);
          });
          return terms.reduce(op.add);
        });
        return [op.conv2d(x, w, [p.sh, p.sw, p.ph, p.pw, p.dh, p.dw, p.groups]), op.cat(channels, 1)];
      });
    });
  });

  it("avgPool2d with its padding counted is a mean of slices", () => {
    property(window, (p) => {
      const q = { ...p, dh: 1, dw: 1, ph: Math.min(p.ph, p.kh >> 1), pw: Math.min(p.pw, p.kw >> 1) };
      equal([f(p.n, p.c, p.h, p.w)], (x) => [
        op.avgPool2d(x, [q.kh, q.kw, q.sh, q.sw, q.ph, q.pw, 1]),
        op.mul(taps(x, q).reduce(op.add), op.constant("f32", 1 / (q.kh * q.kw))),
      ]);
    });
  });

  it("maxPool2d is the maximum of slices of an image that padding cannot win", () => {
    property(window, (p) => {
      const q = { ...p, dh: 1, dw: 1, ph: Math.min(p.ph, p.kh >> 1), pw: Math.min(p.pw, p.kw >> 1) };
      // Positive images: the zeros of pad never are the largest.
      equal([filled("positive", p.n, p.c, p.h, p.w)], (x) => [
        op.maxPool2d(x, [q.kh, q.kw, q.sh, q.sw, q.ph, q.pw]),
        taps(x, q).reduce(op.maximum),
      ]);
    });
  });
});

describe("indexing", () => {
  it("gather is a product with one-hot rows", () => {
    property(fc.tuple(fc.integer({ min: 1, max: 5 }), size), ([n, k]) =>
      equal([f(n), index(n, k)], (x, i) => [
        op.gather(x, i, 0),
        op.reshape(op.matmul(op.oneHot(i, n, "f32"), op.reshape(x, [n, 1])), [k]),
      ]),
    );
  });

  it("scatterAdd is the transpose of gather", () => {
    property(fc.tuple(fc.integer({ min: 1, max: 4 }), size, size), ([n, k, m]) =>
      equal([f(n, m), index(n, k, m), f(k, m)], (x, i, y) => [
        op.sum(op.mul(op.gather(x, i, 0), y), [0, 1]),
        op.sum(op.mul(x, op.scatterAdd(op.zeros(x), i, y, 0)), [0, 1]),
      ]),
    );
  });

  it("indexSelect and indexAdd are gather and scatterAdd with an expanded index", () => {
    property(fc.tuple(fc.integer({ min: 1, max: 4 }), size, size), ([n, k, m]) => {
      const wide = (i: Expr): Expr => op.expand(op.reshape(i, [k, 1]), [k, m]);
      equal([f(n, m), index(n, k)], (x, i) => [op.indexSelect(x, i, 0), op.gather(x, wide(i), 0)]);
      equal([f(n, m), index(n, k), f(k, m)], (x, i, y) => [op.indexAdd(x, i, y, 0), op.scatterAdd(x, wide(i), y, 0)]);
    });
  });

  it("sort is gather by argsort, and ascending", () => {
    property(fc.tuple(size, size, fc.boolean()), ([n, m, descending]) => {
      equal([filled("ties", n, m)], (x) => [op.sort(x, 0, descending), op.gather(x, op.argsort(x, 0, descending), 0)]);
    });
  });

  it("cumsum ends in the sum", () => {
    property(fc.tuple(fc.integer({ min: 1, max: 4 }), size), ([n, m]) =>
      equal([typed("i32", "normal", n, m)], (x) => [op.slice(op.cumsum(x, 0), [n - 1, 0], [n, m]), op.sum(x, [0], true)]),
    );
  });

  it("iota is the running sum of ones, less one", () => {
    property(fc.tuple(size, size), ([n, m]) =>
      equal([], () => [op.iota("i32", 1, [n, m]), op.sub(op.cumsum(op.full([n, m], "i32", 1), 1), op.constant("i32", 1))]),
    );
  });
});
