// Gives back a sentence for each text of a drawing that is cut or overlaps another, and for a page that is too wide.
const flaws = [];
const page = document.documentElement;
if (page.scrollWidth > window.innerWidth + 1) {
  flaws.push(`the page is ${page.scrollWidth} wide in a window of ${window.innerWidth}`);
}
const visible = (element) => {
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  return box.width > 0 && box.height > 0 && style.visibility !== "hidden" && style.display !== "none" && style.opacity !== "0";
};
for (const drawing of document.querySelectorAll("svg")) {
  if (!visible(drawing)) continue;
  const frame = drawing.getBoundingClientRect();
  const name = drawing.querySelector("title")?.textContent ?? "a drawing";
  const texts = [...drawing.querySelectorAll("text")].filter((text) => visible(text) && text.textContent.trim() !== "");
  const boxes = texts.map((text) => text.getBoundingClientRect());
  texts.forEach((text, index) => {
    const box = boxes[index];
    const label = text.textContent.trim();
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) {
      flaws.push(`${name}: "${label}" is cut`);
    }
    for (let other = index + 1; other < texts.length; other += 1) {
      const beside = boxes[other];
      const across = Math.min(box.right, beside.right) - Math.max(box.left, beside.left);
      const down = Math.min(box.bottom, beside.bottom) - Math.max(box.top, beside.top);
      // The boxes of texts hold more than their letters.
      if (across > 1 && down > Math.min(box.height, beside.height) * 0.35) {
        flaws.push(`${name}: "${label}" lies over "${texts[other].textContent.trim()}"`);
      }
    }
  });
}
return flaws;
