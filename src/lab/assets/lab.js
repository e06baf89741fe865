// The lab: which lesson is shown with which values, and what the engine says to that.

import * as address from "./lab/address.js";
import { ask, giveUp } from "./lab/engine.js";
import { makeControls } from "./lab/controls.js";
import { makePrediction, answered } from "./lab/prediction.js";
import { makeStage } from "./lab/stage.js";
import { showCharts, showComparison, showText, showVerdict } from "./lab/figures.js";

const data = JSON.parse(document.getElementById("lab-data").textContent);
const workbench = document.getElementById("workbench");
const problem = document.getElementById("problem");
const places = new Map();
for (const lesson of [...data.lessons, data.sandbox]) places.set(lesson.key, makePlace(lesson));

const stage = makeStage();
const controls = makeControls(data.parameters, change);
let here = null;
let values = {};

/** A lesson with its section and its prediction. */
function makePlace(lesson) {
  const section = document.querySelector(`[data-section="${lesson.key}"]`);
  const place = { lesson, section, after: section.querySelector("[data-after]") };
  place.prediction = makePrediction(section, lesson, () => reveal(place));
  for (const button of section.querySelectorAll("[data-preset]"))
    button.addEventListener("click", () => {
      values = { ...lesson.values, ...Object.fromEntries(new URLSearchParams(button.dataset.preset)) };
      update(true);
    });
  return place;
}

/** The answer is shown once it has been predicted. */
function reveal(place) {
  place.after.hidden = false;
  stage.keepBack(false);
  showProgress();
}

/** What differs from where the lesson starts. */
function changed() {
  return Object.fromEntries(Object.entries(values).filter(([key, value]) => value !== here.lesson.values[key]));
}

function change(key, value) {
  values = { ...values, [key]: value };
  update(false);
}

/** Turns to a lesson. */
function open(key, given, isNewPage) {
  const place = places.get(key) ?? places.get(data.file ? data.sandbox.key : data.lessons[0].key);
  here?.section.setAttribute("hidden", "");
  here = place;
  const known = Object.entries(given).filter(([name]) => name in place.lesson.values);
  values = { ...place.lesson.values, ...Object.fromEntries(known) };
  place.section.querySelector("[data-slot]").append(workbench);
  workbench.hidden = false;
  place.section.removeAttribute("hidden");
  controls.choose(place.lesson.controls);
  stage.keepBack(Boolean(place.prediction) && !place.prediction.isRevealed());
  for (const link of document.querySelectorAll(".contents a"))
    link.dataset.lesson === place.lesson.key ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  bringIntoView(document.querySelector(".contents a[aria-current]"));
  document.title = `${place.lesson.title} · pushpull lab`;
  showProgress();
  update(true, isNewPage);
}

/** On a phone the list of lessons is wider than the screen; only it is moved, not the page. */
function bringIntoView(link) {
  const list = link.closest("ol");
  list.scrollLeft = link.offsetLeft - list.offsetLeft - 16;
}

/** Shows the values, puts them into the address, and asks the engine. */
function update(fromStart, isNewPage = false) {
  controls.show(values);
  const query = address.query(here.lesson.key, changed());
  address.write(query, isNewPage);
  document.getElementById("download").href = `/scenario.toml?${query}`;
  askEngine(here, query, fromStart);
  if (here.lesson.isSwept) askAlong(here);
}

const width = () => (here.section.clientWidth < 620 ? "narrow" : "wide");

async function askEngine(place, query, fromStart) {
  const answer = await attempt(() => ask("run", query, width()));
  if (!answer || place !== here) return;
  stage.put(answer.story, fromStart);
  controls.name(values, answer.facts);
  if (!place.lesson.isSwept) place.prediction?.take(answer.question, answer.prediction);
  showText(place.section, answer.text);
  showCharts(place.section, answer.charts);
  showVerdict(place.section, answer.verdict);
  showComparison(place.section, answer.clients, answer.facts);
  document.body.dataset.ready = answer.query || "start";
}

/** Many runs: what a lesson says that needs them comes by itself, so that the rest does not wait. */
async function askAlong(place) {
  giveUp("sweep");
  const answer = await attempt(() => ask("sweep", address.query(place.lesson.key, changed()), width()));
  if (!answer || place !== here) return;
  place.prediction.take(answer.question, answer.prediction);
  showText(place.section, answer.text);
  showCharts(place.section, answer.charts);
}

async function attempt(question) {
  try {
    const answer = await question();
    if (answer) problem.hidden = true;
    return answer;
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
    return null;
  }
}

function showProgress() {
  const done = answered();
  const count = data.lessons.filter((lesson) => done.has(lesson.key)).length;
  document.querySelector("[data-testid=progress]").value = count;
  document.querySelector("[data-progress]").textContent = `${count} of ${data.lessons.length} answered`;
  for (const link of document.querySelectorAll(".contents a")) link.classList.toggle("done", done.has(link.dataset.lesson));
}

async function copy(text, what) {
  const said = document.getElementById("said");
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = `${what} copied`;
  } catch {
    said.textContent = text;
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-lesson]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(link.dataset.lesson, {}, true);
  scrollTo({ top: 0 });
  document.getElementById("main").focus({ preventScroll: true });
});
addEventListener("popstate", () => {
  const { lesson, values: given } = address.read();
  open(lesson, given, false);
});
document.getElementById("copy-link").addEventListener("click", () => copy(location.href, "Link"));
document.getElementById("copy-command").addEventListener("click", () => copy("pushpull run lab.toml", "Command"));
document.getElementById("reset").addEventListener("click", () => {
  values = { ...here.lesson.values };
  update(true);
});
matchMedia("(max-width: 700px)").addEventListener("change", () => update(false));

const { lesson, values: given } = address.read();
open(lesson, given, false);
