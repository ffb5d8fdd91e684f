/**
 * @file Datasets that threads read: each thread imports the module that exports the dataset. The thread's whole program is a few lines
 * of text, so that it needs no file of its own: it works from source, from a bundle and in a browser (whose policy must allow blob:).
 */
import { expected, TacitError } from "../errors.ts";
import type { DType, TypedArray } from "../program/dtype.ts";
import { Tensor } from "../tensor/tensor.ts";
import { type Batch, Dataset, type Origin, type Server } from "./dataset.ts";

/** What a thread is started with: the module, and the name under which it exports the dataset. */
interface Start {
  readonly url: string;
  readonly name: string;
}
interface Ask {
  readonly id: number;
  readonly indices: Int32Array;
  readonly epoch: number;
}
/** Columns of a batch, or what went wrong. */
interface Answer {
  readonly id: number;
  readonly columns?: readonly { readonly values: TypedArray; readonly shape: readonly number[]; readonly dtype: DType }[];
  readonly error?: { readonly message: string; readonly code?: string; readonly hint?: string };
}

const SERVE = `async function serve(start, port) {
  const opened = import(start.url).then((m) => m[start.name]);
  opened.catch(() => undefined);
  port.listen(async ({ id, indices, epoch }) => {
    try {
      const batch = await (await opened).read(indices, epoch);
      const columns = await Promise.all(batch.map(async (t) => ({ values: await t.data(), shape: [...t.shape], dtype: t.dtype })));
      port.post({ id, columns }, columns.map((c) => c.values.buffer));
    } catch (e) {
      const error = e instanceof Error ? { message: e.message, code: e.code, hint: e.hint } : { message: String(e) };
      port.post({ id, error: JSON.parse(JSON.stringify(error)) }, []);
    }
  });
}
`;
const NODE = `${SERVE}import("node:worker_threads").then(({ parentPort, workerData }) =>
  serve(workerData, { listen: (f) => parentPort.on("message", f), post: (m, t) => parentPort.postMessage(m, t) }));
`;
const BROWSER = `${SERVE}onmessage = (first) =>
  serve(first.data, { listen: (f) => { onmessage = (e) => f(e.data); }, post: (m, t) => postMessage(m, t) });
`;

/** A thread: takes questions, gives answers, or fails as a whole. */
interface Thread {
  ask(question: Ask): void;
  end(): void;
}
interface Listener {
  answer(message: Answer): void;
  fail(error: Error): void;
}

async function startInNode(start: Start, listener: Listener): Promise<Thread> {
  // A dynamic import, kept from bundlers' sight: the browser build does not contain it.
  const threads = (await import(/* @vite-ignore */ `node:${"worker_threads"}`)) as typeof import("node:worker_threads");
  const worker = new threads.Worker(NODE, { eval: true, workerData: start });
  worker.on("message", (m: Answer) => listener.answer(m));
  worker.on("error", (e) => listener.fail(e instanceof Error ? e : new Error(String(e))));
  worker.on("exit", () => listener.fail(new Error("the thread ended")));
  return { ask: (q) => worker.postMessage(q), end: () => void worker.terminate() };
}

