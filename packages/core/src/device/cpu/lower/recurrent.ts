/** @file rnn, lstm and gru: the recurrent weight is packed once, then every step is a product and one elementwise call, in one plan step. */
import { F32_KERNELS, packedElements } from "@tacit/kernels";
import { type Cell, GRU, LSTM, RNN } from "../../../ops/recurrent/cells.ts";
import { gradParts } from "../../../ops/recurrent/rows.ts";
import { Runs, type Step } from "../../../ops/recurrent/runs.ts";
import { type At, type Call, call } from "../steps.ts";
import type { Lowering } from "./lowering.ts";
import type { LowerRow } from "./row.ts";

/** What an elementwise call is given; addresses in bytes. */
interface StepCall {
  readonly out: number;
  /** Rows of the input's product, or of the gradient of `out`. */
  readonly x: number;
  /** The state before the step that the cell reads, and elements between its rows. */
  readonly before: number;
  readonly beforeStride: number;
  readonly bias: number;
  readonly d: number;
  readonly later: number;
  readonly n: number;
  readonly h: number;
  readonly attrs: readonly number[];
}

/** The kernels of a cell. */
interface CellKernels {
  readonly cell: Cell;
  /** Which part of the row before an elementwise call reads: c or h. */
  readonly reads: number;
  /** Whether the gradient by h before the step has a part of its own, to which the product's is added. */
  readonly direct: boolean;
  step(p: StepCall): Call;
  grad(p: StepCall): Call;
}

const CELLS: readonly CellKernels[] = [
  {
    cell: RNN,
    reads: 0,
    direct: false,
    step: ({ x, attrs, ...p }) => call(F32_KERNELS.rnnCell, { ...p, gx: x, relu: attrs[1] === 1 }),
    grad: ({ x, attrs, ...p }) => call(F32_KERNELS.rnnCellGrad, { ...p, g: x, relu: attrs[1] === 1 }),
  },
  {
    cell: LSTM,
    reads: 4,
    direct: false,
    step: ({ x, ...p }) => call(F32_KERNELS.lstmCell, { ...p, gx: x }),
    grad: ({ x, ...p }) => call(F32_KERNELS.lstmCellGrad, { ...p, g: x }),
  },
  {
    cell: GRU,
    reads: 4,
    direct: true,
    step: ({ x, ...p }) => call(F32_KERNELS.gruCell, { ...p, gx: x }),
    grad: ({ x, ...p }) => call(F32_KERNELS.gruCellGrad, { ...p, g: x }),
  },
];

/** Rows from..to of a step, and for each neighbour the step if it has these rows, else null. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly neighbours: readonly (Step | null)[];
}

/** The rows of `step`, cut where its neighbours end. */
function pieces(step: Step, neighbours: readonly (Step | undefined)[]): Piece[] {
  const counts = neighbours.map((s) => Math.min(step.count, s?.count ?? 0));
  const cuts = [...new Set([0, ...counts, step.count])].sort((a, b) => a - b);
  return cuts
    .slice(1)
    .map((to, i) => ({ from: cuts[i]!, to, neighbours: neighbours.map((s) => (s && s.count >= to ? s : null)) }));
}

/** A step with those that run just before and after it. */
interface Visit {
  readonly step: Step;
  readonly before: Step | undefined;
  readonly after: Step | undefined;
}

/** Sizes in elements. */
interface Layout {
  readonly visits: readonly Visit[];
  readonly sizes: string;
  readonly flops: number;
  readonly h: number;
  readonly gates: number;
  /** Elements of a row of `out` and of `d`. */
  readonly width: number;
  readonly dWidth: number;
  readonly attrs: readonly number[];
}

function layoutOf(cell: Cell, h: number, attrs: readonly number[]): Layout {
  const runs = Runs.of(attrs, cell.attrs.length);
  const order = attrs[0] === 1 ? runs.steps.toReversed() : runs.steps;
  const gates = cell.gates * h;
  return {
    visits: order.map((step, k) => ({ step, before: order[k - 1], after: order[k + 1] })),
    sizes: `${order.length}x${runs.sequences}x${h}`,
    flops: 2 * runs.rows * gates * h,
    h,
    gates,
    width: cell.parts * h,
    dWidth: gradParts(cell) * h,
    attrs,
  };
}

/** Byte addresses of the arguments and the result. */
interface Places {
  readonly x: number;
  readonly w: number;
  readonly packed: number;
  readonly out: number;
  readonly h0: number;
  /** The initial state that elementwise calls read. */
  readonly initial: number;
  readonly bias: number;
  readonly d: number;
}

/** Address of row `row` of a step in a value with rows of `width` elements, or in an initial state, and elements between rows. */
function stateAt(step: Step | null, row: number, l: Layout, out: number, part: number, initial: number): [number, number] {
  return step === null ? [initial + 4 * l.h * row, l.h] : [out + 4 * (l.width * (step.first + row) + part * l.h), l.width];
}

