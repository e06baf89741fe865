// What had happened to a client by some instant of the story: counted, never reckoned.

/** A counter for a client of the story: `at(now)` gives the counts up to then. */
export function makeCounter(client) {
  const counted = client.exchanges.filter((exchange) => exchange.kind !== "fetch");
  const genuine = counted.filter((exchange) => exchange.kind !== "forged");
  const endedAs = (...outcomes) =>
    sorted(genuine.filter((exchange) => outcomes.includes(exchange.outcome)).map((exchange) => exchange.ended));
  const forgedAs = (outcome) =>
    sorted(counted.filter((exchange) => exchange.kind === "forged" && exchange.outcome === outcome).map((e) => e.opened));
  const lists = {
    opened: sorted(genuine.map((exchange) => exchange.opened)),
    useful: endedAs("useful"),
    empty: endedAs("empty", "not-modified", "duplicate"),
    failed: endedAs("failed", "throttled"),
    repeated: sorted(genuine.filter((exchange) => exchange.attempt > 1).map((exchange) => exchange.opened)),
    believed: forgedAs("believed"),
    rejected: forgedAs("rejected"),
  };
  const seen = client.events.filter((event) => event.seen !== null).sort((one, other) => one.seen - other.seen);
  const lateness = [0];
  for (const event of seen) lateness.push(lateness.at(-1) + event.seen - event.at);
  const instants = seen.map((event) => event.seen);
  return {
    at(now) {
      const counts = {};
      for (const [key, list] of Object.entries(lists)) counts[key] = upTo(list, now);
      const known = upTo(instants, now);
      counts.late = known > 0 ? lateness[known] / known : null;
      return counts;
    },
    /** Whether a count is ever anything but zero. */
    has: (key) => lists[key].length > 0,
  };
}

const sorted = (numbers) => numbers.filter((number) => number !== null).sort((one, other) => one - other);

/** How many of a sorted list are not after an instant. */
function upTo(list, now) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= now) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A length of time in milliseconds, for people. */
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  return `${(ms / 60_000).toFixed(1)} min`;
}
