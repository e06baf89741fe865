// Asks the engine behind the page. The newest question wins: an older one that is still under way is given up, here and there.

const page = crypto.randomUUID();
const underWay = new Map();

/** The engine's refusal, in a sentence for the reader. */
export class Refused extends Error {}

/**
 * The answer to a query, or null if a newer question of the same kind has come meanwhile.
 * Throws Refused with the engine's own sentence.
 */
export async function ask(kind, query, width) {
  underWay.get(kind)?.abort();
  const control = new AbortController();
  underWay.set(kind, control);
  try {
    const url = `/${kind}?${query}&width=${width}&page=${page}`;
    const response = await fetch(url, { signal: control.signal });
    const answer = await response.json();
    if (underWay.get(kind) !== control) return null;
    if (!response.ok) throw new Refused(answer.error);
    return answer;
  } catch (error) {
    if (control.signal.aborted) return null;
    if (error instanceof Refused) throw error;
    throw new Refused("The lab does not answer. Is `pushpull lab` still running?");
  }
}

/** Gives up whatever is asked for of a kind. */
export function giveUp(kind) {
  underWay.get(kind)?.abort();
}
