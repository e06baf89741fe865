// What is under way at the playhead: dots that travel between the systems. A trip that is shorter than the eye can follow is
// shown for as long as the eye needs; its line in the strip stays as short as it was.

import { shape, round } from "./svg.js";
import { legsOf } from "./strip.js";

const SEEN_FOR = 320;
const MOST = 80;

/** Draws the travellers of a strip: `at(now, pace)`, where so many milliseconds of the story pass in one of the reader's. */
export function makeTravellers(strip) {
  const trips = strip.lanes.flatMap((lane) => (lane.client ? tripsOf(lane, strip.layout) : []));
  trips.sort((one, other) => one.from - other.from);
  const longest = trips.reduce((most, trip) => Math.max(most, trip.until - trip.from), 0);
  const pool = [];

  function take(index) {
    pool[index] ??= shape("circle", { r: 5 }, strip.travellers);
    return pool[index];
  }

  return {
    at(now, pace, isMoving) {
      const least = SEEN_FOR * pace;
      let used = 0;
      if (isMoving) {
        for (let index = firstAfter(trips, now - longest - 2 * least); index < trips.length && trips[index].from <= now; index += 1) {
          const trip = trips[index];
          // An answer sets off when its request is seen to have come.
          const from = trip.after ? Math.max(trip.from, trip.after.from + Math.max(trip.after.until - trip.after.from, least)) : trip.from;
          const share = (now - from) / Math.max(trip.until - trip.from, least);
          if (share < 0 || share > 1 || used >= MOST) continue;
          const dot = take(used++);
          dot.setAttribute("class", `traveller ${trip.look}`);
          dot.setAttribute("data-client", trip.client);
          dot.setAttribute("cx", round(strip.x(now)));
          dot.setAttribute("cy", round(trip.start + (trip.end - trip.start) * share));
          dot.removeAttribute("visibility");
        }
      }
      for (const dot of pool.slice(used)) dot.setAttribute("visibility", "hidden");
    },
  };
}

function tripsOf(lane, layout) {
  return lane.client.exchanges.flatMap((exchange) => {
    const [request, answer] = legsOf(exchange, lane, layout);
    const brings = exchange.kind === "poll" ? !exchange.events.length || exchange.outcome === "failed" : false;
    const trip = (leg, look, after) => ({ ...leg, look, after, client: lane.client.index % 8 });
    const carries = exchange.kind === "webhook" ? "full" : exchange.kind === "forged" ? "forged" : "question";
    const returns = exchange.kind === "poll" ? (brings ? "hollow" : "full") : "tick";
    const trips = [trip(request, request.isLost ? `${carries} lost` : carries, null)];
    if (answer) trips.push(trip(answer, exchange.outcome === "failed" ? "failed" : returns, request));
    return trips;
  });
}

function firstAfter(trips, instant) {
  let [low, high] = [0, trips.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (trips[middle].from < instant) low = middle + 1;
    else high = middle;
  }
  return low;
}
