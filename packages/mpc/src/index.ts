/** @file @tacit/mpc: train and predict on secret-shared data. `mpc.local(3)` or `mpc.connect("session.json")` gives a device. */

export { type ConnectOptions, connect, type LocalOptions, local, MpcSession, oneHot, type SessionCost } from "./driver/index.ts";
export * as mpc from "./mpc.ts";
