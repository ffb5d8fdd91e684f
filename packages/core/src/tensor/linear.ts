/** @file Products and indexing: the methods whose PyTorch form has shapes to arrange first. */
import { expected } from "../errors.ts";
import { type Expr, emit } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { broadcastShapes, type Shape, sameShape, showShape } from "../program/aval.ts";
import type { DType } from "../program/dtype.ts";
import { axisOf } from "./axes.ts";
import type { TensorBase } from "./base.ts";
import { MovementTensor } from "./movement.ts";
import { commonDType } from "./operand.ts";
import type { Tensor } from "./tensor.ts";

/** Batched product of operands of rank >= 2: batch dimensions broadcast. */
function product(a: Expr, b: Expr): Expr {
  const [ra, rb] = [a.shape.length, b.shape.length];
  if (ra === 2 || rb === 2) return op.matmul(a, b);
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  if (sameShape(batchA, batchB)) return op.matmul(a, b);
  const batch: Shape = broadcastShapes("matmul", batchA, batchB);
  return op.matmul(op.expand(a, [...batch, ...a.shape.slice(-2)]), op.expand(b, [...batch, ...b.shape.slice(-2)]));
}

const indexed = (index: TensorBase): Expr => op.cast(index.expr, "i32");

/** The part of src that an index of this shape reads: PyTorch lets src be larger. */
export function trimmed(where: string, src: Expr, shape: readonly number[]): Expr {
  if (src.shape.length !== shape.length || shape.some((n, d) => n > src.shape[d]!))
    expected("SHAPE_MISMATCH", where, `a source of at least ${showShape(shape)}`, showShape(src.shape));
  return sameShape(src.shape, shape)
    ? src
    : op.slice(
        src,
        shape.map(() => 0),
        shape,
      );
}

/** Products and lookups. @throws SHAPE_MISMATCH; DTYPE_MISMATCH; INDEX_INVALID for an index outside, when it runs */
export abstract class LinearTensor extends MovementTensor {
  /** Matrix product with PyTorch's rules for vectors and batches. */
  matmul(other: TensorBase): Tensor {
    const [a, b] = this.sameDType("matmul", other);
    if (a.shape.length === 0 || b.shape.length === 0) {
      expected("SHAPE_MISMATCH", "matmul", "at least 1 dimension", `${showShape(a.shape)} and ${showShape(b.shape)}`);
    }
    const [va, vb] = [a.shape.length === 1, b.shape.length === 1];
    const y = product(va ? op.reshape(a, [1, ...a.shape]) : a, vb ? op.reshape(b, [...b.shape, 1]) : b);
    if (!va && !vb) return this.derive(y);
    const r = y.shape.length;
    return this.derive(
      op.reshape(
        y,
        y.shape.filter((_, i) => !(va && i === r - 2) && !(vb && i === r - 1)),
      ),
    );
  }
  /** Product of two matrices. */
  mm(other: TensorBase): Tensor {
    return this.ranked("mm", other, 2);
  }
  /** Products of two batches of matrices [B,M,K] and [B,K,N]. */
  bmm(other: TensorBase): Tensor {
    return this.ranked("bmm", other, 3);
  }
  /** Inner product of two vectors. */
  dot(other: TensorBase): Tensor {
    return this.ranked("dot", other, 1);
  }
  /** Outer product of two vectors. */
  outer(other: TensorBase): Tensor {
    return this.unsqueeze(1).mul(this.derive(op.reshape(other.expr, [1, other.numel])));
  }
  private ranked(where: string, other: TensorBase, rank: number): Tensor {
    if (this.ndim !== rank || other.ndim !== rank) {
      expected("SHAPE_MISMATCH", where, `two tensors of rank ${rank}`, `${showShape(this.shape)} and ${showShape(other.shape)}`);
    }
    return this.matmul(other);
  }
  private sameDType(where: string, other: TensorBase): [Expr, Expr] {
    const dtype = commonDType(where, this.expr, other.expr);
    return [op.cast(this.expr, dtype), op.cast(other.expr, dtype)];
  }
  /** x wᵀ + b: x [..., in], w [out, in], b [out]. */
  linear(weight: TensorBase, bias?: TensorBase | null): Tensor {
    const x = this.expr;
    const rows = x.shape.length === 1 ? op.reshape(x, [1, ...x.shape]) : x;
    let y = op.matmul(rows, weight.expr, false, true);
    if (bias) y = op.add(y, bias.expr);
    return this.derive(x.shape.length === 1 ? op.reshape(y, y.shape.slice(1)) : y);
  }

  /** out[i][j] = this[index[i][j]][j] for dim 0: index has the rank of this. */
  gather(dim: number, index: TensorBase): Tensor {
    return this.derive(op.gather(this.expr, indexed(index), axisOf("gather", dim, this.ndim)));
  }
  /** This, with src added at the places that index names along `dim`. */
  scatterAdd(dim: number, index: TensorBase, src: TensorBase): Tensor {
    const values = trimmed("scatterAdd", src.expr, index.shape);
    return this.derive(op.scatterAdd(this.expr, indexed(index), values, axisOf("scatterAdd", dim, this.ndim)));
  }
  /** The slices along `dim` that a vector of indices names. */
  indexSelect(dim: number, index: TensorBase): Tensor {
    return this.derive(op.indexSelect(this.expr, indexed(index), axisOf("indexSelect", dim, this.ndim)));
  }
  /** This, with the slices of src added at the places that a vector of indices names along `dim`. */
  indexAdd(dim: number, index: TensorBase, src: TensorBase): Tensor {
    return this.derive(op.indexAdd(this.expr, indexed(index), src.expr, axisOf("indexAdd", dim, this.ndim)));
  }
  /** Class indices [...] to indicators [..., classes] in `dtype` (f32). Out of range: LABEL_OUT_OF_RANGE when it runs. */
  oneHot(classes: number, dtype: DType = "f32"): Tensor {
    const index = this.dtype === "i64" ? this.expr : op.cast(this.expr, "i32");
    return this.derive(op.oneHot(index, classes, dtype));
  }
  /** u32 random bits of a shape from this key (u32[2]) and a block offset (u32[1]): Philox4x32-10. */
  randomBits(offset: TensorBase, shape: Shape): Tensor {
    return this.derive(emit("randomBits", [this.expr, offset.expr], shape));
  }
}
