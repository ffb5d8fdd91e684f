/** @file The yardstick of ring products: register-blocked scalar i64 matrix products on packed panels, by tile size, compiled on the spot. */
import { main as asc } from "assemblyscript/asc";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

function tile(rows: number, columns: number): string {
  const cells = range(rows).flatMap((i) => range(columns).map((j) => [i, j] as const));
  return `
function tile${rows}x${columns}(k: i32, ap: usize, bp: usize, c: usize, row: usize, add: bool): void {
  ${cells.map(([i, j]) => `let s${i}${j}: i64 = add ? i64.load(c + ${i} * row, ${8 * j}) : 0;`).join(" ")}
  for (; k > 0; --k, ap += ${8 * rows}, bp += ${8 * columns}) {
    ${range(rows)
      .map((i) => `const a${i} = i64.load(ap, ${8 * i});`)
      .join(" ")}
    ${range(columns)
      .map((j) =>
        `const b${j} = i64.load(bp, ${8 * j}); ${range(rows).map((i) => `s${i}${j} += a${i} * b${j};`)}`.replaceAll(";,", "; "),
      )
      .join(" ")}
  }
  ${cells.map(([i, j]) => `i64.store(c + ${i} * row, s${i}${j}, ${8 * j});`).join(" ")}
}
function pack${rows}x${columns}(lines: i32, k: i32, src: usize, line: usize, step: usize, dst: usize, width: i32): void {
  for (let i = 0; i < lines; i += width) for (let p = 0; p < k; ++p) for (let r = 0; r < width; ++r, dst += 8)
    i64.store(dst, i64.load(src + <usize>(i + r) * line + <usize>p * step));
}
/** n a multiple of the tile; all of A, then all of B, packed at workspace. */
export function scalar${rows}x${columns}(n: i32, a: usize, b: usize, c: usize, ws: usize): void {
  const row = <usize>n * 8;
  for (let p = 0; p < n; p += 256) {
    const kc = min(256, n - p), wb = ws + <usize>(n * kc) * 8;
    pack${rows}x${columns}(n, kc, a + <usize>p * 8, row, 8, ws, ${rows});
    pack${rows}x${columns}(n, kc, b + <usize>p * row, 8, row, wb, ${columns});
    for (let ii = 0; ii < n; ii += 96) for (let j = 0; j < n; j += ${columns})
      for (let i = ii; i < min(n, ii + 96); i += ${rows})
        tile${rows}x${columns}(kc, ws + <usize>(i * kc) * 8, wb + <usize>(j * kc) * 8, c + <usize>i * row + <usize>j * 8, row, p > 0);
  }
}`;
}

/** AssemblyScript text of scalarRxC for the tiles that were ever fastest. */
export function scalarBaselineText(tiles: readonly (readonly [number, number])[]): string {
  return tiles.map(([rows, columns]) => tile(rows, columns)).join("\n");
}

/** Tile sizes that are tried; the best of them is the yardstick. */
export const SCALAR_TILES: readonly (readonly [number, number])[] = [
  [2, 3],
  [2, 4],
  [3, 3],
  [3, 2],
];

/** c = a·b, n×n, n a multiple of 12. */
export type ScalarKernel = (n: number, a: number, b: number, c: number, workspace: number) => void;

/** The loops as exports `scalar<rows>x<columns>` on `memory`. */
export async function scalarKernels(memory: WebAssembly.Memory): Promise<Record<string, ScalarKernel>> {
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const flags = ["--runtime", "stub", "--importMemory", "--maximumMemory", "65535", "--enable", "simd", "-O3", "--noAssert"];
  const text = scalarBaselineText(SCALAR_TILES);
  const { error } = await asc(["baseline.ts", ...flags, "-o", "out.wasm"], {
    readFile: (name) => (name === "baseline.ts" ? text : null),
    writeFile: (_, contents) => {
      if (typeof contents !== "string") wasm = Uint8Array.from(contents);
    },
    listFiles: () => [],
  });
  if (error || !wasm) throw error ?? new Error("scalar-baseline: the loops did not compile");
  const { instance } = await WebAssembly.instantiate(wasm, { env: { memory, abort: () => {} } });
  return instance.exports as Record<string, ScalarKernel>;
}
