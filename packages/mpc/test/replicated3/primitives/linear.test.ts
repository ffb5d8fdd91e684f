/** @file Matrix products, convolutions, sums and movement of shares against BigInt loops. */
import { beforeAll, describe, expect, it } from "vitest";
import * as r3 from "../../../src/protocols/replicated3/primitives/index.ts";
import { Harness, randomIntegers, randomWords } from "./harness.ts";

let h: Harness;
let next = 0;
const newId = (): number => (next += 64);
beforeAll(async () => {
  h = await Harness.start();
});

type Two = (ctx: r3.Context, me: 0 | 1 | 2) => r3.Raw;
async function opened(make: Two): Promise<BigInt64Array> {
  const id = newId();
  const z = await h.run((ctx, me) => r3.reshare(ctx, id, make(ctx, me)));
  const out = h.reveal(z);
  await h.run((ctx, me) => r3.free(ctx, z[me]!));
  return out;
}

function matmul(X: BigInt64Array, Y: BigInt64Array, s: r3.MatmulShape): BigInt64Array {
  const { m, k, n, batch = 1, strideA = m * k, strideB = k * n } = s;
  const out = new BigInt64Array(batch * m * n);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0n;
        for (let p = 0; p < k; p++) {
          const x = X[b * strideA + (s.transposeA ? p * m + i : i * k + p)]!;
          sum += x * Y[b * strideB + (s.transposeB ? j * k + p : p * n + j)]!;
        }
        out[(b * m + i) * n + j] = sum;
      }
    }
  }
  return out;
}

describe("matrix products", () => {
  const shapes: r3.MatmulShape[] = [
    { m: 1, k: 1, n: 1 },
    { m: 3, k: 17, n: 5 },
    { m: 50, k: 33, n: 10, transposeA: true },
    { m: 49, k: 20, n: 31, transposeB: true },
    { m: 61, k: 7, n: 1, transposeA: true, transposeB: true },
    { m: 4, k: 6, n: 5, batch: 4 },
    { m: 2, k: 9, n: 3, batch: 3, strideB: 0 },
    { m: 5, k: 0, n: 4 },
    { m: 52, k: 3, n: 2, batch: 2, strideA: 0, transposeB: true },
  ];
  it.each(shapes)("of shape %j are exact, shared and public", async (s) => {
    const { m, k, n, batch = 1 } = s;
    const X = randomWords((s.strideA === 0 ? 1 : batch) * m * k);
    const Y = randomWords((s.strideB === 0 ? 1 : batch) * k * n);
    const [x, y] = [h.share(X), h.share(Y)];
    const want = matmul(X, Y, s);
    for (const id of [0, 1, 2]) expect(await opened((ctx, me) => r3.matmulRaw(ctx, id, x[me]!, y[me]!, s))).toEqual(want);
    expect(h.reveal(await h.run((ctx, me) => r3.matmulPublic(ctx, X, y[me]!, s)))).toEqual(want);
    expect(h.reveal(await h.run((ctx, me) => r3.matmulPublic(ctx, x[me]!, Y, s)))).toEqual(want);
  });
});

interface Walk {
  readonly out: number;
  readonly x: number;
  readonly w: number;
}

/** Every triple (output, input, weight) of a convolution. */
function* walk(s: r3.ConvShape): Generator<Walk> {
  const { oh, ow } = r3.convOutput(s);
  const [cg, og] = [s.c / s.groups, s.o / s.groups];
  for (let n = 0; n < s.n; n++) {
    for (let o = 0; o < s.o; o++) {
      for (let y = 0; y < oh; y++) {
        for (let x = 0; x < ow; x++) {
          for (let c = 0; c < cg; c++) {
            for (let i = 0; i < s.kh; i++) {
              for (let j = 0; j < s.kw; j++) {
                const row = y * s.strideH + i * s.dilH - s.padH;
                const col = x * s.strideW + j * s.dilW - s.padW;
                if (row < 0 || col < 0 || row >= s.h || col >= s.w) continue;
                const channel = Math.floor(o / og) * cg + c;
                yield {
                  out: ((n * s.o + o) * oh + y) * ow + x,
                  x: ((n * s.c + channel) * s.h + row) * s.w + col,
                  w: ((o * cg + c) * s.kh + i) * s.kw + j,
                };
              }
            }
          }
        }
      }
    }
  }
}