function startInBrowser(start: Start, listener: Listener): Thread {
  const url = URL.createObjectURL(new Blob([BROWSER], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  worker.onmessage = (e: MessageEvent<Answer>) => listener.answer(e.data);
  worker.onerror = (e) => listener.fail(new Error(e.message));
  worker.postMessage(start);
  const end = (): void => {
    worker.terminate();
    URL.revokeObjectURL(url);
  };
  return { ask: (q) => worker.postMessage(q), end };
}

interface Waiting {
  resolve(columns: NonNullable<Answer["columns"]>): void;
  reject(error: Error): void;
}

function errorOf({ message, code, hint }: NonNullable<Answer["error"]>): Error {
  return code === undefined ? new Error(message) : new TacitError(code, message, hint === undefined ? {} : { hint });
}

/** Threads that take turns. */
class Pool {
  private readonly threads: Thread[] = [];
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;
  private broken: Error | null = null;

  static async start(count: number, start: Start): Promise<Pool> {
    const pool = new Pool();
    const listener: Listener = { answer: (m) => pool.answer(m), fail: (e) => pool.fail(e) };
    for (let i = 0; i < count; i++) {
      const thread = typeof Worker === "undefined" ? await startInNode(start, listener) : startInBrowser(start, listener);
      pool.threads.push(thread);
    }
    return pool;
  }

  read(indices: Int32Array, epoch: number): Promise<NonNullable<Answer["columns"]>> {
    if (this.broken !== null) return Promise.reject(this.broken);
    const id = this.asked++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.threads[id % this.threads.length]!.ask({ id, indices, epoch });
    });
  }

  private answer({ id, columns, error }: Answer): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (columns !== undefined) waiting?.resolve(columns);
    else waiting?.reject(errorOf(error ?? { message: "the thread gave no answer" }));
  }

  private fail(cause: Error): void {
    this.broken ??= new TacitError("DATA_WORKER", `worker: expected a running thread, got: ${cause.message}`, { cause });
    for (const { reject } of this.waiting.values()) reject(this.broken);
    this.waiting.clear();
  }

  end(): void {
    this.broken ??= new TacitError("DATA_WORKER", "worker: expected a running iteration, got one that ended");
    for (const t of this.threads) t.end();
  }
}

/** The dataset that a module exports; this thread reads it as well. */
class ModuleDataset<T extends Batch> extends Dataset<T> {
  private readonly inner: Dataset<T>;
  private readonly start: Start;

  constructor(inner: Dataset<T>, start: Start) {
    super(inner.name, inner.length);
    this.inner = inner;
    this.start = start;
  }

  override read(indices: Int32Array, epoch = 0): T | Promise<T> {
    return this.inner.read(indices, epoch);
  }

  override order(epoch: number): Int32Array {
    return this.inner.order(epoch);
  }

  override get recipe(): string {
    return this.inner.recipe;
  }

  override origins(indices: Int32Array): readonly Origin[] {
    return this.inner.origins(indices);
  }

  override async serve(workers: number): Promise<Server<T>> {
    const pool = await Pool.start(workers, this.start);
    const read = async (indices: Int32Array, epoch: number): Promise<T> => {
      const columns = await pool.read(indices, epoch);
      const tensors: readonly Tensor[] = columns.map((c) => Tensor.adopt(c.values, c.shape, c.dtype));
      return tensors as T;
    };
    return { read, close: () => pool.end() };
  }
}

const isDataset = (x: unknown): x is Dataset<Batch> =>
  typeof x === "object" && x !== null && "read" in x && "order" in x && "length" in x && typeof x.length === "number";

/**
 * The dataset that a module exports under `name` ("dataset" unless said), fit for worker threads:
 * `(await data.fromModule(new URL("./pictures.ts", import.meta.url))).shuffle({ seed }).batch(64, { workers: 2 })`. Each thread imports
 * the module anew; what `map` adds behind it runs in this one. Batches come in order; a thread's error arrives with its message.
 * @throws ARGUMENT_INVALID when the module exports no such dataset
 */
export async function fromModule<T extends Batch = Batch>(
  module: URL | string,
  options: { readonly name?: string } = {},
): Promise<Dataset<T>> {
  const { name = "dataset" } = options;
  const url = typeof module === "string" ? module : module.href;
  const exported = (await import(/* @vite-ignore */ url)) as Readonly<Record<string, unknown>>;
  const dataset = exported[name];
  if (!isDataset(dataset))
    expected("ARGUMENT_INVALID", "fromModule", `a module that exports a dataset as ${name}`, typeof dataset);
  return new ModuleDataset(dataset as Dataset<T>, { url, name });
}
