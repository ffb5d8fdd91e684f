/** @file Writes as/ring/elementwise.gen.ts: one exported loop per elementwise operation and width, from one table. */

type Width = 64 | 32;

interface Row {
  readonly name: string;
  readonly doc: string;
  /** Arrays read, in parameter order. */
  readonly inputs: readonly string[];
  /** A scalar parameter `s`: an element of the ring, or a shift count. */
  readonly scalar?: "element" | "count";
  /** The vector expression; `V` stands for i64x2 or i32x4 and `S` for the splat of the scalar. */
  readonly vector: string;
  /** The scalar expression for the last elements; `T` and `I` stand for the unsigned and signed type. */
  readonly tail: string;
}

const AB = ["a", "b"] as const;
const A = ["a"] as const;

const unsigned = (operator: string): string => `V.${operator}(v128.xor(a, top), v128.xor(b, top))`;
const mask = (test: string): string => `${test} ? <T>-1 : 0`;

const ROWS: readonly Row[] = [
  { name: "add", doc: "a + b", inputs: AB, vector: "V.add(a, b)", tail: "a + b" },
  { name: "sub", doc: "a - b", inputs: AB, vector: "V.sub(a, b)", tail: "a - b" },
  { name: "mul", doc: "a * b", inputs: AB, vector: "V.mul(a, b)", tail: "a * b" },
  { name: "and", doc: "a and b", inputs: AB, vector: "v128.and(a, b)", tail: "a & b" },
  { name: "or", doc: "a or b", inputs: AB, vector: "v128.or(a, b)", tail: "a | b" },
  { name: "xor", doc: "a xor b", inputs: AB, vector: "v128.xor(a, b)", tail: "a ^ b" },
  { name: "neg", doc: "-a", inputs: A, vector: "V.neg(a)", tail: "0 - a" },
  { name: "not", doc: "not a", inputs: A, vector: "v128.not(a)", tail: "~a" },
  { name: "addScalar", doc: "a + s", inputs: A, scalar: "element", vector: "V.add(a, S)", tail: "a + s" },
  { name: "subFromScalar", doc: "s - a", inputs: A, scalar: "element", vector: "V.sub(S, a)", tail: "s - a" },
  { name: "mulScalar", doc: "a * s", inputs: A, scalar: "element", vector: "V.mul(a, S)", tail: "a * s" },
  { name: "andScalar", doc: "a and s", inputs: A, scalar: "element", vector: "v128.and(a, S)", tail: "a & s" },
  { name: "xorScalar", doc: "a xor s", inputs: A, scalar: "element", vector: "v128.xor(a, S)", tail: "a ^ s" },
  { name: "shl", doc: "a << s", inputs: A, scalar: "count", vector: "V.shl(a, s)", tail: "a << <T>s" },
  { name: "shrU", doc: "logical a >> s", inputs: A, scalar: "count", vector: "V.shr_u(a, s)", tail: "a >> <T>s" },
  { name: "shrS", doc: "arithmetic a >> s", inputs: A, scalar: "count", vector: "V.shr_s(a, s)", tail: "<T>(<I>a >> <I>s)" },
  { name: "eq", doc: "mask a == b", inputs: AB, vector: "V.eq(a, b)", tail: mask("a == b") },
  { name: "ne", doc: "mask a != b", inputs: AB, vector: "V.ne(a, b)", tail: mask("a != b") },
  { name: "ltS", doc: "mask a < b, signed", inputs: AB, vector: "V.lt_s(a, b)", tail: mask("<I>a < <I>b") },
  { name: "leS", doc: "mask a <= b, signed", inputs: AB, vector: "V.le_s(a, b)", tail: mask("<I>a <= <I>b") },
  { name: "ltU", doc: "mask a < b, unsigned", inputs: AB, vector: unsigned("lt_s"), tail: mask("a < b") },
  { name: "leU", doc: "mask a <= b, unsigned", inputs: AB, vector: unsigned("le_s"), tail: mask("a <= b") },
  {
    name: "select",
    doc: "bits of a where the mask c has ones, else of b",
    inputs: ["c", "a", "b"],
    vector: "v128.bitselect(a, b, c)",
    tail: "(a & c) | (b & ~c)",
  },
  { name: "mulAdd", doc: "c + a * b", inputs: ["a", "b", "c"], vector: "V.add(c, V.mul(a, b))", tail: "c + a * b" },
];

