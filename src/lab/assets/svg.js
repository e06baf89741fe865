// Makes elements of SVG and of HTML, so that nobody else has to know how.

const SVG = "http://www.w3.org/2000/svg";

/** An element of SVG with attributes, put at the end of a parent if one is given. */
export function shape(name, attributes = {}, parent = null, text = null) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== null) element.textContent = text;
  parent?.append(element);
  return element;
}

/** An element of HTML with attributes and content. */
export function element(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

/** A number for a path: a tenth of a pixel is enough. */
export const round = (number) => Math.round(number * 10) / 10;
