/** @file onnxruntime-web (wasm, one thread) as a contender: a one-node MatMul model, written here as protobuf bytes. */
import * as ort from "onnxruntime-web";
import { serve, timeCalls } from "../src/serve.ts";

ort.env.wasm.numThreads = 1;

const varint = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)]);
const number = (field: number, value: number): number[] => [...varint(field << 3), ...varint(value)];
const bytes = (field: number, value: readonly number[]): number[] => [
  ...varint((field << 3) | 2),
  ...varint(value.length),
  ...value,
];
const text = (field: number, value: string): number[] => bytes(field, [...new TextEncoder().encode(value)]);

/** ValueInfoProto of a float matrix. */
function matrix(name: string, n: number): number[] {
  const dim = bytes(1, number(1, n));
  const tensor = [...number(1, 1), ...bytes(2, [...dim, ...dim])];
  return [...text(1, name), ...bytes(2, bytes(1, tensor))];
}

/** ModelProto: y = MatMul(a, b), opset 13. */
function matmulModel(n: number): Uint8Array {
  const node = [...text(1, "a"), ...text(1, "b"), ...text(2, "y"), ...text(4, "MatMul")];
  const graph = [
    ...bytes(1, node),
    ...text(2, "g"),
    ...bytes(11, matrix("a", n)),
    ...bytes(11, matrix("b", n)),
    ...bytes(12, matrix("y", n)),
  ];
  return Uint8Array.from([...number(1, 8), ...bytes(7, graph), ...bytes(8, [...text(1, ""), ...number(2, 13)])]);
}

function gemm(n: number, calls: number) {
  return async () => {
    const session = await ort.InferenceSession.create(matmulModel(n), { executionProviders: ["wasm"] });
    const tensor = (): ort.Tensor => new ort.Tensor("float32", Float32Array.from({ length: n * n }, Math.random), [n, n]);
    const feeds = { a: tensor(), b: tensor() };
    for (let i = 0; i < 3; i++) await session.run(feeds);
    return () => timeCalls(calls, () => session.run(feeds));
  };
}

await serve({ "gemm-f32-256": gemm(256, 40), "gemm-f32-512": gemm(512, 10), "gemm-f32-1024": gemm(1024, 3) });
