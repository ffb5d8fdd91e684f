/** @file Matrix products: gemm with strides for transposes and batches, bias and relu in its epilogue. */
import { F32_KERNELS, type GemmParams } from "@tacit/kernels";
import { sizeOf } from "../../../program/aval.ts";
import type { GraphNode } from "../graph.ts";
import { call } from "../steps.ts";
import { type View, whole } from "../view.ts";
import { copyInto } from "./copy.ts";
import type { Lowering } from "./lowering.ts";
import type { LowerRow } from "./row.ts";

/** A matrix operand: its buffer, strides of rows and columns, elements from one matrix to the next. */
interface Matrix {
  readonly base: number;
  readonly offset: number;
  readonly rows: number;
  readonly columns: number;
  readonly batch: number;
}

/** What follows the product. */
export interface Epilogue {
  /** Value of shape [n], added to every row. */
  readonly bias?: number;
  readonly relu?: boolean;
  /** Value that takes the result (default: the product's own). */
  readonly out?: number;
}

/** The operand through its view where one of its two strides is 1 and its batches lie evenly, else a dense copy. */
function matrix(to: Lowering, v: number, transposed: boolean): Matrix {
  const view = to.view(v);
  const usable = asMatrix(view);
  const found = usable === undefined ? undefined : { ...usable, base: to.base(view) };
  const m = found ?? asMatrix(whole(to.dense(v), to.aval(v).shape))!;
  return transposed ? { ...m, rows: m.columns, columns: m.rows } : m;
}

function asMatrix(view: View): Matrix | undefined {
  const r = view.shape.length;
  const rows = view.shape[r - 2] === 1 ? view.shape[r - 1]! : view.strides[r - 2]!;
  const columns = view.shape[r - 1] === 1 ? 1 : view.strides[r - 1]!;
  if ((rows !== 1 && columns !== 1) || rows <= 0 || columns <= 0) return undefined;
  let batch = 0;
  let span = 0;
  for (let d = r - 3; d >= 0; d--) {
    if (view.shape[d] === 1) continue;
    if (span === 0) batch = view.strides[d]!;
    else if (view.strides[d] !== batch * span) return undefined;
    span = (span || 1) * view.shape[d]!;
  }
  return batch < 0 ? undefined : { base: view.base, offset: view.offset, rows, columns, batch };
}

/** Lowers the matmul `v`; `p` as in GemmParams. With one matrix B for all batches of a row-major A, the batches are more rows. */
export function lowerMatmul(to: Lowering, v: number, node: GraphNode, epilogue: Epilogue = {}): void {
  const { sizes, reads, params } = gemmOf(to, node);
  const out = epilogue.out ?? v;
  const bias = epilogue.bias === undefined ? undefined : to.dense(epilogue.bias);
  to.kernel({
    label: `gemm ${sizes}${bias === undefined ? "" : " bias"}${epilogue.relu ? " relu" : ""}`,
    reads: bias === undefined ? reads : [...reads, bias],
    writes: [out],
    flops: 2 * sizeOf(node.aval.shape) * params.k,
    calls: (at) => [
      call(F32_KERNELS.gemm, {
        ...params,
        a: params.a + at(reads[0]!),
        b: params.b + at(reads[1]!),
        c: at(out),
        ...(bias === undefined ? {} : { colBias: at(bias) }),
        ...(epilogue.relu ? { relu: true } : {}),
      }),
    ],
  });
}

/** out = from - step * product. */
export interface Descent {
  readonly out: number;
  readonly from: number;
  /** Value of one element. */
  readonly step: number;
}

/** Lowers a product that is scaled and subtracted at once; into the buffer of `from` where `out` takes that over, else into a copy. */
export function lowerDescent(to: Lowering, node: GraphNode, { out, from, step }: Descent): void {
  const { sizes, reads, params } = gemmOf(to, node);
  const [axpy, old] = [to.dense(step), to.dense(from)];
  const view = whole(old, [sizeOf(node.aval.shape)]);
  const reread = [...reads, axpy].some((v) => to.root(v).root === to.root(old).root);
  to.kernel({
    label: `gemm ${sizes} descent`,
    reads: [...reads, axpy, old],
    writes: [out],
    inPlace: [reread ? [] : [old]],
    flops: 2 * sizeOf(node.aval.shape) * params.k,
    calls: (at) => [
      ...(at(old) === at(out) ? [] : copyInto(view, { ...view, base: out }, "f32", at)),
      call(F32_KERNELS.gemm, {
        ...params,
        a: params.a + at(reads[0]!),
        b: params.b + at(reads[1]!),
        c: at(out),
        axpy: at(axpy),
      }),
    ],
  });
}

interface Gemm {
  readonly sizes: string;
  /** A, B. */
  readonly reads: readonly [number, number];
  /** Addresses are offsets in bytes. */
  readonly params: GemmParams;
}

function gemmOf(to: Lowering, node: GraphNode): Gemm {
  const [ta, tb] = [node.attrs[0] === 1, node.attrs[1] === 1];
  const [va, vb] = node.args as [number, number];
  const a = matrix(to, va, ta);
  const b = matrix(to, vb, tb);
  const shape = node.aval.shape;
  const n = shape.at(-1)!;
  const k = to.aval(va).shape.at(ta ? -2 : -1)!;
  let m = shape.at(-2)!;
  let batch = sizeOf(shape.slice(0, -2));
  if (batch > 1 && a.batch > 0 && b.batch === 0 && (a.batch === m * a.rows || m === 1)) {
    const rows = m === 1 ? a.batch : a.rows;
    const merged = { ...a, rows };
    if (a.columns === 1 || rows === 1) {
      m *= batch;
      batch = 1;
      return gemm(merged, b, m, n, k, batch);
    }
  }
  return gemm(a, b, m, n, k, batch);
}

function gemm(a: Matrix, b: Matrix, m: number, n: number, k: number, batch: number): Gemm {
  return {
    sizes: `${batch > 1 ? `${batch}x` : ""}${m}x${n}x${k}`,
    reads: [a.base, b.base],
    params: {
      a: 4 * a.offset,
      b: 4 * b.offset,
      c: 0,
      m,
      n,
      k,
      rsa: a.rows,
      csa: a.columns,
      rsb: b.rows,
      csb: b.columns,
      batch,
      batchStrideA: a.batch,
      batchStrideB: b.batch,
    },
  };
}

const matmul: LowerRow = {
  can: (node) => node.aval.dtype === "f32",
  lower: (to, v, node) => lowerMatmul(to, v, node),
};

export const MATMUL: Readonly<Record<string, LowerRow>> = { matmul };
