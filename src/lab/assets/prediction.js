// A prediction comes before the answer: what the reader thinks is held against what the engine finds.

import { element } from "./svg.js";

const STORE = "pushpull-lab-answered";

/** The lessons that have been answered in this browser. */
export function answered() {
  try {
    return new Set(JSON.parse(sessionStorage.getItem(STORE) ?? "[]"));
  } catch {
    return new Set();
  }
}

function remember(lesson) {
  try {
    sessionStorage.setItem(STORE, JSON.stringify([...answered().add(lesson)]));
  } catch {
    // A browser that keeps nothing keeps no progress either.
  }
}

/** The prediction of a lesson's section; `onAnswer()` once the reader has made it or does not want to. */
export function makePrediction(section, lesson, onAnswer) {
  const form = section.querySelector("[data-prediction]");
  if (!form) return null;
  const outcome = form.querySelector("[data-outcome]");
  const slider = form.querySelector("input[type=range]");
  // Undefined until the engine has answered; null where it found nothing to hold a guess against.
  let truth;
  let pending = null;
  let isRevealed = false;

  if (slider) {
    const output = form.querySelector(".guess-row output");
    const show = () => (output.textContent = slider.value);
    slider.addEventListener("input", show);
    show();
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const guess = slider ? Number(slider.value) : chosen(form);
    if (guess === null) return say("Choose one first: a wrong guess teaches more than none.", "hint");
    reveal();
    pending = guess;
    judge();
  });
  form.querySelector("[data-skip]").addEventListener("click", () => {
    reveal();
    outcome.hidden = true;
  });

  function reveal() {
    isRevealed = true;
    remember(lesson.key);
    onAnswer();
  }

  function say(text, kind) {
    outcome.className = `outcome ${kind}`;
    outcome.replaceChildren(...[text].flat());
    outcome.hidden = false;
  }

  function judge() {
    if (truth === undefined) return say("The engine is still playing…", "hint");
    const guess = pending;
    pending = null;
    if (truth === null) return say("In this run there is nothing to hold that against: move a slider.", "hint");
    slider ? judgeNumber(guess) : judgeChoice(guess);
  }

  function judgeChoice(guess) {
    const options = [...form.querySelectorAll(".choice")];
    const right = options[truth.right].textContent.trim();
    if (guess === truth.right) say([element("b", {}, "Right: "), `${right}.`], "right");
    else say([element("b", {}, "Not in this run. "), `The engine says: ${right}.`], "wrong");
  }

  function judgeNumber(guess) {
    const { unit, range } = lesson.ask;
    const off = Math.abs(guess - truth.value);
    const shown = (number) => `${number >= 100 || Number.isInteger(number) ? Math.round(number) : number.toFixed(1)} ${unit}`;
    const share = off / (range[1] - range[0]);
    const praise = share < 0.03 ? "Spot on. " : share < 0.1 ? "Close. " : share < 0.25 ? "Not far off. " : "A surprise? ";
    const kind = share < 0.1 ? "right" : "wrong";
    say([element("b", {}, praise), `You said ${shown(guess)}; the engine found ${shown(truth.value)}. You were off by ${shown(off)}.`], kind);
  }

  return {
    /** Takes the engine's question and its answer to it. */
    take(question, prediction) {
      if (question) form.querySelector("[data-question]").innerHTML = question;
      truth = prediction;
      if (pending !== null) judge();
    },
    isRevealed: () => isRevealed,
  };
}

function chosen(form) {
  const radio = form.querySelector("input[type=radio]:checked");
  return radio ? Number(radio.value) : null;
}