/** For each place that the states before the step come from: the product, then the elementwise part. */
function forward({ cell, reads, step: stepCall }: CellKernels, l: Layout, p: Places): Call[] {
  const { h, gates, width, attrs } = l;
  const calls = l.visits.flatMap(({ step, before }) =>
    pieces(step, [before]).flatMap(({ from, to, neighbours: [old] }) => {
      const row = step.first + from;
      const out = p.out + 4 * width * row;
      const n = to - from;
      const [a, rsa] = stateAt(old!, from, l, p.out, cell.states[0]!, p.h0);
      const [c, beforeStride] = stateAt(old!, from, l, p.out, reads, p.initial);
      return [
        call(F32_KERNELS.gemm, { a, rsa, b: p.packed, packed: true, c: out, ldc: width, m: n, n: gates, k: h }),
        stepCall({ out, x: p.x + 4 * gates * row, before: c, beforeStride, bias: p.bias, d: 0, later: 0, n, h, attrs }),
      ];
    }),
  );
  return [call(F32_KERNELS.packMatrix, { b: p.w, out: p.packed, n: gates, k: h, rsb: 1, csb: h }), ...calls];
}

/** From the last step to the first: the elementwise part, then the product that gives the gradient by h before the step. */
function back({ reads, direct, grad }: CellKernels, l: Layout, p: Places): Call[] {
  const { h, gates, width, dWidth, attrs } = l;
  const calls = l.visits.toReversed().flatMap(({ step, before, after }) => {
    const parts = pieces(step, [before, after]).map(({ from, to, neighbours: [old, next] }) => {
      const row = step.first + from;
      const [state, beforeStride] = stateAt(old!, from, l, p.out, reads, p.initial);
      return grad({
        out: p.out + 4 * width * row,
        x: p.x + 4 * width * row,
        before: state,
        beforeStride,
        bias: 0,
        d: p.d + 4 * dWidth * row,
        later: next ? p.d + 4 * dWidth * (next.first + from) : 0,
        n: to - from,
        h,
        attrs,
      });
    });
    const d = p.d + 4 * dWidth * step.first;
    const sizes = { m: step.count, n: h, k: gates, rsa: dWidth, ldc: dWidth };
    const product = { a: d, b: p.packed, packed: true, c: d + 4 * (dWidth - h), accumulate: direct, ...sizes };
    return [...parts, call(F32_KERNELS.gemm, product)];
  });
  return [call(F32_KERNELS.packMatrix, { b: p.w, out: p.packed, n: h, k: gates, rsb: h, csb: 1 }), ...calls];
}

const sequence = (kernels: CellKernels): LowerRow => ({
  can: (node) => node.aval.dtype === "f32",
  lower(to, v, node) {
    const [x, w, h0, extra] = node.args.map((a) => to.dense(a)) as [number, number, number, number | undefined];
    const { cell } = kernels;
    const layout = layoutOf(cell, to.aval(w).shape[1]!, node.attrs);
    const initial = cell.extra === "state" ? extra! : h0;
    const packed = packedFor(to, layout.gates, layout.h);
    to.kernel({
      label: `${cell.name} ${layout.sizes}`,
      reads: [x, w, h0, ...(extra === undefined ? [] : [extra])],
      writes: [v, packed],
      flops: layout.flops,
      calls: (at: At) => {
        const bias = cell.extra === "bias" ? at(extra!) : 0;
        const places = { x: at(x), w: at(w), packed: at(packed), out: at(v), h0: at(h0), initial: at(initial), bias, d: 0 };
        return forward(kernels, layout, places);
      },
    });
  },
});

const sequenceGrad = (kernels: CellKernels): LowerRow => ({
  can: (node) => node.aval.dtype === "f32",
  lower(to, v, node) {
    const [g, out, w, initial] = node.args.map((a) => to.dense(a)) as [number, number, number, number | undefined];
    const layout = layoutOf(kernels.cell, to.aval(w).shape[1]!, node.attrs);
    const packed = packedFor(to, layout.h, layout.gates);
    to.kernel({
      label: `${kernels.cell.name}Grad ${layout.sizes}`,
      reads: [g, out, w, ...(initial === undefined ? [] : [initial])],
      writes: [v, packed],
      flops: layout.flops,
      calls: (at: At) => {
        const start = initial === undefined ? 0 : at(initial);
        const places = { x: at(g), w: at(w), packed: at(packed), out: at(out), h0: 0, initial: start, bias: 0, d: at(v) };
        return back(kernels, layout, places);
      },
    });
  },
});

const packedFor = (to: Lowering, n: number, k: number): number => to.aux({ shape: [packedElements(n, k)], dtype: "f32" });

export const RECURRENT: Readonly<Record<string, LowerRow>> = Object.fromEntries(
  CELLS.flatMap((kernels): [string, LowerRow][] => [
    [kernels.cell.name, sequence(kernels)],
    [`${kernels.cell.name}Grad`, sequenceGrad(kernels)],
  ]),
);
