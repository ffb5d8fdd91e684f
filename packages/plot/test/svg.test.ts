/** @file Every SVG: well formed, self-contained, described, small; its numbers are numbers. */
import { describe, expect, test } from "vitest";
import { plot } from "../src/index.ts";
import { CORPUS, EVIL, numbers } from "./corpus.ts";
import { readXml } from "./xml.ts";

describe.each(Object.entries(CORPUS))("the SVG of %s", (_, make) => {
  test("is well-formed XML of elements that draw, without script, links or handlers", async () => {
    const svg = (await make()).svg();
    const elements = readXml(svg);
    const allowed = ["svg", "title", "desc", "style", "g", "rect", "path", "text", "circle", "image"];
    expect([...new Set(elements.map((e) => e.name))].filter((n) => !allowed.includes(n))).toEqual([]);
    for (const { attributes } of elements) {
      expect(Object.keys(attributes).filter((k) => /^on/i.test(k))).toEqual([]);
      expect(/^data:image\/png;base64,[A-Za-z0-9+/]+=*$/.test(attributes.href ?? "data:image/png;base64,A")).toBe(true);
    }
    expect(/url\(|@import|javascript:/.exec(svg)?.[0]).toBeUndefined();
  });

  test("has a size, a role and a description, and no coordinate that is not a number", async () => {
    const figure = await make();
    const svg = figure.svg();
    const [root, title, desc] = readXml(svg);
    expect(Number(root!.attributes.width)).toBeGreaterThan(50);
    expect(Number(root!.attributes.height)).toBeGreaterThan(20);
    expect(root!.attributes).toMatchObject({ role: "img", viewBox: `0 0 ${root!.attributes.width} ${root!.attributes.height}` });
    expect([title!.name, desc!.name]).toEqual(["title", "desc"]);
    expect(figure.description.length).toBeGreaterThan(8);
    const drawn = svg.replaceAll(/<(title|desc|text)[\s\S]*?<\/\1>|aria-label="[^"]*"|href="[^"]*"/g, "");
    expect(/NaN|Infinity|undefined|null/.exec(drawn)?.[0]).toBeUndefined();
  });

  test("comes out the same from its description as JSON", async () => {
    const figure = await make();
    const again = plot.figure(JSON.parse(JSON.stringify(figure)) as typeof figure.spec);
    expect(again.svg() === figure.svg()).toBe(true);
    expect(again.text()).toBe(figure.text());
  });
});

test("a hostile label is text, cut with an ellipsis, whole in the tool tip", () => {
  const svg = plot.bars({ [EVIL]: 1 }).svg();
  expect(svg).toContain("&lt;/text&gt;&lt;script&gt;");
  expect(svg).toContain("…");
  expect(svg).not.toContain("<script");
});

test("a picture of 28x28 is some hundred bytes, and a hundred thousand points are no more than a few thousand", () => {
  const one = plot.images({ values: numbers(784).map((v) => (v > 0.8 ? 1 : 0)), shape: [28, 28] }).svg();
  expect(one.length).toBeLessThan(4000);
  const many = plot.lines(numbers(100_000)).svg();
  expect(many.length).toBeLessThan(60_000);
});

test("the light and the dark scheme both set every colour", () => {
  const svg = plot.lines([1, 2]).svg();
  const [light, dark] = svg.split("@media(prefers-color-scheme:dark)");
  for (const part of [light!, dark!])
    for (const name of ["g", "t", "b", "q", "l", "a", "k", "c0", "c7"]) expect(part).toContain(`.tacit-plot .${name}{`);
});

test("a few pictures in a row have their labels and their title whole", () => {
  const values = new Float32Array(3 * 28 * 28).fill(0.5);
  const labels = ["original", "as sent: 200.0 dB", "clipped, with noise: 14.6 dB"];
  const title = "Gradient inversion (a blank picture: 15.0 dB)";
  const svg = plot.images({ values, shape: [3, 1, 28, 28] }, { title, labels, range: [0, 1], columns: 3 }).svg();
  const written = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((m) => m[1]);
  expect(written).toEqual([title, ...labels]);
  expect(Number(/ width="(\d+)"/.exec(svg)![1])).toBeLessThanOrEqual(640);
});
