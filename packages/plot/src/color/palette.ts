/** @file Colours that tell series apart, also to the colour-blind (Okabe and Ito 2008), in a shade for light and one for dark grounds. */

interface Hue {
  readonly light: string;
  readonly dark: string;
}

/** Every one has a contrast of at least 3 on its ground (WCAG 2.2, 1.4.11): see the test. */
export const HUES: readonly Hue[] = [
  { light: "#0072b2", dark: "#4da3dc" },
  { light: "#d55e00", dark: "#f0803c" },
  { light: "#008a66", dark: "#1fb88f" },
  { light: "#b0588f", dark: "#dd8dbe" },
  { light: "#a37200", dark: "#e6a817" },
  { light: "#2b8bbf", dark: "#7cc8f0" },
  { light: "#7a3e9d", dark: "#b58ad6" },
  { light: "#6b6b6b", dark: "#a8a8a8" },
];

/** The ground, text, quieter text and lines of the two schemes. */
export const SCHEMES = {
  light: { ground: "#ffffff", text: "#1f2328", quiet: "#59636e", line: "#d8dee4", track: "#eef1f4" },
  dark: { ground: "#16191e", text: "#e6e9ed", quiet: "#a3adb8", line: "#343b44", track: "#252b33" },
} as const;

export const hue = (i: number): Hue => HUES[i % HUES.length]!;
