/** @file Debugging in Chromium: warnings, ladder, anomalies and profiles as in Node; lines come from the URLs of the page's files. */
import "../debug/ladder.test.ts";
import "../debug/mistakes.test.ts";
import "../debug/profile.test.ts";
import { expect, it } from "vitest";
import { TacitError, tensor } from "../../src/index.ts";

it("an error names a line of the served file, without host and query", async () => {
  const far = tensor([1, 2]).indexSelect(0, tensor([7], { dtype: "i32" }));
  const error = await far.data().then(
    () => null,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(TacitError);
  expect((error as TacitError).at).toMatch(/^[^:?]*debug\.browser\.test\.ts:\d+:\d+$/);
});
