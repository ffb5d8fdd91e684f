/** @file A strict reader of the XML that we write: throws where a document is not well formed (XML 1.0, sections 2 and 3). */

const NAME = /^[A-Za-z_][\w.-]*/;
const ENTITY = /&(?!(?:amp|lt|gt|quot|apos);)/;

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Throws at what XML does not allow in text. */
function checkText(text: string): void {
  if (/[<]/.test(text) || ENTITY.test(text)) throw new Error(`unescaped markup in ${JSON.stringify(text)}`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text) || !text.isWellFormed())
    throw new Error(`a character that XML does not have in ${JSON.stringify(text)}`);
}

/** Name and attributes of a start tag without its brackets. */
function startTag(inside: string): Element {
  const name = NAME.exec(inside)?.[0];
  if (name === undefined) throw new Error(`no name in <${inside}>`);
  const attributes: Record<string, string> = {};
  let rest = inside.slice(name.length);
  while (rest.trim() !== "") {
    const found = /^\s+([A-Za-z_][\w.-]*)="([^"<]*)"/.exec(rest);
    if (found === null) throw new Error(`no attribute at ${JSON.stringify(rest)}`);
    const [all, key, value] = found as unknown as [string, string, string];
    checkText(value);
    if (key in attributes) throw new Error(`${key} twice`);
    attributes[key] = value;
    rest = rest.slice(all.length);
  }
  return { name, attributes };
}

/** All elements in document order. */
export function readXml(text: string): Element[] {
  const open: string[] = [];
  const elements: Element[] = [];
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf("<", at);
    checkText(text.slice(at, next < 0 ? text.length : next));
    if (next < 0) break;
    if (open.length === 0 && elements.length > 0) throw new Error("a second root");
    const end = text.indexOf(">", next);
    if (end < 0) throw new Error("an open bracket");
    const inside = text.slice(next + 1, end);
    if (inside.startsWith("/")) {
      if (open.pop() !== inside.slice(1)) throw new Error(`</${inside.slice(1)}> closes another element`);
    } else {
      const closed = inside.endsWith("/");
      const element = startTag(closed ? inside.slice(0, -1) : inside);
      elements.push(element);
      if (!closed) open.push(element.name);
    }
    at = end + 1;
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)}> is open`);
  return elements;
}
