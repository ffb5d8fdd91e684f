/** @file Batching of reductions: every axis moves up by one. */
import { emit } from "../../expr.ts";
import type { BatchRule } from "../row.ts";

export const batchReduce =
  (name: string): BatchRule =>
  ([x], _batched, [keepdim, ...axes]) =>
    emit(name, [x!], [keepdim!, ...axes.map((a) => a + 1)]);

export const batchArg =
  (name: string): BatchRule =>
  ([x], _batched, [axis, keepdim]) =>
    emit(name, [x!], [axis! + 1, keepdim!]);

export const batchCumsum: BatchRule = ([x], _batched, [axis]) => emit("cumsum", [x!], [axis! + 1]);
