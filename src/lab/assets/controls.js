// The controls: they show values, and tell when a reader has chosen another. Values are texts, as they stand in addresses.

const form = document.getElementById("controls");

/** The controls of the parameters, and `onChange(key, value)` whenever one is moved. */
export function makeControls(parameters, onChange) {
  const controls = new Map(parameters.map((parameter) => [parameter.key, makeControl(parameter, onChange)]));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("[data-other-luck]").addEventListener("click", () => {
    const seed = controls.get("seed");
    onChange("seed", String((Number(seed.value()) % 999_999) + 1));
  });
  return {
    /** Shows these values. */
    show(values) {
      for (const [key, control] of controls) control.show(values[key]);
    },
    /** Shows the engine's own words for values that are no stops. */
    name(values, facts) {
      for (const [key, control] of controls) control.rename?.(values[key], facts[`set.${key}`]?.text);
    },
    /** Leaves only these controls, in this order of importance. */
    choose(keys) {
      for (const [key, control] of controls) control.box.hidden = !keys.includes(key);
      for (const group of form.querySelectorAll("fieldset"))
        group.hidden = ![...group.querySelectorAll(".control")].some((box) => !box.hidden);
      form.classList.toggle("few", keys.length <= 6);
      // Four stand in one row, and five or six in two.
      form.style.setProperty("--columns", keys.length === 4 ? 4 : 3);
    },
  };
}

function makeControl(parameter, onChange) {
  const box = form.querySelector(`[data-parameter="${parameter.key}"]`);
  const input = box.querySelector("input, select");
  if (parameter.kind === "choice") return makeChoice(parameter, box, input, onChange);
  return input.type === "range" ? makeSlider(parameter, box, input, onChange) : makeNumber(parameter, box, input, onChange);
}

function makeChoice({ key }, box, input, onChange) {
  input.addEventListener("change", () => onChange(key, input.value));
  return { box, value: () => input.value, show: (value) => (input.value = value) };
}

function makeNumber({ key }, box, input, onChange) {
  input.addEventListener("change", () => {
    if (input.checkValidity() && input.value !== "") onChange(key, input.value);
  });
  return { box, value: () => input.value, show: (value) => (input.value = value) };
}

// A slider rests at the stops of its parameter. A value from an address may lie between two; then it is a stop of its own.
function makeSlider(parameter, box, input, onChange) {
  const output = box.querySelector("output");
  let stops = parameter.stops;
  const label = (place) => {
    output.textContent = stops[place].label;
    input.setAttribute("aria-valuetext", stops[place].label);
  };
  input.addEventListener("input", () => {
    label(input.value);
    onChange(parameter.key, stops[input.value].value);
  });
  return {
    box,
    value: () => stops[input.value].value,
    show(value) {
      const isStop = parameter.stops.some((stop) => stop.value === value);
      stops = isStop ? parameter.stops : withStop(parameter.stops, value);
      input.max = stops.length - 1;
      input.value = stops.findIndex((stop) => stop.value === value);
      label(input.value);
    },
    /** The engine's own words for a value that is no stop. */
    rename(value, words) {
      const stop = stops.find((candidate) => candidate.value === value);
      if (!stop || !words) return;
      stop.label = words;
      label(input.value);
    },
  };
}

function withStop(stops, value) {
  const added = [...stops, { value, label: value }];
  return added.sort((one, other) => Number(one.value) - Number(other.value));
}
