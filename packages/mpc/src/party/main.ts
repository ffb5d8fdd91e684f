/** @file The party process that `mpc.local` starts. */
import { runChild } from "./child.ts";

await runChild();
