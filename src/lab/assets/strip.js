// The strip: one axis of time, System B in the middle, a System A above it and one below, and everything that happened drawn
// where it happened. What lies beyond the playhead is covered, so moving it costs next to nothing.

import { shape, round } from "./svg.js";

const ROW = 6;
const ROWS = 5;
const RADIUS = 5;
const TICKS = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800].map((s) => s * 1000);

/** The heights of the strip for a width in pixels. */
export function layoutFor(width) {
  const isNarrow = width < 560;
  const [top, gap] = [ROW * ROWS + 22, isNarrow ? 66 : 82];
  const [upper, middle, lower] = [top, top + gap, top + 2 * gap];
  // Left of the lanes stands whose they are.
  const [left, right] = [isNarrow ? 28 : 84, 10];
  return { width, left, right, upper, middle, lower, bottom: lower + ROW * ROWS + 20, height: lower + ROW * ROWS + 44, isNarrow };
}

/** Draws a story for the clients of the upper and the lower lane. Gives back where things are, and `cover(now)`. */
export function drawStrip(holder, story, [upper, lower]) {
  const layout = layoutFor(Math.max(holder.clientWidth, 280));
  const x = (ms) => layout.left + (ms / story.length) * (layout.width - layout.left - layout.right);
  const svg = shape("svg", { class: "strip-svg", width: layout.width, height: layout.height, viewBox: `0 0 ${layout.width} ${layout.height}`, "aria-hidden": "true" });
  const clip = shape("clipPath", { id: "past" }, shape("defs", {}, svg));
  const past = shape("rect", { x: 0, y: 0, width: 0, height: layout.height }, clip);
  drawGround(svg, layout, story, x);
  const lanes = [
    { client: upper, y: layout.upper, away: -1 },
    { client: lower, y: layout.lower, away: 1 },
  ];
  const covered = shape("g", { "clip-path": "url(#past)" }, svg);
  // Whoever forges webhooks is neither System A nor System B, and calls from outside.
  if (lower?.exchanges.some((exchange) => exchange.kind === "forged"))
    shape("text", { class: "lane-name stranger", x: 0, y: layout.bottom - 2 }, svg, layout.isNarrow ? "?" : "a stranger");
  for (const lane of lanes) {
    if (!lane.client) continue;
    lane.group = shape("g", { "data-client": lane.client.index % 8 }, covered);
    drawOutages(lane, layout, x);
    drawWaiting(lane, story, x);
    for (const exchange of lane.client.exchanges) drawExchange(lane, layout, exchange, story, x);
  }
  const events = drawEvents(covered, lanes, layout, x);
  const travellers = shape("g", { class: "travellers" }, svg);
  const playhead = shape("line", { class: "playhead", y1: 8, y2: layout.bottom }, svg);
  holder.replaceChildren(svg);
  return {
    layout,
    lanes,
    travellers,
    x,
    cover(now) {
      const at = round(x(now));
      past.setAttribute("width", now >= story.length ? layout.width : at);
      playhead.setAttribute("x1", at);
      playhead.setAttribute("x2", at);
      events.at(now);
    },
  };
}

function drawGround(svg, layout, story, x) {
  const ground = shape("g", { class: "ground" }, svg);
  const wanted = layout.isNarrow ? 4 : 8;
  const tick = TICKS.find((width) => story.length / width <= wanted) ?? TICKS.at(-1);
  // Ticks stand at round times of the run, wherever in it the story begins.
  for (let at = Math.ceil(story.from / tick) * tick - story.from; at <= story.length + 1; at += tick) {
    shape("line", { class: "tick", x1: round(x(at)), x2: round(x(at)), y1: 8, y2: layout.bottom }, ground);
    const anchor = at > story.length - tick / 4 ? "end" : "middle";
    shape("text", { class: "tick-name", x: round(x(at)), y: layout.bottom + 17, "text-anchor": anchor }, ground, tickName(at + story.from, tick));
  }
  for (const [y, system] of [[layout.upper, "A"], [layout.middle, "B"], [layout.lower, "A"]]) {
    shape("line", { class: "lane", x1: layout.left - 8, x2: layout.width, y1: y, y2: y }, ground);
    shape("text", { class: "lane-name", x: 0, y: y + 5 }, ground, layout.isNarrow ? system : `System ${system}`);
  }
}

function tickName(ms, tick) {
  const seconds = Math.round(ms / 1000);
  if (tick < 60_000 && seconds < 120) return `${seconds} s`;
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  if (minutes >= 60) return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")} h`;
  return `${minutes}:${String(rest).padStart(2, "0")}`;
}

// While System A is down, its lane is shaded.
function drawOutages({ client, group, y, away }, layout, x) {
  for (const { from, until } of client.outages) {
    const [left, right] = [x(from), x(until)];
    const top = away < 0 ? 8 : y - 14;
    const height = away < 0 ? y + 14 - 8 : layout.bottom - y + 14;
    shape("rect", { class: "outage", x: round(left), y: top, width: round(right - left), height }, group);
    if (right - left > 44) shape("text", { class: "outage-name", x: round(left + 6), y: away < 0 ? 21 : layout.bottom - 7 }, group, "down");
  }
}

// For each event a bar from when it occurred to when it was known, stacked where several wait at once.
function drawWaiting({ client, group, y, away }, story, x) {
  const ends = [];
  for (const event of client.events) {
    const [from, until] = [x(event.at), x(event.seen ?? story.length)];
    let row = ends.findIndex((end) => end <= from);
    if (row < 0) row = Math.min(ends.length, ROWS - 1);
    ends[row] = until + 2;
    const top = y + away * (9 + row * ROW) - (away < 0 ? ROW - 2 : 0);
    const kind = event.seen === null ? "wait never" : "wait";
    shape("rect", { class: kind, x: round(from), y: top, width: round(Math.max(until - from, 1.5)), height: ROW - 2, rx: 1.5 }, group);
  }
}