describe("convolutions", () => {
  const plain = { strideH: 1, strideW: 1, padH: 0, padW: 0, dilH: 1, dilW: 1, groups: 1 };
  const shapes: r3.ConvShape[] = [
    { ...plain, n: 2, c: 1, h: 9, w: 8, o: 3, kh: 5, kw: 5, padH: 2, padW: 2 },
    { ...plain, n: 3, c: 4, h: 7, w: 6, o: 6, kh: 3, kw: 2, strideH: 2, strideW: 3, padH: 1, groups: 2 },
    { ...plain, n: 1, c: 3, h: 8, w: 9, o: 3, kh: 2, kw: 3, dilH: 3, dilW: 2, padW: 4, groups: 3 },
    { ...plain, n: 4, c: 5, h: 3, w: 3, o: 2, kh: 1, kw: 1 },
    { ...plain, n: 2, c: 2, h: 5, w: 5, o: 2, kh: 2, kw: 2, strideH: 4, strideW: 5 },
    { ...plain, n: 1, c: 1, h: 2, w: 2, o: 1, kh: 4, kw: 4, padH: 3, padW: 1 },
  ];
  it.each(shapes)("of shape %j and their gradients are exact, shared and public", async (s) => {
    const { oh, ow } = r3.convOutput(s);
    const X = randomWords(s.n * s.c * s.h * s.w);
    const W = randomWords((s.o * s.c * s.kh * s.kw) / s.groups);
    const G = randomWords(s.n * s.o * oh * ow);
    const want = { out: new BigInt64Array(G.length), x: new BigInt64Array(X.length), w: new BigInt64Array(W.length) };
    for (const t of walk(s)) {
      want.out[t.out]! += X[t.x]! * W[t.w]!;
      want.x[t.x]! += G[t.out]! * W[t.w]!;
      want.w[t.w]! += G[t.out]! * X[t.x]!;
    }
    const [x, w, g] = [h.share(X), h.share(W), h.share(G)];
    expect(await opened((ctx, me) => r3.convRaw(ctx, next % 3, x[me]!, w[me]!, s))).toEqual(want.out);
    expect(await opened((ctx, me) => r3.convGradInputRaw(ctx, 1, g[me]!, w[me]!, s))).toEqual(want.x);
    expect(await opened((ctx, me) => r3.convGradWeightRaw(ctx, 2, x[me]!, g[me]!, s))).toEqual(want.w);
    expect(h.reveal(await h.run((ctx, me) => r3.convPublic(ctx, X, w[me]!, s)))).toEqual(want.out);
    expect(h.reveal(await h.run((ctx, me) => r3.convGradInputPublic(ctx, g[me]!, W, s)))).toEqual(want.x);
    expect(h.reveal(await h.run((ctx, me) => r3.convGradWeightPublic(ctx, x[me]!, G, s)))).toEqual(want.w);
  });
});

