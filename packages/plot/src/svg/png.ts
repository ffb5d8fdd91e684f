/** @file Pixels as an embedded PNG: a 28x28 picture is some hundred bytes, not 784 rectangles. */
import { encode } from "fast-png";
import { escapeXml, tag } from "./document.ts";

/** Bytes row-major [height, width, channels]: gray, RGB or RGBA. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  readonly data: Uint8Array;
}

const CHUNK = 8192;

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += CHUNK) text += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  return btoa(text);
}

export const pngUri = (p: Pixels): string => `data:image/png;base64,${base64(encode({ ...p, depth: 8 }))}`;

/** The pixels as a picture of the given size, each a sharp square. */
export const pixelImage = (p: Pixels, at: { x: number; y: number; width: number; height: number }, what = ""): string =>
  p.width === 0 || p.height === 0
    ? ""
    : tag(
        "image",
        { ...at, preserveAspectRatio: "none", "image-rendering": "pixelated", href: pngUri(p) },
        what === "" ? "" : tag("title", {}, escapeXml(what)),
      );