// A request and its answer as two lines between the lanes, and a mark on System A's for what came of it.
function drawExchange(lane, layout, exchange, story, x) {
  const legs = legsOf(exchange, lane, layout);
  const trace = { class: `trace ${exchange.kind} ${exchange.outcome ?? "open"}` };
  for (const leg of legs) {
    const until = Math.min(leg.until, story.length);
    shape("line", { ...trace, x1: round(x(leg.from)), y1: leg.start, x2: round(x(until)), y2: round(leg.end) }, lane.group);
  }
  const mark = markOf(exchange, lane, layout, legs);
  if (mark && mark.at <= story.length) drawMark(lane, x(mark.at), mark);
}

/** The ways of an exchange through the network: when, and from which height to which. */
export function legsOf(exchange, lane, layout) {
  const isStranger = exchange.kind === "forged";
  const comes = exchange.kind === "webhook" || isStranger;
  const outside = lane.away > 0 ? layout.bottom - 2 : 10;
  const [from, to] = comes ? [isStranger ? outside : layout.middle, lane.y] : [lane.y, layout.middle];
  const half = from + (to - from) * 0.55;
  if (isStranger) return [{ from: Math.max(exchange.opened - 150, 0), until: exchange.opened, start: from, end: to, isRequest: true }];
  const legs = [];
  // A request that never arrived got lost halfway.
  const arrives = exchange.arrived ?? exchange.opened + lostAfter(exchange);
  legs.push({ from: exchange.opened, until: arrives, start: from, end: exchange.arrived === null ? half : to, isRequest: true, isLost: exchange.arrived === null });
  if (exchange.replied !== null && exchange.ended !== null) {
    const gotLost = exchange.why === "no answer in time";
    const back = gotLost ? Math.min(exchange.replied + (exchange.arrived - exchange.opened), exchange.ended) : exchange.ended;
    legs.push({ from: exchange.replied, until: back, start: to, end: gotLost ? to + (from - to) * 0.55 : from, isRequest: false, isLost: gotLost });
  }
  return legs;
}

const lostAfter = (exchange) => Math.min((exchange.ended ?? exchange.opened) - exchange.opened, 400) / 2;

// Where System A learns what came of an exchange: a poll as its answer comes, a webhook as it arrives.
function markOf(exchange, lane, layout, legs) {
  const { kind, outcome } = exchange;
  if (!outcome || kind === "fetch") return null;
  const isCross = outcome === "failed" || outcome === "throttled";
  const repeat = exchange.attempt > 1 ? exchange.attempt : null;
  if (isCross) {
    const leg = legs.find((candidate) => candidate.isLost) ?? legs[0];
    return { at: leg.until, y: leg.isLost ? leg.end : lane.y, outcome: "failed", repeat, away: lane.away };
  }
  const at = kind === "poll" ? exchange.ended : exchange.arrived;
  return at === null ? null : { at, y: lane.y, outcome, repeat, away: lane.away };
}

function drawMark(lane, cx, { y, outcome, repeat, away }) {
  const { group } = lane;
  const at = round(cx);
  if (outcome === "failed") {
    shape("path", { class: "cross", d: `M${at - 4.5} ${y - 4.5}l9 9m0 -9l-9 9` }, group);
  } else if (outcome === "believed" || outcome === "rejected") {
    shape("path", { class: `mark ${outcome}`, d: `M${at} ${y - 6}l6 11h-12z` }, group);
    if (outcome === "rejected") shape("path", { class: "cross small", d: `M${at - 3} ${y - 1}l6 6m0 -6l-6 6` }, group);
  } else {
    shape("circle", { class: `mark ${outcome}`, cx: at, cy: y, r: RADIUS }, group);
  }
  // A webhook that is sent again says how often it has been tried, where there is room.
  if (!repeat || at - (lane.lastNumber ?? -99) < 13) return;
  lane.lastNumber = at;
  shape("text", { class: "repeat", x: at + 7, y: y - away * 9 + 4 }, group, `${repeat}.`);
}

// An event is black until it is known: then the half that faces a System A takes its colour.
function drawEvents(parent, lanes, layout, x) {
  const group = shape("g", { class: "events" }, parent);
  const halves = [];
  const client = lanes.find((lane) => lane.client)?.client;
  for (const event of client?.events ?? []) shape("circle", { class: "event", cx: round(x(event.at)), cy: layout.middle, r: RADIUS + 1.5 }, group);
  for (const { client: own, away } of lanes) {
    for (const event of own?.events ?? []) {
      if (event.seen === null) continue;
      const [at, y, r] = [round(x(event.at)), layout.middle, RADIUS];
      const d = `M${at - r} ${y}A${r} ${r} 0 0 ${away < 0 ? 1 : 0} ${at + r} ${y}Z`;
      const half = shape("path", { class: "half", d, "data-client": own.index % 8, visibility: "hidden" }, group);
      halves.push({ seen: event.seen, half });
    }
  }
  halves.sort((one, other) => one.seen - other.seen);
  let shown = 0;
  return {
    at(now) {
      while (shown < halves.length && halves[shown].seen <= now) halves[shown++].half.removeAttribute("visibility");
      while (shown > 0 && halves[shown - 1].seen > now) halves[--shown].half.setAttribute("visibility", "hidden");
    },
  };
}
