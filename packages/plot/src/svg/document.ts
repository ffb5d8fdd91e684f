/** @file The SVG document: escaped text, the two colour schemes, title, description and notes around a drawing. */
import { HUES, SCHEMES } from "../color/palette.ts";
import { BOLD, fit, textWidth } from "./measure.ts";

export interface SvgOptions {
  /** Pixels; the height follows where the kind has a natural one. */
  readonly width?: number;
  readonly height?: number;
}

/** What a kind draws; the document adds the title above and the notes below. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly body: string;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };

/** Text as XML 1.0 may hold it (section 2.2): control characters and lone surrogates become U+FFFD, markup is escaped. */
export const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is taken out
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replaceAll(/[&<>"']/g, (c) => ENTITIES[c]!);

/** A coordinate with at most two decimals: a hundredth of a pixel is not seen. */
export const n = (v: number): string => String(Math.round(v * 100) / 100 + 0);

type Attributes = Readonly<Record<string, string | number | null>>;

/** An element; `inner` is markup. */
export function tag(name: string, attributes: Attributes, inner = ""): string {
  const written = Object.entries(attributes)
    .filter(([, v]) => v !== null)
    .map(([k, v]) => ` ${k}="${typeof v === "number" ? n(v) : escapeXml(v!)}"`)
    .join("");
  return inner === "" ? `<${name}${written}/>` : `<${name}${written}>${inner}</${name}>`;
}

export interface TextStyle {
  readonly size?: number;
  readonly anchor?: "start" | "middle" | "end";
  /** Class names of the scheme: t (text), q (quiet), b (bold). */
  readonly as?: string;
  readonly fill?: string;
  readonly rotate?: number;
  /** Cut with an ellipsis beyond this many pixels; the whole is in the tool tip. */
  readonly most?: number;
}

/** A line of text, its baseline at y. */
export function label(x: number, y: number, text: string, style: TextStyle = {}): string {
  const size = style.size ?? 12;
  const shown = style.most === undefined ? text : fit(text, style.as === "b" ? size * BOLD : size, style.most);
  const whole = shown === text ? "" : tag("title", {}, escapeXml(text));
  const attributes = {
    x,
    y,
    class: style.fill === undefined ? (style.as ?? "t") : null,
    fill: style.fill ?? null,
    "font-size": size === 12 ? null : size,
    "text-anchor": style.anchor === undefined || style.anchor === "start" ? null : style.anchor,
    transform: style.rotate === undefined ? null : `rotate(${style.rotate} ${n(x)} ${n(y)})`,
  };
  return tag("text", attributes, whole + escapeXml(shown) || " ");
}

/** The colours of one scheme. `c0`, `c1`, … set the current colour of a series. */
function rules(scheme: "light" | "dark"): string {
  const s = SCHEMES[scheme];
  const at = (selector: string, what: string): string => `.tacit-plot ${selector}{${what}}`;
  return [
    at(".g", `fill:${s.ground}`),
    at(".t", `fill:${s.text}`),
    at(".b", `fill:${s.text};font-weight:600`),
    at(".q", `fill:${s.quiet}`),
    at(".l", `stroke:${s.line}`),
    at(".a", `stroke:${s.quiet}`),
    at(".k", `fill:${s.track}`),
    ...HUES.map((h, i) => at(`.c${i}`, `color:${h[scheme]}`)),
  ].join("");
}

const STYLE = tag("style", {}, `${rules("light")}@media(prefers-color-scheme:dark){${rules("dark")}}`);

const TITLE_ROOM = 34;
const TITLE = 15;
/** A narrow drawing gets as much ground as its title needs, up to this. */
const TITLE_MOST = 640;
const NOTE_ROOM = 16;

/** The whole document. */
export function document(
  d: Drawing & { readonly title: string; readonly notes: readonly string[]; readonly describes: string },
): string {
  const top = d.title === "" ? 0 : TITLE_ROOM;
  const width = Math.max(d.width, Math.min(TITLE_MOST, Math.ceil(textWidth(d.title, TITLE * BOLD)) + 28));
  const height = d.height + top + d.notes.length * NOTE_ROOM + (d.notes.length > 0 ? 6 : 0);
  const parts = [
    tag("title", {}, escapeXml(d.title === "" ? d.describes : d.title)),
    tag("desc", {}, escapeXml(d.describes)),
    STYLE,
    tag("rect", { class: "g", width, height, rx: 4 }),
    ...(top === 0 ? [] : [label(14, 24, d.title, { size: TITLE, as: "b", most: width - 28 })]),
    top === 0 ? d.body : tag("g", { transform: `translate(0 ${top})` }, d.body || " "),
    ...d.notes.map((note, i) => label(14, top + d.height + 12 + i * NOTE_ROOM, note, { size: 11, as: "q", most: width - 28 })),
  ];
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    class: "tacit-plot",
    role: "img",
    "aria-label": d.title === "" ? d.describes : `${d.title}. ${d.describes}`,
    width,
    height,
    viewBox: `0 0 ${n(width)} ${n(height)}`,
    "font-family": "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', sans-serif",
    "font-size": 12,
  };
  return tag("svg", attributes, parts.join(""));
}
