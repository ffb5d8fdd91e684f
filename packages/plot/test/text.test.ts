/** @file What a terminal shows: drawings letter by letter, colours only where they are wanted, lines that fit. */
import { describe, expect, test } from "vitest";
import { lookAt, plot } from "../src/index.ts";
import { xterm } from "../src/terminal/paint.ts";
import { columnsOf, cut, plainWords } from "../src/terminal/words.ts";
import { CORPUS, example, Residual } from "./corpus.ts";

/** The drawing as it stands in a test: without the line break before and after. */
const art = (text: string): string => text.replace(/^\n/, "").replace(/\n *$/, "");

describe.each(Object.entries(CORPUS))("the text of %s", (_, make) => {
  test("fits its width, and holds no control character or override without colour", async () => {
    const figure = await make();
    for (const width of [40, 80]) {
      const text = figure.text({ width });
      expect(/(?!\n)\p{C}/u.exec(text)?.[0]).toBeUndefined();
      const free = ["confusion", "graph"].includes(figure.spec.kind); // matrices and tables have a width of their own
      if (!free) expect(Math.max(...text.split("\n").map(columnsOf))).toBeLessThanOrEqual(width + 2);
    }
  });

  test("in ASCII is ASCII but for the words that were given", async () => {
    const ascii = (await make()).text({ unicode: false }).replaceAll(/[漢字�]/gu, "");
    expect(/[^\n -~]/.exec(ascii)?.[0]).toBeUndefined();
  });

  test("in colour has only codes that set and reset colours, each line closed", async () => {
    for (const color of ["256", "true"] as const) {
      const text = (await make()).text({ color });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
      const bare = text.replaceAll(/\u001b\[[\d;]*m/g, "");
      expect(/(?!\n)\p{C}/u.exec(bare)?.[0]).toBeUndefined();
      for (const line of text.split("\n")) {
        const last = line.lastIndexOf("\u001b[");
        expect(last < 0 || line.startsWith("\u001b[0m", last)).toBe(true);
      }
    }
  });
});

describe("drawn letter by letter", () => {
  test("a curve is dots between axes, or stars in ASCII", () => {
    const figure = plot.lines([0, 1, 2, 3, 4], { title: "rising", x: "step" });
    expect(figure.text({ width: 30, height: 5 })).toBe(
      art(`
            rising
 4 ┤                     ⣀⡠⠔⠒⠉
   │               ⢀⣀⠤⠒⠊⠉
 2 ┤          ⢀⣀⠤⠖⠉⠁
   │     ⣀⡠⠤⠒⠉⠁
 0 ┤⣀⠤⠔⠊⠉
   └──────┬────────────┬──────
          2            4
               step`),
    );
    expect(figure.text({ width: 30, height: 5, unicode: false })).toBe(
      art(`
            rising
 4 +                      ****
   |                ******
 2 +          ******
   |    ******
 0 +****
   +------+------------+------
          2            4
               step`),
    );
  });

  test("several curves without colour have a sign each, a mark stands behind them, the second axis at the right", () => {
    const figure = plot.lines({ a: [3, 2, 1], b: [1, 1, 1] }, { right: { lr: [1, 0.5, 0] }, marks: [2] });
    expect(figure.text({ width: 36, height: 6 })).toBe(
      art(`
    • a   × b   + lr (right)
 3 ┤+++          ┊             ├ 1.0
   │   +++++     ┊             │
   │        +++++┊             │
 2 ┤             ++++++        ├ 0.5
   │             ┊     +++++   │
 1 ┤××××××××××××××××××××××××+++├ 0.0
   └┬────────────┬────────────┬┘
    1            2            3`),
    );
  });

  test("powers of ten on a logarithmic axis are a straight line", () => {
    expect(plot.lines([1, 10, 100, 1000], { log: true }).text({ width: 30, height: 7 })).toBe(
      art(`
 1000 ┤                    ⢀⠤⠒
      │                 ⡠⠔⠊⠁
  100 ┤             ⢀⠤⠒⠉
      │         ⢀⡠⠔⠊⠁
   10 ┤      ⣀⠤⠒⠁
      │  ⢀⡠⠔⠊
    1 ┤⠤⠒⠁
      └───────┬──────────────┬
              2              4`),
    );
  });

  test("bars have eighths of a letter, a side for each sign, and their numbers", () => {
    expect(plot.bars({ yes: 0.75, no: 0.25 }, { percent: true }).text({ width: 30 })).toBe(
      "yes █████████████▌ 75.0 %\n no ████▌ 25.0 %",
    );
    expect(plot.bars({ yes: 0.75, no: 0.25 }, { percent: true }).text({ width: 30, unicode: false })).toBe(
      "yes ############## 75.0 %\n no ##### 25.0 %",
    );
    expect(plot.bars({ a: 2, b: -1 }).text({ width: 30 })).toBe("  a        ██████████████▋ 2\n  b ███████ -1");
  });

  test("a histogram stands on its axis", () => {
    expect(plot.histogram([1, 1, 1, 2, 3, 3.5], { bins: 3, x: "v" }).text({ width: 24, height: 4 })).toBe(
      art(`
   count
 4 ┤
   │███████
 2 ┤███████       ██████
 0 ┤████████████████████
   └──────┬────────────┬
          2            4
             v`),
    );
  });

  test("a heat map has shades and its ends without colour, grounds with", () => {
    const figure = plot.heatmap(
      [
        [0, 0.5],
        [1, 0.25],
      ],
      { rows: ["q1", "q2"], columns: ["a", "b"] },
    );
    expect(figure.text({ width: 30 })).toBe("   a    b\nq1      ▒▒▒▒▒\nq2 █████░░░░░\n0   ░░░▒▒▓▓▓██ 1");
    expect(figure.text({ width: 30, color: "true" })).toContain(
      "q2 \u001b[48;2;253;231;37m     \u001b[0m\u001b[48;2;59;82;138m     \u001b[0m",
    );
  });

  test("two pixels share a letter: half blocks with colour, shades without; a label stands below", () => {
    const figure = plot.images({ values: [0, 1, 1, 0, 1, 1, 0, 0], shape: [1, 1, 4, 2] }, { labels: ["x"] });
    const [black, white] = ["0;0;0", "255;255;255"];
    expect(figure.text({ color: "true" }).split("\n")[0]).toBe(
      `\u001b[38;2;${black};48;2;${white}m▀\u001b[0m\u001b[38;2;${white};48;2;${black}m▀\u001b[0m`,
    );
    expect(figure.text()).toBe("▒▒\n▒▒\n x");
  });

  test("groups are the first letters of their names, where those differ", () => {
    expect(
      plot
        .scatter(
          [
            [0, 0],
            [1, 1],
            [2, 0],
          ],
          { labels: ["cat", "dog", "cat"] },
        )
        .text({ width: 30, height: 6 }),
    ).toBe(
      art(`
    c cat   d dog
 1 ┤             d
   │
   │
   │
   │
 0 ┤ c                      c
   └─┬──────────────────────┬─
     0                      2`),
    );
  });

  test("a confusion matrix shows truth by row with its recall, marks mistakes by their share, and stays square with wide counts", () => {
    const text = plot
      .confusion([
        [98, 1, 1],
        [0, 0, 0],
        [20, 0, 80],
      ])
      .text();
    expect(text).toBe(
      art(`
truth │    0    1    2  recall
──────┼───────────────
    0 │   98▒   1▒   1  98.0 %
    1 │    ·    ·    ·       –
    2 │█  20    ·   80  80.0 %
accuracy 89.00 % (178 of 200)`),
    );
    expect(
      plot
        .confusion([[123456]], { accuracy: false })
        .text()
        .split("\n")[2],
    ).toContain("123456 100.0 %");
  });

  test("a model is a table of its layers", () => {
    const text = plot.model(new Residual(), example()).text().split("\n");
    expect(text[1]).toMatch(/^input +1×1×6×6$/);
    expect(text[3]).toMatch(/^b +Conv2d\(4, 4.* 1×4×6×6 +148$/);
    expect(text[4]).toMatch(/^out\.0 +Flatten\(\) +1×144 +reads b, a$/);
    expect(text.at(-1)).toBe("4 layers, 1 638 weights");
  });
});

describe("a terminal", () => {
  test("has the colours that it says, none with NO_COLOR, none where it is no terminal", () => {
    const tty = { isTTY: true, columns: 100 };
    expect(lookAt(tty, { COLORTERM: "truecolor" }).color).toBe("true");
    expect(lookAt(tty, { TERM: "xterm-256color" }).color).toBe("256");
    expect(lookAt(tty, { TERM: "xterm" }).color).toBe("none");
    expect(lookAt(tty, { COLORTERM: "truecolor", NO_COLOR: "1" }).color).toBe("none");
    expect(lookAt(tty, { COLORTERM: "truecolor", NO_COLOR: "" }).color).toBe("true");
    expect(lookAt(tty, { COLORTERM: "truecolor", TERM: "dumb" })).toMatchObject({ color: "none", unicode: false });
    expect(lookAt({}, { COLORTERM: "truecolor" })).toMatchObject({ color: "none", width: 80 });
  });

  test("gets ASCII where its locale says another encoding, and lines of at most 120 columns", () => {
    expect(lookAt({}, { LANG: "C" }).unicode).toBe(false);
    expect(lookAt({}, { LANG: "C", LC_ALL: "de_DE.UTF-8" }).unicode).toBe(true);
    expect(lookAt({}, {}).unicode).toBe(true);
    expect(lookAt({ columns: 300 }, {}).width).toBe(120);
    expect(lookAt({ columns: 5 }, {}).width).toBe(20);
    expect(lookAt({}, { COLUMNS: "60" }).width).toBe(60);
  });

  test("of 256 colours gets the nearest: corners of the cube, grays of the ramp", () => {
    expect([xterm([255, 0, 0]), xterm([255, 255, 255]), xterm([0, 0, 0]), xterm([128, 128, 128]), xterm([0, 135, 215])]).toEqual([
      196, 231, 16, 244, 32,
    ]);
  });

  test("never obeys a label", () => {
    expect(plainWords("a\u001b[31mb\u202ec\u0000")).toBe("a?[31mb?c?");
    expect([columnsOf("漢字"), columnsOf("e\u0301"), columnsOf("abc")]).toEqual([4, 1, 3]);
    expect([cut("abcdef", 4), cut("漢字漢字", 5), cut("ab", 4)]).toEqual(["abc…", "漢字…", "ab"]);
  });
});
