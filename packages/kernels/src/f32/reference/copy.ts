/** @file References of data movement. */
import { contiguousStrides, type FillParams, type IotaParams, type StridedCopyParams } from "../copy.ts";
import { ELEMENT_BYTES, type MemoryViews } from "../instruction.ts";

export function stridedCopyReference(p: StridedCopyParams, { u8 }: MemoryViews): number {
  const n = p.shape.reduce((a, b) => a * b, 1);
  const dstStrides = p.dstStrides ?? contiguousStrides(p.shape);
  for (let i = 0; i < n; i++) {
    let rest = i;
    let src = 0;
    let dst = 0;
    for (let d = p.shape.length - 1; d >= 0; d--) {
      const x = rest % p.shape[d]!;
      rest = Math.floor(rest / p.shape[d]!);
      src += x * p.srcStrides[d]!;
      dst += x * dstStrides[d]!;
    }
    const from = p.src + src * p.elementBytes;
    u8.copyWithin(p.dst + dst * p.elementBytes, from, from + p.elementBytes);
  }
  return 0;
}

export function fillReference(p: FillParams, memory: MemoryViews): number {
  const bytes = ELEMENT_BYTES[p.dtype];
  const array = p.dtype === "bool" ? memory.u8 : memory[p.dtype];
  array.fill(p.value, p.y / bytes, p.y / bytes + p.n);
  return 0;
}

export function iotaReference(p: IotaParams, memory: MemoryViews): number {
  const array = memory[p.dtype];
  for (let i = 0; i < p.outer * p.size * p.inner; i++) array[p.y / 4 + i] = Math.floor(i / p.inner) % p.size;
  return 0;
}
