/** @file The page in a real Chromium: a tab gives inputs, drives a training, receives a prediction; and what happens when tabs and parties go. */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { findChromium } from "../../tools/chromium.ts";
import { type Served, servePage } from "./server.ts";

const executablePath = findChromium();

/** A loaded machine takes ten times what an idle one does. */
const LONGEST = { timeout: 240_000 };

describe.runIf(executablePath !== null)("a browser tab", LONGEST, () => {
  let served: Served;
  let browser: Browser;
  let context: BrowserContext;
  const wrong: string[] = [];

  beforeAll(async () => {
    served = await servePage(0, 20_000);
    browser = await chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox"] });
    context = await browser.newContext();
  });
  afterEach(() => {
    expect(wrong.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
    await served.close();
  });

  /** A new tab; what the page's own code gets wrong is noted. */
  async function open(query = ""): Promise<Page> {
    const page = await context.newPage();
    page.setDefaultTimeout(90_000);
    page.on("pageerror", (e) => wrong.push(e.message));
    page.on("console", (m) => {
      if (/Content Security Policy/.test(m.text())) wrong.push(m.text());
    });
    await page.goto(served.url + query);
    return page;
  }

  const ready = (page: Page, id: string): Promise<unknown> => page.waitForSelector(`#${id}:not([disabled])`);
  const text = async (page: Page, id: string): Promise<string> => ((await page.textContent(`#${id}`)) ?? "").trim();
  const lossesOf = (alt: string | null): number[] => (alt ?? "").match(/\d+\.\d+/g)?.map(Number) ?? [];

  async function begin(page: Page): Promise<void> {
    await page.click("#begin");
    await page.waitForSelector("#give:not([disabled]), #train:not([disabled]), #trouble:not([hidden])");
  }

  async function train(page: Page, steps: string): Promise<void> {
    await page.selectOption("#steps", steps);
    await page.click("#train");
    await ready(page, "predict");
  }

  it("gives inputs, drives a training whose loss falls, and receives the prediction that the clear gives", async () => {
    const page = await open();
    await begin(page);
    await page.selectOption("#count", "160");
    await page.click("#give");
    await ready(page, "train");
    expect(await text(page, "give-state")).toContain("160 pictures");
    const losses: number[] = [];
    await page.exposeFunction("heard", (words: string) => losses.push(Number(/loss ([\d.]+)/.exec(words)?.[1])));
    await page.evaluate(() => {
      const state = document.querySelector("#train-state")!;
      const tell = (globalThis as unknown as { heard(words: string | null): void }).heard;
      new MutationObserver(() => tell(state.textContent)).observe(state, { childList: true, characterData: true, subtree: true });
    });
    await train(page, "40");
    const heard = losses.filter((l) => !Number.isNaN(l));
    expect(heard.length).toBeGreaterThanOrEqual(20);
    const mean = (part: readonly number[]): number => part.reduce((a, b) => a + b, 0) / part.length;
    expect(mean(heard.slice(-5))).toBeLessThan(0.85 * mean(heard.slice(0, 5)));
    expect(lossesOf(await page.getAttribute("#chart", "alt")).length).toBeGreaterThan(0);

    await page.click("#sample");
    await page.click("#predict");
    await ready(page, "compare");
    expect(await text(page, "answer")).toMatch(/^It looks like \d \(\d+ %\)\.$/);
    await page.click("#compare");
    await page.waitForSelector("#compared[data-difference]");
    // Fixed point of 16 fraction bits: 196 products of at most 1 each are rounded once.
    expect(Number(await page.getAttribute("#compared", "data-difference"))).toBeLessThan(5e-3);
    expect(Number(await text(page, "rounds"))).toBeGreaterThan(100);

    await page.click("#deliver");
    await page.waitForSelector("#reader-link:not([hidden])");
    const digit = /like (\d)/.exec(await text(page, "answer"))![1];
    const reader = await open("?reader");
    await reader.click("#collect");
    await reader.waitForFunction(() => /prediction: \d/.test(document.querySelector("#collected")!.textContent));
    expect(await text(reader, "collected")).toContain(`prediction: ${digit}`);
    await reader.close();
    await page.close();
  });

  it("drives alone; once it is reloaded or closed another takes the wheel, and finds the inputs", async () => {
    const first = await open();
    await begin(first);
    const second = await open();
    await begin(second);
    expect(await text(second, "trouble")).toContain("Another tab drives");
    await first.reload();
    await begin(second);
    expect(await text(second, "give-state")).toContain("160 pictures");
    await begin(first);
    expect(await text(first, "trouble")).toContain("Another tab drives");
    await second.close();
    await begin(first);
    await train(first, "40");
    await first.close();
  });

  it("hears which party was lost, and begins again with three new ones", async () => {
    const page = await open();
    await begin(page);
    await page.selectOption("#steps", "200");
    await page.click("#train");
    await page.waitForFunction(() => /step \d+/.test(document.querySelector("#train-state")!.textContent));
    served.parties!.children[1]!.kill();
    await page.waitForSelector("#trouble:not([hidden])");
    expect(await text(page, "trouble")).toMatch(/^MPC_PARTY_LOST .*party-b/);
    await begin(page);
    expect(await text(page, "state")).toContain("You drive");
    await page.close();
  });

  it("of another origin reaches no party", async () => {
    const page = await context.newPage();
    await page.route("http://stranger.example/", (route) =>
      route.fulfill({ contentType: "text/html", body: "<p>another page</p>" }),
    );
    await page.goto("http://stranger.example/");
    const url = Object.values(served.parties!.web)[0]!;
    const outcome = await page.evaluate(
      (at) =>
        new Promise<string>((resolve) => {
          const socket = new WebSocket(at);
          socket.onopen = () => resolve("open");
          socket.onclose = ({ code }) => resolve(`closed ${code}`);
        }),
      url,
    );
    expect(outcome).toBe("closed 1006");
    await page.close();
  });
});