function loopBody(row: Row, width: Width, offset: number): string {
  const vector = width === 64 ? "i64x2" : "i32x4";
  const expression = row.vector.replaceAll("V.", `${vector}.`).replace(/\bS\b/g, "splat");
  const loads = row.inputs.map((p) => `const ${p} = v128.load(${p}p + i, ${offset});`).join(" ");
  return `{ ${loads} v128.store(o + i, ${expression}, ${offset}); }`;
}

function kernel(row: Row, width: Width): string {
  const T = `u${width}`;
  const bytes = width / 8;
  const scalar = row.scalar === undefined ? "" : `s: ${row.scalar === "count" ? "i32" : T}, `;
  const before = [
    row.scalar === "element" ? `  const splat = ${width === 64 ? "i64x2" : "i32x4"}.splat(s);` : "",
    row.vector.includes("top")
      ? `  const top = ${width === 64 ? "i64x2.splat(i64.MIN_VALUE)" : "i32x4.splat(i32.MIN_VALUE)"};`
      : "",
    row.scalar === "count" ? `  if (<u32>s >= ${width}) unreachable();` : "",
  ].filter((line) => line !== "");
  const tail = row.tail.replace(/<T>/g, `<${T}>`).replace(/<I>/g, `<i${width}>`);
  const loads = row.inputs.map((p) => `const ${p} = load<${T}>(${p}p + i);`).join(" ");
  return `
/** o = ${row.doc}, n elements of ${T}; o may be an input. */
export function ${row.name}${width}(${row.inputs.map((p) => `${p}p: usize, `).join("")}${scalar}o: usize, n: usize): void {
${[...before, `  const bytes = n * ${bytes};`].join("\n")}
  let i: usize = 0;
  for (const e = bytes & ~63; i < e; i += 64) {
    ${[0, 16, 32, 48].map((offset) => loopBody(row, width, offset)).join("\n    ")}
  }
  for (const e = bytes & ~15; i < e; i += 16) ${loopBody(row, width, 0)}
  for (; i < bytes; i += ${bytes}) { ${loads} store<${T}>(o + i, ${tail}); }
}`;
}

/** x [m, n] with a row [n] or a column [m], added, subtracted or multiplied. */
function broadcasts(name: string, width: Width): string {
  const scalarForm = name === "sub" ? `addScalar${width}(x, <u${width}>0 - s, o, n)` : `${name}Scalar${width}(x, s, o, n)`;
  const step = `n * ${width / 8}`;
  return `
/** o[m, n] = x[m, n] ${name} row[n]. */
export function ${name}Row${width}(m: usize, n: usize, x: usize, row: usize, o: usize): void {
  for (; m > 0; --m, x += ${step}, o += ${step}) ${name}${width}(x, row, o, n);
}
/** o[m, n] = x[m, n] ${name} column[m]. */
export function ${name}Column${width}(m: usize, n: usize, x: usize, column: usize, o: usize): void {
  for (; m > 0; --m, x += ${step}, o += ${step}, column += ${width / 8}) {
    const s = load<u${width}>(column);
    ${scalarForm};
  }
}`;
}

/** The AssemblyScript text of all elementwise kernels. */
export function elementwiseText(): string {
  const widths: readonly Width[] = [64, 32];
  const parts = widths.flatMap((w) => [...ROWS.map((r) => kernel(r, w)), ...["add", "sub", "mul"].map((n) => broadcasts(n, w))]);
  return `// Generated by scripts/ring/elementwise.ts\n${parts.join("\n")}\n`;
}

/** What TypeScript needs to know of each elementwise kernel. */
export const ELEMENTWISE_ROWS: readonly Row[] = ROWS;
