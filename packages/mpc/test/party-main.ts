/** @file A party process that knows plain3. */
import { runChild } from "../src/party/child.ts";
import { plain3 } from "./plain3.ts";

await runChild([plain3]);
