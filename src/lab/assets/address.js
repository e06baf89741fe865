// The address of the page holds its whole state: which lesson, and every value that differs from where the lesson starts.

const params = () => new URLSearchParams(location.search);

/** The lesson and the values that the address names. */
export function read() {
  const values = {};
  for (const [key, value] of params()) if (key !== "lesson") values[key] = value;
  return { lesson: params().get("lesson"), values };
}

/** The query for a lesson whose values differ so from its start. */
export function query(lesson, changed) {
  const pairs = new URLSearchParams({ lesson });
  for (const [key, value] of Object.entries(changed)) pairs.set(key, value);
  return pairs.toString();
}

/** Puts a query into the address; as a new entry of the history where the reader has turned a page. */
export function write(text, isNewPage) {
  const url = `${location.pathname}?${text}`;
  if (url === location.pathname + location.search) return;
  history[isNewPage ? "pushState" : "replaceState"](null, "", url);
}
