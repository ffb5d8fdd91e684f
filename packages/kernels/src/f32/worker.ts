/** @file The other threads of an engine. Their whole program is a few lines of text, so that it needs no file of its own:
 *  it works from TypeScript source, from a bundle and in a browser alike (there the page's policy must allow blob: workers). */

/** What a thread needs; everything in it can be posted. */
export interface ThreadStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly tid: number;
  readonly threads: number;
}

/** A running thread. */
export interface Thread {
  /** Resolves when the thread has left its loop (after the engine's stop command). Until it is asked for, a thread does not
   *  keep the process alive. */
  join(): Promise<void>;
}

const LIVE = `function live(start, up) {
  const imports = { env: { memory: start.memory, abort() { throw new Error("f32: abort"); } } };
  const { exports } = new WebAssembly.Instance(start.module, imports);
  exports.init(start.tid, start.threads);
  up();
  exports.serve();
}
`;
// import() works whether the process treats evaluated text as a script or as a module (--input-type).
const NODE = `${LIVE}import("node:worker_threads").then(({ parentPort, workerData }) => {
  live(workerData, () => parentPort.postMessage("up"));
});
`;
const BROWSER = `${LIVE}onmessage = (e) => { live(e.data, () => postMessage("up")); postMessage("ended"); close(); };
`;

/** Starts one thread; resolves when it is up. */
export function startThread(start: ThreadStart): Promise<Thread> {
  return typeof Worker === "undefined" ? startInNode(start) : startInBrowser(start);
}

async function startInNode(start: ThreadStart): Promise<Thread> {
  // A dynamic import, kept from bundlers' sight: the browser build does not contain it.
  const threads = (await import(/* @vite-ignore */ `node:${"worker_threads"}`)) as typeof import("node:worker_threads");
  const worker = new threads.Worker(NODE, { eval: true, workerData: start });
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
  });
  worker.unref();
  const join = (): Promise<void> => {
    worker.ref();
    return ended;
  };
  return { join };
}

async function startInBrowser(start: ThreadStart): Promise<Thread> {
  const url = URL.createObjectURL(new Blob([BROWSER], { type: "text/javascript" }));
  const worker = new Worker(url);
  let end: () => void;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  await new Promise<void>((resolve, reject) => {
    worker.onmessage = (e: MessageEvent<string>) => (e.data === "up" ? resolve() : end());
    worker.onerror = (e) => reject(new Error(e.message));
    worker.postMessage(start);
  });
  URL.revokeObjectURL(url);
  return { join: () => ended };
}