describe("local operations", () => {
  it("add, subtract, negate, scale and take public values, element by element", async () => {
    const n = 1001;
    const [X, Y] = [randomWords(n), randomWords(n)];
    const [x, y] = [h.share(X), h.share(Y)];
    const check = async (op: (ctx: r3.Context, me: 0 | 1 | 2) => r3.Shares, want: (i: number) => bigint): Promise<void> => {
      expect(h.reveal(await h.run(op))).toEqual(X.map((_, i) => want(i)));
    };
    await check(
      (ctx, me) => r3.add(ctx, x[me]!, y[me]!),
      (i) => X[i]! + Y[i]!,
    );
    await check(
      (ctx, me) => r3.sub(ctx, x[me]!, y[me]!),
      (i) => X[i]! - Y[i]!,
    );
    await check(
      (ctx, me) => r3.neg(ctx, x[me]!),
      (i) => -X[i]!,
    );
    await check(
      (ctx, me) => r3.addPublic(ctx, x[me]!, Y),
      (i) => X[i]! + Y[i]!,
    );
    await check(
      (ctx, me) => r3.addPublic(ctx, x[me]!, -5n),
      (i) => X[i]! - 5n,
    );
    await check(
      (ctx, me) => r3.mulPublicInteger(ctx, x[me]!, -3n),
      (i) => X[i]! * -3n,
    );
    await check(
      (ctx, me) => r3.mulPublicInteger(ctx, x[me]!, Y),
      (i) => X[i]! * Y[i]!,
    );
    await check(
      (ctx) => r3.fromPublic(ctx, X),
      (i) => X[i]!,
    );
    await check(
      (ctx, me) => r3.copy(ctx, r3.view(x[me]!, 0, n)),
      (i) => X[i]!,
    );
  });

  it("broadcast rows and columns, and sum over any axis", async () => {
    const [rows, cols] = [7, 13];
    const [X, R, C] = [randomWords(rows * cols), randomWords(cols), randomWords(rows)];
    const [x, r, c] = [h.share(X), h.share(R), h.share(C)];
    const table = [
      [r3.addRow, r, (v: bigint, i: number) => v + R[i % cols]!],
      [r3.subRow, r, (v: bigint, i: number) => v - R[i % cols]!],
      [r3.addColumn, c, (v: bigint, i: number) => v + C[Math.floor(i / cols)]!],
      [r3.subColumn, c, (v: bigint, i: number) => v - C[Math.floor(i / cols)]!],
    ] as const;
    for (const [op, line, want] of table) {
      expect(h.reveal(await h.run((ctx, me) => op(ctx, x[me]!, line[me]!, rows, cols)))).toEqual(X.map(want));
    }
    const row = await opened((ctx, me) => r3.mulRowRaw(ctx, x[me]!, r[me]!, rows, cols));
    expect(row).toEqual(X.map((v, i) => v * R[i % cols]!));
    const column = await opened((ctx, me) => r3.mulColumnRaw(ctx, x[me]!, c[me]!, rows, cols));
    expect(column).toEqual(X.map((v, i) => v * C[Math.floor(i / cols)]!));
    for (const [outer, axis, inner] of [
      [7, 13, 1],
      [1, 7, 13],
      [7, 1, 13],
      [1, 91, 1],
    ] as const) {
      const want = new BigInt64Array(outer * inner);
      X.forEach((v, i) => {
        want[Math.floor(i / (axis * inner)) * inner + (i % inner)]! += v;
      });
      expect(h.reveal(await h.run((ctx, me) => r3.sum(ctx, x[me]!, outer, axis, inner)))).toEqual(want);
      const squares = await opened((ctx, me) => r3.sumRaw(ctx, r3.mulRaw(ctx, x[me]!, x[me]!), outer, axis, inner));
      const wantSquares = new BigInt64Array(outer * inner);
      X.forEach((v, i) => {
        wantSquares[Math.floor(i / (axis * inner)) * inner + (i % inner)]! += v * v;
      });
      expect(squares).toEqual(wantSquares);
    }
  });

  it("combine raw products linearly before one truncation", async () => {
    const n = 300;
    const [X, Y, B] = [randomIntegers(n, 20), randomIntegers(n, 20), randomIntegers(n, 20)];
    const [x, y, b] = [h.share(X), h.share(Y), h.share(B)];
    const got = await opened((ctx, me) => {
      const p = r3.scaleRaw(ctx, r3.mulRaw(ctx, x[me]!, y[me]!), -7n);
      return r3.addRaw(ctx, r3.addToRaw(ctx, p, b[me]!, 1n << 16n), r3.toRaw(ctx, x[me]!));
    });
    expect(got).toEqual(X.map((v, i) => v * Y[i]! * -7n + (B[i]! << 16n) + v));
  });

  it("permute, slice, expand, flip, pad and concatenate", async () => {
    const X = randomWords(2 * 3 * 5);
    const x = h.share(X);
    const read = async (shape: number[], strides: number[], offset = 0): Promise<BigInt64Array> =>
      h.reveal(await h.run((ctx, me) => r3.stridedRead(ctx, x[me]!, shape, strides, offset)));
    const want: bigint[] = [];
    for (let k = 0; k < 5; k++) for (let i = 0; i < 2; i++) for (let j = 0; j < 3; j++) want.push(X[(i * 3 + j) * 5 + k]!);
    expect(await read([5, 2, 3], [1, 15, 5])).toEqual(BigInt64Array.from(want));
    expect([...(await read([2, 2, 2], [15, 5, 2], 6))]).toEqual([6, 8, 11, 13, 21, 23, 26, 28].map((i) => X[i]!));
    expect([...(await read([3, 2], [0, 1], 4))]).toEqual([4, 5, 4, 5, 4, 5].map((i) => X[i]!));
    expect([...(await read([30], [-1], 29))]).toEqual([...X].reverse());
    expect([...(await read([], [], 3))]).toEqual([X[3]!]);
    expect((await read([0, 3], [1, 1])).length).toBe(0);
    const padded = await h.run((ctx, me) => {
      const wide = r3.zeros(ctx, 4 * 7);
      return r3.stridedWrite(ctx, r3.view(x[me]!, 0, 6), wide, [2, 3], [14, 2], 8);
    });
    const pad = new BigInt64Array(28);
    for (let i = 0; i < 2; i++) for (let j = 0; j < 3; j++) pad[8 + 14 * i + 2 * j] = X[i * 3 + j]!;
    expect(h.reveal(padded)).toEqual(pad);
    await expect(read([31], [1])).rejects.toThrow(/stridedRead: expected elements within 30/);
    await expect(read([2], [-1], 0)).rejects.toThrow(/stridedRead/);
  });
});
