/** @file Row of randomBits: counter-based random words. */
import { expected, TacitError } from "../../errors.ts";
import { philoxFill } from "../../philox.ts";
import { showAval } from "../../program/aval.ts";
import { checkKind, checkShape, checkSizes, U32 } from "../check.ts";
import type { OpRow } from "../row.ts";

/** Element i of the result is word i mod 4 of Philox4x32-10 at counter offset + floor(i / 4). Offset: 1 to 4 words of a counter, low first. */
const randomBits: OpRow = {
  name: "randomBits",
  arity: 2,
  attrs: ["shape..."],
  infer([key, offset], attrs) {
    checkKind("randomBits", key!, U32);
    checkKind("randomBits", offset!, U32);
    checkShape("randomBits", key!, [2]);
    const words = offset!.shape[0] ?? 0;
    if (offset!.shape.length !== 1 || words < 1 || words > 4) {
      expected("SHAPE_MISMATCH", "randomBits", "an offset of 1 to 4 words", showAval(offset!));
    }
    return { shape: checkSizes("randomBits", attrs), dtype: "u32" };
  },
  /** One key for each example would need as many streams; callers draw the whole batch in one op. */
  vmap() {
    throw new TacitError("VMAP_UNSUPPORTED", "randomBits: expected one key and offset for the whole batch, got one per example", {
      hint: "draw bits for the whole batch outside vmap and pass them in",
    });
  },
  reference([key, offset], _avals, _attrs, out) {
    const words = new Uint32Array(out.shape.reduce((a, b) => a * b, 1));
    philoxFill(Uint32Array.from(key as Uint32Array), Uint32Array.from(offset as Uint32Array), words);
    return words;
  },
};

export const RANDOM_ROWS: readonly OpRow[] = [randomBits];
