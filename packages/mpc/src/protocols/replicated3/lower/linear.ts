/** @file Linear layers: matrix products and convolutions with their gradients. The result is a raw product: whoever reads it truncates. */
import { sizeOf } from "@tacit/core/program";
import {
  type ConvShape,
  convGradInputPublic,
  convGradInputRaw,
  convGradWeightPublic,
  convGradWeightRaw,
  convPublic,
  convRaw,
  type MatmulShape,
  matmulPublic,
  matmulRaw,
  type PublicOr,
  type Raw,
  type Shares,
} from "../primitives/index.ts";
import { toRing } from "./fixed-point.ts";
import type { Handler, NodeRun } from "./run.ts";
import { Held, integerOf, type SecretValue, type Single } from "./value.ts";

type Factor = Pick<Single, "factor" | "key" | "fixed" | "by">;

/** A factor of a product: keys say where factors came from. */
export function product(x: Factor, y: Factor): Required<Factor> {
  return {
    factor: x.factor * y.factor,
    fixed: (x.fixed ?? 0) + (y.fixed ?? 0),
    key: [x.key, y.key].filter((k) => k !== "").join("*"),
    by: integerOf(x) * integerOf(y),
  };
}

interface Bilinear {
  secret(x: Shares, y: Shares): Raw;
  known(x: PublicOr, y: PublicOr): Shares;
}

/** A bilinear op on two secrets, or a secret and a public array. */
async function bilinear(n: NodeRun, op: Bilinear): Promise<SecretValue> {
  const scale = 2 * n.f;
  const secret = [0, 1].filter((i) => !n.isPublic(i));
  if (secret.length === 2) {
    return n.singles([0, 1], async (x, y) => {
      const made = { source: op.secret(x!.shares, y!.shares), scale, ...product(x!, y!), bits: n.bits };
      return n.of(await n.bounded([made]));
    });
  }
  const known = toRing(await n.publicValues(secret[0] === 0 ? 1 : 0), n.f);
  return n.singles(secret, async (x) => {
    const { shares, ...like } = x!;
    const made = secret[0] === 0 ? op.known(shares, known) : op.known(known, shares);
    return n.of(await n.bounded([{ source: new Held(n.ctx, made), scale, ...like, bits: n.bits }]));
  });
}

function matmulShape(n: NodeRun): MatmulShape {
  const [a, b] = [n.arg(0).shape, n.arg(1).shape];
  const [transposeA, transposeB] = [n.attrs[0] === 1, n.attrs[1] === 1];
  const [rows, inner] = [a[a.length - 2]!, a[a.length - 1]!];
  const cols = b[b.length - (transposeB ? 2 : 1)]!;
  const [m, k] = transposeA ? [inner, rows] : [rows, inner];
  const batch = sizeOf((a.length > 2 ? a : b).slice(0, -2));
  const strides = { strideA: a.length > 2 ? m * k : 0, strideB: b.length > 2 ? k * cols : 0 };
  // A stack of matrices against one: the rows lie one below the other, one product does.
  if (a.length > 2 && b.length === 2 && !transposeA) return { m: m * batch, k, n: cols, transposeB };
  return { m, k, n: cols, transposeA, transposeB, batch, ...strides };
}

const matmul: Handler = (n) => {
  const shape = matmulShape(n);
  return bilinear(n, {
    secret: (x, y) => matmulRaw(n.ctx, n.step(0), x, y, shape),
    known: (x, y) => matmulPublic(n.ctx, x, y, shape),
  });
};

/** Attributes of a convolution, with the shapes of its input and weights. */
export function convShape(attrs: readonly number[], x: readonly number[], w: readonly number[]): ConvShape {
  const [strideH, strideW, padH, padW, dilH, dilW, groups] = attrs as [number, number, number, number, number, number, number];
  const [n, c, h, width] = x as [number, number, number, number];
  const [o, , kh, kw] = w as [number, number, number, number];
  return { n, c, h, w: width, o, kh, kw, strideH, strideW, padH, padW, dilH, dilW, groups };
}

const conv2d: Handler = (n) => {
  const shape = convShape(n.attrs, n.arg(0).shape, n.arg(1).shape);
  return bilinear(n, {
    secret: (x, w) => convRaw(n.ctx, n.step(0), x, w, shape),
    known: (x, w) => convPublic(n.ctx, x, w, shape),
  });
};

const conv2dGradInput: Handler = (n) => {
  const shape = convShape(n.attrs, n.aval.shape, n.arg(1).shape);
  return bilinear(n, {
    secret: (g, w) => convGradInputRaw(n.ctx, n.step(0), g, w, shape),
    known: (g, w) => convGradInputPublic(n.ctx, g, w, shape),
  });
};

const conv2dGradWeight: Handler = (n) => {
  const shape = convShape(n.attrs, n.arg(0).shape, n.aval.shape);
  return bilinear(n, {
    secret: (x, g) => convGradWeightRaw(n.ctx, n.step(0), x, g, shape),
    known: (x, g) => convGradWeightPublic(n.ctx, x, g, shape),
  });
};

export const LINEAR: ReadonlyMap<string, Handler> = new Map(
  Object.entries({ matmul, conv2d, conv2dGradInput, conv2dGradWeight }),
);
