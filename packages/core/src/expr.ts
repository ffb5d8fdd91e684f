/** @file Expr: an immutable node of the lazy graph. An op applied to arguments, or a leaf that has a storage on a device. */
import type { Device, Storage } from "./device/device.ts";
import { OPS } from "./ops/table.ts";
import type { OpRow } from "./ops/row.ts";
import type { Aval, Shape } from "./program/aval.ts";
import type { DType } from "./program/dtype.ts";
import { TacitError } from "./errors.ts";

/** What a leaf holds. `version` grows each time the storage is replaced in place by an optimizer step. */
export interface Leaf {
  readonly device: Device;
  storage: Storage;
  version: number;
}

const NONE: readonly never[] = [];

/** A node of the lazy graph: op, arguments, attributes, shape, dtype. Nothing is computed when one is made. */
export class Expr implements Aval {
  /** null for a leaf. */
  op: OpRow | null;
  args: readonly Expr[];
  attrs: readonly number[];
  readonly shape: Shape;
  readonly dtype: DType;
  /** Set for leaves, and for ops once they are realized (op becomes null then). */
  leaf: Leaf | null;
  /** True where a gradient must flow through this node to some parameter. */
  requiresGrad: boolean;
  /** The leaf's version when a reader of it was made; only kept on leaves' readers through `born`. */
  born: number;
  /** Scratch of the tracer: last visit and id in that visit. */
  mark = 0;
  id = 0;

  constructor(op: OpRow | null, args: readonly Expr[], attrs: readonly number[], aval: Aval, leaf: Leaf | null) {
    this.op = op;
    this.args = args;
    this.attrs = attrs;
    this.shape = aval.shape;
    this.dtype = aval.dtype;
    this.leaf = leaf;
    this.requiresGrad = false;
    this.born = clock.now;
  }

  /** A leaf that holds `storage`. */
  static leaf(aval: Aval, device: Device, storage: Storage): Expr {
    return new Expr(null, NONE, NONE, aval, { device, storage, version: 0 });
  }

  /** A leaf without value: an input of a Program that is being traced or transformed. */
  static placeholder(aval: Aval): Expr {
    return new Expr(null, NONE, NONE, aval, null);
  }
}

/** Counts optimizer steps: a lazy node made before a parameter's last update must not read its new value. */
export const clock = { now: 0 };

/** Gradient recording, as `torch.no_grad`. */
export const gradMode = { enabled: true };

/**
 * Applies an op lazily: infers the result's shape and dtype, computes nothing.
 * @throws TacitError with the op's own code when shapes, dtypes or attributes do not fit.
 */
export function emit(name: string, args: readonly Expr[], attrs: readonly number[] = NONE): Expr {
  const row = OPS.get(name);
  if (row === undefined) throw new TacitError("OP_UNKNOWN", `emit: expected the name of an op, got ${JSON.stringify(name)}`);
  const e = new Expr(row, args, attrs, row.infer(args, attrs), null);
  if (gradMode.enabled) {
    for (const a of args) {
      if (a.requiresGrad) {
        e.requiresGrad = true;
        break;
      }
    }
  }
  return e;
}
