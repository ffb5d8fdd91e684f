/** @file Expr: a node of the lazy graph. An op applied to arguments, or a leaf that has a value on a device or on the host. */
import { captureSite, type Site, sites } from "./debug/site.ts";
import type { Device, Storage } from "./device/device.ts";
import { TacitError } from "./errors.ts";
import type { OpRow } from "./ops/row.ts";
import { OPS } from "./ops/table.ts";
import type { Aval, Shape } from "./program/aval.ts";
import type { DType, TypedArray } from "./program/dtype.ts";

/** The value of a leaf. Several Exprs may share one (`detach`); an optimizer's step replaces what it holds. */
export class Leaf {
  /** Where the value lives, or is meant to live. */
  device: Device;
  /** null while the value was not yet brought to `device`; then `host` is set. */
  storage: Storage | null;
  /** The value in host memory, as long as the leaf holds what the host gave. */
  host: TypedArray | null;
  /** A host value that may go to any device in the clear: literals, zeros, learning rates, seeds. */
  readonly open: boolean;
  /** `clock.now` of the last replacement: a node made before it must not read this leaf. */
  version = 0;
  /** Another leaf holds the same storage: it must not be donated. */
  shared = false;
  /** Scratch of the engine: this run replaces the value. */
  donating = false;
  /** Scratch of the tracer: last visit, id in that visit. */
  mark = 0;
  id = 0;

  constructor(device: Device, storage: Storage | null, host: TypedArray | null, open: boolean) {
    this.device = device;
    this.storage = storage;
    this.host = host;
    this.open = open;
  }

  /** Another leaf with the same value, which later updates of this one do not touch. Neither may be overwritten in place. */
  fork(): Leaf {
    const copy = new Leaf(this.device, this.storage, this.host, this.open);
    this.shared = true;
    copy.shared = true;
    return copy;
  }
}

/** A tensor handle that collects `.grad` of an Expr (Tensor; named here by what the graph needs of it). */
export interface GradOwner {
  accumulateGrad(gradient: Expr): void;
}

const NONE: readonly never[] = [];

/** A node of the lazy graph: op, arguments, attributes, shape, dtype. Nothing is computed when one is made. */
export class Expr implements Aval {
  /** null for a leaf. A realized node keeps its op only as long as a gradient may have to pass through it. */
  op: OpRow | null;
  /** Small integer that stands for `op` in the engine's keys; 0 without op. */
  code = 0;
  args: readonly Expr[];
  attrs: readonly number[];
  readonly shape: Shape;
  readonly dtype: DType;
  /** The value: set for leaves, and for ops once they are realized. */
  leaf: Leaf | null;
  /** True where a gradient must flow through this node to some parameter. */
  requiresGrad = false;
  /** Who receives the gradient that arrives here in `backward()`. */
  owner: GradOwner | null = null;
  /** Gradients flowed through this node, or one that it reads, until the graph was released. */
  cut = false;
  /** Where the op was made, where that is recorded (`sites`). */
  site: Site | null = null;
  /** Some op reads this node. */
  used = false;
  /** `clock.now` when it was made. */
  born: number;
  /** Scratch of the tracer: last visit, id in that visit. */
  mark = 0;
  id = 0;

  constructor(op: OpRow | null, args: readonly Expr[], attrs: readonly number[], aval: Aval, leaf: Leaf | null) {
    this.op = op;
    this.args = args;
    this.attrs = attrs;
    this.shape = aval.shape;
    this.dtype = aval.dtype;
    this.leaf = leaf;
    this.born = clock.now;
  }

  /** A leaf that holds `storage` of `device`. */
  static leaf(aval: Aval, device: Device, storage: Storage): Expr {
    return new Expr(null, NONE, NONE, aval, new Leaf(device, storage, null, false));
  }

  /** A leaf that holds a value of the host, brought to `device` on first use; `open`: it may go to any device in the clear. */
  static host(aval: Aval, device: Device, values: TypedArray, open = false): Expr {
    return new Expr(null, NONE, NONE, aval, new Leaf(device, null, values, open));
  }

  /** A leaf without value: an input of a Program that is being traced or transformed. */
  static placeholder(aval: Aval): Expr {
    return new Expr(null, NONE, NONE, aval, null);
  }

  /** Forgets how the value was computed: a gradient that should flow through it is an error from now on. */
  forget(): void {
    this.cut ||= this.requiresGrad && this.owner === null;
    this.op = null;
    this.code = 0;
    this.args = NONE;
    this.attrs = NONE;
    this.site = null;
    this.requiresGrad = this.owner !== null;
  }
}

/** Counts optimizer steps: a lazy node made before a parameter's last update must not read its new value. */
export const clock = { now: 0 };

let visits = 0;
/** A number that no `mark` carries yet: every walk of the graph takes one, so that walks never mistake each other's marks. */
export const nextVisit = (): number => ++visits;

/** Gradient recording, as `torch.no_grad`. */
export const gradMode = { enabled: true };

interface Coded {
  readonly row: OpRow;
  readonly code: number;
  readonly refuses: boolean;
}
const coded = new Map<string, Coded>();

/** The row of an op and its code in this process, counted from 1. Codes never leave the process. */
function lookup(name: string): Coded {
  const known = coded.get(name);
  if (known !== undefined) return known;
  const row = OPS.get(name);
  if (row === undefined) throw new TacitError("OP_UNKNOWN", `emit: expected the name of an op, got ${JSON.stringify(name)}`);
  const fresh = { row, code: coded.size + 1, refuses: row.refuses === true };
  coded.set(name, fresh);
  return fresh;
}

/**
 * Applies an op lazily: infers the result's shape and dtype, computes nothing.
 * @throws TacitError with the op's own code when shapes, dtypes or attributes do not fit.
 */
export function emit(name: string, args: readonly Expr[], attrs: readonly number[] = NONE): Expr {
  const { row, code, refuses } = lookup(name);
  const e = new Expr(row, args, attrs, row.infer(args, attrs), null);
  e.code = code;
  if ((refuses && !sites.none) || sites.every) e.site = sites.inherited ?? captureSite(emit);
  const record = gradMode.enabled;
  for (const a of args) {
    a.used = true;
    if (!record) continue;
    if (a.requiresGrad) e.requiresGrad = true;
    if (a.cut && row.grad !== undefined) e.cut = true;
  }
  return e;
}
