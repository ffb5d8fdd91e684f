/** @file Cells: one step of rnn, lstm and gru and its gradient, in terms of other ops. Every value is [sequences, hidden]. */
import type { Expr } from "../../expr.ts";
import { add, lit, mul, relu, reluGrad, sigmoid, sub, tanh } from "../emit.ts";

/** One argument of a sequence op besides gx and w: the initial cell state of lstm, the bias of gru's recurrent candidate. */
export type ExtraKind = "state" | "bias";

/** What a step sees. `x` and `r`: the parts of the input's and of the recurrent product, one per gate. */
export interface StepInputs {
  readonly x: readonly Expr[];
  readonly r: readonly Expr[];
  /** h before the step, and c for lstm. */
  readonly states: readonly Expr[];
  readonly bias: Expr | null;
  readonly attrs: readonly number[];
}

/** What the gradient of a step sees. */
export interface StepGradInputs {
  /** Gradients of the parts; those of the new states include what later steps send. */
  readonly g: readonly Expr[];
  readonly parts: readonly Expr[];
  readonly states: readonly Expr[];
  readonly attrs: readonly number[];
}

/** What the gradient of a step gives. */
export interface StepGrads {
  /** By the recurrent product, gate by gate. */
  readonly r: readonly Expr[];
  /** By the input's product where that differs. */
  readonly x: readonly Expr[];
  /** By the old states; for h without the part through the recurrent product. null: none. */
  readonly states: readonly (Expr | null)[];
}

export interface Cell {
  readonly name: string;
  /** Gates: columns of gx and rows of w, in units of the hidden size. */
  readonly gates: number;
  /** Parts of a row of the result, the new h last and the new c before it. */
  readonly parts: number;
  /** Parts by the input's product that the gradient op stores after those by the recurrent product. */
  readonly own: number;
  /** Names of the attributes before the runs. */
  readonly attrs: readonly string[];
  readonly extra: ExtraKind | null;
  /** Which parts are [h] or [h, c]. */
  readonly states: readonly number[];
  /** Which of the states before a step its gradient reads; null: none. */
  readonly reads: 0 | 1 | null;
  step(inputs: StepInputs): Expr[];
  grad(inputs: StepGradInputs): StepGrads;
}

const not = (x: Expr): Expr => sub(lit(x, 1), x);
/** Gradient through y = sigmoid(·). */
const throughSigmoid = (g: Expr, y: Expr): Expr => mul(g, mul(y, not(y)));
/** Gradient through y = tanh(·). */
const throughTanh = (g: Expr, y: Expr): Expr => mul(g, not(mul(y, y)));

/** h' = tanh(x + r) or relu(x + r). */
export const RNN: Cell = {
  name: "rnn",
  gates: 1,
  parts: 1,
  own: 0,
  attrs: ["reverse", "relu"],
  extra: null,
  states: [0],
  reads: null,
  step({ x, r, attrs }) {
    const z = add(x[0]!, r[0]!);
    return [attrs[1] === 1 ? relu(z) : tanh(z)];
  },
  grad({ g, parts, attrs }) {
    const d = attrs[1] === 1 ? reluGrad(g[0]!, parts[0]!) : throughTanh(g[0]!, parts[0]!);
    return { r: [d], x: [], states: [null] };
  },
};

/** Hochreiter and Schmidhuber (1997) with forget gates, as PyTorch's: parts i, f, g, o, c, h. */
export const LSTM: Cell = {
  name: "lstm",
  gates: 4,
  parts: 6,
  own: 0,
  attrs: ["reverse"],
  extra: "state",
  states: [5, 4],
  reads: 1,
  step({ x, r, states }) {
    const z = x.map((e, k) => add(e, r[k]!));
    const [i, f, g, o] = [sigmoid(z[0]!), sigmoid(z[1]!), tanh(z[2]!), sigmoid(z[3]!)];
    const c = add(mul(f, states[1]!), mul(i, g));
    return [i, f, g, o, c, mul(o, tanh(c))];
  },
  grad({ g: grads, parts, states }) {
    const [gi, gf, gg, go, gc, gh] = grads as [Expr, Expr, Expr, Expr, Expr, Expr];
    const [i, f, g, o, c] = parts as [Expr, Expr, Expr, Expr, Expr];
    const t = tanh(c);
    const dc = add(gc, throughTanh(mul(gh, o), t));
    return {
      r: [
        throughSigmoid(add(gi, mul(dc, g)), i),
        throughSigmoid(add(gf, mul(dc, states[1]!)), f),
        throughTanh(add(gg, mul(dc, i)), g),
        throughSigmoid(add(go, mul(gh, t)), o),
      ],
      x: [],
      states: [null, mul(dc, f)],
    };
  },
};

/** Cho et al. (2014) in PyTorch's form: parts r, z, the recurrent candidate r3 + bias, n, h. */
export const GRU: Cell = {
  name: "gru",
  gates: 3,
  parts: 5,
  own: 1,
  attrs: ["reverse"],
  extra: "bias",
  states: [4],
  reads: 0,
  step({ x, r: product, states, bias }) {
    const r = sigmoid(add(x[0]!, product[0]!));
    const z = sigmoid(add(x[1]!, product[1]!));
    const m = add(product[2]!, bias!);
    const n = tanh(add(x[2]!, mul(r, m)));
    return [r, z, m, n, add(n, mul(z, sub(states[0]!, n)))];
  },
  grad({ g, parts, states }) {
    const [gr, gz, gm, gn, gh] = g as [Expr, Expr, Expr, Expr, Expr];
    const [r, z, m, n] = parts as [Expr, Expr, Expr, Expr];
    const dn = throughTanh(add(gn, mul(gh, not(z))), n);
    return {
      r: [throughSigmoid(add(gr, mul(dn, m)), r), throughSigmoid(add(gz, mul(gh, sub(states[0]!, n))), z), add(gm, mul(dn, r))],
      x: [dn],
      states: [mul(gh, z)],
    };
  },
};
