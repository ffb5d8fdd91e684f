/** @file Adadelta (Zeiler 2012), in PyTorch's form. */
import { add, div, mul, sqrt } from "../ops/emit.ts";
import type { ClipOptions } from "./clip.ts";
import { checkNonNegative, checkOption, type Grouped } from "./groups.ts";
import type { Motion } from "./motion.ts";
import { Optimizer } from "./optimizer.ts";

export interface AdadeltaGroup {
  /** 1 unless said. */
  lr: number;
  /** How much the running means keep, in [0, 1]; 0.9 unless said. */
  rho: number;
  /** 1e-6 unless said. */
  eps: number;
  /** 0 unless said. */
  weightDecay: number;
  /** Go up instead of down. */
  maximize: boolean;
}

export type AdadeltaOptions = Partial<AdadeltaGroup> & ClipOptions;

function check(o: AdadeltaGroup): void {
  checkNonNegative(o, ["eps", "weightDecay"]);
  checkOption("rho", o.rho, o.rho >= 0 && o.rho <= 1);
}

/** With g the gradient: v ← ρv + (1-ρ)g², d = g·√(u + eps)/√(v + eps), u ← ρu + (1-ρ)d², p ← p - lr·d. */
export class Adadelta extends Optimizer<AdadeltaGroup> {
  constructor(params: Grouped<AdadeltaGroup>, options: AdadeltaOptions = {}) {
    const { lr = 1, rho = 0.9, eps = 1e-6, weightDecay = 0, maximize = false } = options;
    super("adadelta", params, options, { lr, rho, eps, weightDecay, maximize }, check);
  }

  protected move(m: Motion<AdadeltaGroup>): void {
    const { lr, rho, eps, weightDecay, maximize } = m.options;
    const [forget, fresh, small] = [m.lit(rho), m.lit(1 - rho), m.lit(eps)];
    const g = m.descent(maximize, weightDecay);
    const square = m.mean("square", mul(g, g), forget, fresh);
    const d = mul(div(sqrt(add(m.state("moved"), small)), sqrt(add(square, small))), g);
    m.mean("moved", mul(d, d), forget, fresh);
    m.moveBy(mul(d, m.input("lr", lr)));
  }
}

/** Adadelta over a module, parameters or groups of them. */
export const adadelta = (params: Grouped<AdadeltaGroup>, options: AdadeltaOptions = {}): Adadelta =>
  new Adadelta(params, options);
