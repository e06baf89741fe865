// The exchanges of the stretch as a table, for whoever reads better than they see.

import { element } from "./svg.js";
import { clock } from "./player.js";

const ROWS_MAX = 200;
const WORDS = {
  useful: "brought news",
  empty: "nothing new",
  "not-modified": "nothing new (304)",
  duplicate: "nothing new: known already",
  throttled: "too many requests",
  failed: "failed",
  believed: "forged, and believed",
  rejected: "forged, and refused",
};

/** Fills a table with the exchanges of some clients. */
export function fillTable(table, clients) {
  const rows = clients.flatMap((client) => client.exchanges.map((exchange) => ({ client, exchange })));
  rows.sort((one, other) => one.exchange.opened - other.exchange.opened);
  const head = element("tr", {}, ...["At", "Who", "What", "Outcome", "Took"].map((name) => element("th", { scope: "col" }, name)));
  const body = element("tbody", {}, ...rows.slice(0, ROWS_MAX).map(({ client, exchange }) => row(client, exchange)));
  const caption = rows.length > ROWS_MAX ? `The first ${ROWS_MAX} of ${rows.length} exchanges` : `All ${rows.length} exchanges`;
  table.replaceChildren(element("caption", {}, caption), element("thead", {}, head), body);
}

function row(client, exchange) {
  const took = exchange.ended === null ? "under way" : clock(exchange.ended - exchange.opened);
  const outcome = WORDS[exchange.outcome] ?? "under way";
  const why = exchange.outcome === "failed" && exchange.why ? `${outcome}: ${exchange.why}` : outcome;
  const cells = [clock(exchange.opened), client.name, what(exchange), why, took];
  return element("tr", {}, ...cells.map((text) => element("td", {}, text)));
}

function what(exchange) {
  const events = exchange.events.length === 1 ? `event ${exchange.events[0]}` : `${exchange.events.length} events`;
  if (exchange.kind === "poll") return exchange.events.length > 0 ? `System A asks and gets ${events}` : "System A asks";
  if (exchange.kind === "fetch") return `System A fetches ${events}`;
  if (exchange.kind === "forged") return "a stranger calls System A";
  return exchange.attempt > 1 ? `System B calls with ${events}, try ${exchange.attempt}` : `System B calls with ${events}`;
}
