/** @file Elementwise chains: a micro-program run tile by tile; a register is one tile, kept in L1. */
import { address, bytes4, ceilDiv, word } from "./arguments";
import { micro, TILE } from "./micro-operations.gen";
import { part, scratch, tid } from "./threads";

// Where a slot's values are; layout shared with src/f32/chain.ts.
const REGISTER: i32 = 0; // scratch, written by the micro-program
const MEMORY: i32 = 1; // 4-byte elements, in order: used in place
const CONSTANT: i32 = 2; // a register filled once with 4-byte bits
const SCALAR: i32 = 3; // a register filled once from one element in memory
const BYTES: i32 = 4; // 1-byte elements, in order: a register filled per tile
const BROADCAST: i32 = 5; // a register filled per tile from a strided view
const STORE: i32 = 6; // 1-byte elements, in order: a register stored per tile

const SLOT: usize = 48; // bytes of a slot record: kind, address or bits, register, element bytes, 6 strides, 2 unused
const HEADER: usize = 32; // slots, steps, dims, shape[5 inner sizes]: sizes of all dimensions but the first
const MAX_SLOTS: usize = 64;
// A register may be overrun by one vector while it is filled.
const REGISTER_BYTES: usize = ((<usize>TILE) << 2) + 64;

/** words: 0 address of the side table, 1 elements. */
export function chain(a: usize): void {
  const side = address(a, 0), n = word(a, 1);
  const tiles = ceilDiv(n, TILE), t0 = part(tiles, tid), t1 = part(tiles, tid + 1);
  if (t0 >= t1) return;
  const slots = load<i32>(side), steps = load<i32>(side, 4);
  const table = side + HEADER, program = table + <usize>slots * SLOT;
  const pointers = scratch(), registers = pointers + 4 * MAX_SLOTS;
  prepare(table, slots, pointers, registers);
  for (let t = t0; t < t1; ++t) {
    const first = t * TILE, count = min(TILE, n - first);
    enter(side, table, slots, pointers, registers, first, count);
    let s = program;
    for (let i = 0; i < steps; ++i) {
      const d = pointer(pointers, s, 4);
      micro(load<i32>(s), d, pointer(pointers, s, 8), pointer(pointers, s, 12), pointer(pointers, s, 16), d + bytes4(count));
      s += 20;
    }
    leave(table, slots, registers, first, count);
  }
}
@inline
function pointer(pointers: usize, step: usize, operand: usize): usize {
  return <usize>load<i32>(pointers + bytes4(load<i32>(step + operand)));
}

/** Fills what is the same for all tiles. */
function prepare(table: usize, slots: i32, pointers: usize, registers: usize): void {
  for (let i = 0; i < slots; ++i) {
    const s = table + <usize>i * SLOT, kind = load<i32>(s), r = registers + <usize>load<i32>(s, 8) * REGISTER_BYTES;
    if (kind == MEMORY) continue;
    store<i32>(pointers + bytes4(i), <i32>r);
    if (kind == CONSTANT) fillRun(r, load<i32>(s, 4), TILE);
    if (kind == SCALAR) fillRun(r, element(<usize>load<i32>(s, 4), load<i32>(s, 12)), TILE);
  }
}
@inline
function element(p: usize, size: i32): i32 {
  return size == 1 ? <i32>load<u8>(p) : load<i32>(p);
}

/** Points memory slots at this tile and fills the registers that hold loaded tiles. */
function enter(side: usize, table: usize, slots: i32, pointers: usize, registers: usize, first: i32, count: i32): void {
  for (let i = 0; i < slots; ++i) {
    const s = table + <usize>i * SLOT, kind = load<i32>(s), base = <usize>load<i32>(s, 4);
    if (kind == MEMORY) store<i32>(pointers + bytes4(i), <i32>(base + bytes4(first)));
    else if (kind == BYTES) widen(base + <usize>first, registers + <usize>load<i32>(s, 8) * REGISTER_BYTES, count);
    else if (kind == BROADCAST) broadcast(side, s, registers + <usize>load<i32>(s, 8) * REGISTER_BYTES, first, count);
  }
}
function leave(table: usize, slots: i32, registers: usize, first: i32, count: i32): void {
  for (let i = 0; i < slots; ++i) {
    const s = table + <usize>i * SLOT;
    if (load<i32>(s) == STORE) narrow(registers + <usize>load<i32>(s, 8) * REGISTER_BYTES, <usize>load<i32>(s, 4) + <usize>first, count);
  }
}

/** 1-byte elements -> 4-byte lanes; reads up to 3 bytes past the end. */
function widen(src: usize, dst: usize, count: i32): void {
  for (let i = 0; i < count; i += 4) {
    v128.store(dst, i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load_zero<i32>(src))));
    src += 4;
    dst += 16;
  }
}
/** The low bytes of 4-byte lanes; writes up to 3 bytes past the end. */
function narrow(src: usize, dst: usize, count: i32): void {
  for (let i = 0; i < count; i += 4) {
    const v = v128.load(src);
    v128.store_lane<i32>(dst, v128.shuffle<i8>(v, v, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12), 0);
    src += 16;
    dst += 4;
  }
}
@inline
function fillRun(dst: usize, bits: i32, count: i32): void {
  const v = i32x4.splat(bits);
  for (const e = dst + bytes4(count); dst < e; dst += 16) v128.store(dst, v);
}

/** Elements first..first+count of a strided view. Runs along the last dimension; what a run overruns, the next overwrites. */
function broadcast(side: usize, s: usize, dst: usize, first: i32, count: i32): void {
  const dims = load<i32>(side, 8), sizes = side + 8, size = load<i32>(s, 12), strides = s + 16; // sizes[d] for d >= 1
  const last = dims - 1, inner = dims > 1 ? load<i32>(sizes + bytes4(last)) : i32.MAX_VALUE, step = load<i32>(strides + bytes4(last));
  let x = first % inner, row = first / inner, done = 0;
  while (done < count) {
    const run = min(inner - x, count - done);
    let p = x * step;
    for (let d = last - 1, r = row; d >= 0; --d) {
      const m = d > 0 ? load<i32>(sizes + bytes4(d)) : i32.MAX_VALUE;
      p += (r % m) * load<i32>(strides + bytes4(d));
      r /= m;
    }
    copyRun(<usize>load<i32>(s, 4) + (size == 1 ? <usize>p : bytes4(p)), step, size, dst + bytes4(done), run);
    done += run;
    x = 0;
    ++row;
  }
}
function copyRun(src: usize, step: i32, size: i32, dst: usize, run: i32): void {
  if (step == 0) return fillRun(dst, element(src, size), run);
  if (size == 1) {
    for (let i = 0; i < run; ++i) store<i32>(dst + bytes4(i), <i32>load<u8>(src + <usize>(i * step)));
  } else if (step == 1) {
    for (let i = 0; i < run; i += 4) v128.store(dst + bytes4(i), v128.load(src + bytes4(i)));
  } else {
    for (let i = 0; i < run; ++i) store<i32>(dst + bytes4(i), load<i32>(src + bytes4(i * step)));
  }
}
