// What the engine found, put where the section has a place for it: words, charts, and the figures side by side.

import { element } from "./svg.js";

const ROWS = [
  ["events", "Events", "events"],
  ["lost", "of these lost", "lost"],
  ["latency_mean_ms", "Heard of after, on average", null],
  ["latency_p50_ms", "half of them within", null],
  ["latency_max_ms", "the last one after", null],
  ["requests", "Requests", null],
  ["requests_per_event", "for each event", null],
  ["wasted_ratio", "of these for nothing", null],
  ["failed", "of these failed", null],
  ["provider_rps_peak", "System B’s busiest second, requests", null],
  ["consumer_queue_max", "Most webhooks waiting at System A", null],
];

/** Puts the charts of an answer into a section. */
export function showCharts(section, charts) {
  for (const [key, svg] of Object.entries(charts)) {
    const box = section.querySelector(`[data-chart="${key}"] .canvas`);
    if (box) box.innerHTML = svg;
  }
}

/** Puts what a lesson has to say into its section. */
export function showText(section, html) {
  const box = section.querySelector("[data-text]");
  if (box && html) box.innerHTML = html;
}

/** Puts the verdict's sentences into a section. */
export function showVerdict(section, sentences) {
  const list = section.querySelector("[data-verdict]");
  list?.replaceChildren(...sentences.map((sentence) => element("li", {}, sentence.replace(/^\* /, ""))));
}

/** The figures of all clients side by side. Words come from the engine's facts where there are any, else from the CSV cell. */
export function showComparison(section, clients, facts) {
  const table = section.querySelector("[data-comparison]");
  if (!table) return;
  const heads = clients.map((client) => element("th", { scope: "col", "data-client": client.index % 8 }, client.name));
  const cell = (client, column) => {
    const text = facts[`${client.role}.${column}`]?.text ?? client.figures[column];
    return element("td", { "data-figure": column, "data-value": client.figures[column] }, text === "" ? "–" : text);
  };
  const row = ([column, label]) => {
    const isPart = label[0] === label[0].toLowerCase();
    return element("tr", isPart ? { class: "part" } : {}, element("th", { scope: "row" }, label), ...clients.map((c) => cell(c, column)));
  };
  const head = element("tr", {}, element("td"), ...heads);
  table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...ROWS.map(row)));
}
