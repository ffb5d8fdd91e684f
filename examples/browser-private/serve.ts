/** @file npm run example:private-browser -- [port]: serves the page until Ctrl-C. Three parties on one machine protect nothing. */
import { servePage } from "./server.ts";

const served = await servePage(Number(process.argv[2] ?? 5174));
process.stdout.write(`${served.url}\nthree parties on one machine protect nothing: this is for a first look\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void served.close().then(() => process.exit(0)));
}
