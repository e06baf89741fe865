// The stage: the strip, its travellers, the counters of both lanes and the player, for one story after another.

import { drawStrip } from "./strip.js";
import { makeTravellers } from "./travellers.js";
import { makeCounter, duration } from "./counters.js";
import { makePlayer, clock, isStill } from "./player.js";
import { fillTable } from "./exchanges.js";

const stage = document.getElementById("stage");
const holder = document.getElementById("strip");
const summary = document.getElementById("summary");

/** The stage; nothing is on it yet. */
export function makeStage() {
  let [story, strip, travellers] = [null, null, null];
  let chosen = { pull: null, push: null };
  const heads = ["pull", "push"].map((role) => makeHead(role, stage.querySelector(`[data-lane="${role}"]`), redraw, chosen));
  const player = makePlayer(show, tellAtRest);

  function show(now, pace) {
    if (!strip) return;
    strip.cover(now);
    travellers.at(now, pace, !isStill() && now < story.length && now > 0);
    for (const head of heads) head.count(now);
  }

  function redraw() {
    if (!story) return;
    const clients = heads.map((head) => head.take(story.clients));
    const hasForged = clients.some((client) => client?.exchanges.some((exchange) => exchange.kind === "forged"));
    stage.classList.toggle("has-forged", hasForged);
    strip = drawStrip(holder, story, clients);
    travellers = makeTravellers(strip);
    fillTable(document.getElementById("exchanges"), clients.filter(Boolean));
  }

  // What can be seen is also said, but only when something comes to rest: nobody wants to hear every frame.
  function tellAtRest() {
    if (!story) return;
    const parts = heads.map((head) => head.say(player.now())).filter(Boolean);
    summary.textContent = `At ${clock(story.from + player.now())}: ${parts.join(" ")}`;
  }

  let width = holder.clientWidth;
  new ResizeObserver(() => {
    if (holder.clientWidth === width || holder.clientWidth === 0) return;
    width = holder.clientWidth;
    redraw();
    show(player.now(), 1);
  }).observe(holder);

  return {
    /** Puts a story on; from its start where it is a new one. */
    put(next, fromStart) {
      story = next;
      redraw();
      const instants = story.clients.flatMap((client) => client.exchanges.flatMap(({ opened, ended }) => [opened, ended]));
      const moments = [...instants, ...story.clients.flatMap((client) => client.events.map((event) => event.at))];
      moments.sort((one, other) => one - other);
      player.load(story, moments.filter((moment) => moment !== null && moment <= story.length), fromStart);
      if (isStill()) tellAtRest();
    },
    /** Shows the counters, or keeps them back until the reader has made a prediction. */
    keepBack(isKept) {
      stage.classList.toggle("kept-back", isKept);
    },
  };
}

// The heading of a lane: its client, which can be another where there are several, and its counters.
function makeHead(role, box, onPick, chosen) {
  const [who, pick] = [box.querySelector("[data-who]"), box.querySelector("[data-pick]")];
  const fields = new Map([...box.querySelectorAll("[data-counter]")].map((field) => [field.dataset.counter, field]));
  let [client, counter] = [null, null];
  pick.addEventListener("change", () => {
    chosen[role] = pick.value;
    onPick();
  });

  function offer(candidates) {
    pick.replaceChildren(...candidates.map((candidate) => new Option(candidate.name, candidate.name)));
    pick.hidden = candidates.length < 2;
    if (client) pick.value = client.name;
    who.textContent = client ? `System A, ${role === "pull" ? "asking" : "being told"}${pick.hidden ? `: ${client.name}` : ":"}` : "";
  }

  return {
    /** Takes its client from those of a story. */
    take(clients) {
      const fits = (candidate) => (role === "pull" ? candidate.polls && !candidate.isTold : candidate.isTold);
      const candidates = clients.filter(fits);
      client = candidates.find((candidate) => candidate.name === chosen[role]) ?? candidates[0] ?? null;
      box.hidden = !client;
      offer(candidates);
      if (!client) return null;
      box.dataset.client = client.index % 8;
      counter = makeCounter(client);
      for (const [key, field] of fields)
        field.hidden = !["opened", "useful", "late"].includes(key) && !(key === "empty" && client.polls) && !counter.has(key);
      return client;
    },
    count(now) {
      if (!client) return;
      const counts = counter.at(now);
      for (const [key, field] of fields) {
        const text = key === "late" ? (counts.late === null ? "–" : duration(counts.late)) : String(counts[key]);
        const value = field.lastElementChild;
        if (value.textContent !== text) value.textContent = text;
      }
    },
    say(now) {
      if (!client) return "";
      const counts = counter.at(now);
      const late = counts.late === null ? "has heard of nothing yet" : `hears of an event ${duration(counts.late)} late on average`;
      const failed = counts.failed > 0 ? `, ${counts.failed} failed` : "";
      return `${client.name}: ${counts.opened} requests, ${counts.useful} brought news${failed}; it ${late}.`;
    },
  };
}
