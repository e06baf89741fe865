// The clock of the stage. It plays, pauses, steps and is scrubbed, and it stands still where nobody is looking.

const LONGEST_IN_REAL_TIME = 60_000;
const WATCHED_FOR = 45_000;

const part = (id) => document.getElementById(id);
const prefersStill = matchMedia("(prefers-reduced-motion: reduce)");

/** Whether the reader wants nothing to move by itself. */
export const isStill = () => prefersStill.matches;

/** A player that tells the stage with `onTime(now, perSecond)`, in milliseconds of the story, and `onRest()` when it comes to rest. */
export function makePlayer(onTime, onRest) {
  const state = { now: 0, from: 0, length: 1, moments: [], isPlaying: false, isSeen: true, last: null };
  const [play, scrub, time, speed] = [part("play"), part("scrub"), part("time"), part("speed")];

  // Milliseconds of the story in one of the reader's: a long story is told faster, so that it can be watched.
  const natural = () => (state.length > LONGEST_IN_REAL_TIME ? state.length / WATCHED_FOR : 1);
  const pace = () => natural() * Number(speed.value);

  function show() {
    scrub.value = Math.round((state.now / state.length) * 1000);
    const text = `${clock(state.from + state.now)} of ${clock(state.from + state.length)}`;
    scrub.setAttribute("aria-valuetext", text);
    time.textContent = natural() > 1 ? `${text}, ${Math.round(natural())}× as fast` : text;
    onTime(state.now, pace());
  }

  function frame(at) {
    if (!state.isPlaying) return;
    const passed = state.last === null ? 0 : Math.min(at - state.last, 100);
    state.last = at;
    if (state.isSeen && !document.hidden) {
      state.now = Math.min(state.now + passed * pace(), state.length);
      show();
    }
    if (state.now >= state.length) set(false);
    else requestAnimationFrame(frame);
  }

  function set(isPlaying) {
    state.isPlaying = isPlaying;
    state.last = null;
    play.classList.toggle("is-playing", isPlaying);
    play.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    if (isPlaying) requestAnimationFrame(frame);
    else onRest();
  }

  function goTo(now) {
    state.now = Math.max(0, Math.min(now, state.length));
    show();
  }

  play.addEventListener("click", () => {
    if (!state.isPlaying && state.now >= state.length) goTo(0);
    set(!state.isPlaying);
  });
  part("again").addEventListener("click", () => goTo(0));
  part("step").addEventListener("click", () => {
    const next = state.moments.find((moment) => moment > state.now + 0.5);
    goTo(next ?? state.length);
    set(false);
  });
  scrub.addEventListener("input", () => {
    if (state.isPlaying) set(false);
    goTo((Number(scrub.value) / 1000) * state.length);
    onRest();
  });
  speed.addEventListener("change", show);
  new IntersectionObserver(([entry]) => (state.isSeen = entry.isIntersecting)).observe(part("strip"));

  return {
    /** Takes another story, with the moments at which something happens; from the same place, or from its start. */
    load({ from, length }, moments, fromStart) {
      const share = fromStart ? 0 : state.now / state.length;
      [state.from, state.length] = [from, Math.max(length, 1)];
      state.moments = moments;
      state.now = share * state.length;
      if (fromStart) {
        if (isStill()) state.now = state.length;
        set(!isStill());
      }
      show();
    },
    now: () => state.now,
    isPlaying: () => state.isPlaying,
  };
}

/** A time of the story as a reader sees it on a clock. */
export function clock(ms) {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const [minutes, rest] = [Math.floor(seconds / 60), Math.floor(seconds % 60)];
  const hours = Math.floor(minutes / 60);
  const two = (number) => String(number).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes % 60)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
