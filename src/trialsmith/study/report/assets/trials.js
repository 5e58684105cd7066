// The trials: columns as the page carries them, the hint at a point, and the details of one trial.
"use strict";
const json = (id) => JSON.parse(document.getElementById(id).textContent);
const data = json("trials-data");
const rowOf = new Map(data.number.map((number, row) => [number, row]));

const word = (column, row) => column.codes[row] < 0 ? null : column.words[column.codes[row]];
const valueOf = (column, row) => column.codes ? word(column, row) : column.values[row];

function show(value, digits = 5) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6)
    ? value.toExponential(digits - 2).replace(/\.?0+e/, "e")
    : String(Number(value.toPrecision(digits)));
}

function clock(seconds) {
  if (seconds === null) return "";
  if (seconds < 10) return `${show(seconds, 2)} s`;
  const whole = Math.round(seconds), two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function when(row) {
  if (data.begun[row] === null) return "";
  const time = new Date(new Date(`${data.zero}Z`).getTime() + 1000 * data.begun[row]);
  return time.toISOString().slice(0, 19).replace("T", " ");
}

function href(row) {
  if (!data.link[row]) return null;
  const folder = word(data.folder, row), parts = folder.split("/").map(encodeURIComponent);
  return `${folder.startsWith("/") ? "file://" : "./"}${parts.join("/")}/`;
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

const mark = (row) => data.number[row] === data.best ? "best"
  : data.front.includes(data.number[row]) ? "front"
  : data.number[row] === data.baseline ? "baseline" : "";

function lines(row) {
  const found = data.objectives.map((name, k) => [name,
    show(data.values[k][row]) + (k === 0 && data.unit && data.values[0][row] !== null ? ` ${data.unit}` : "")]);
  if (data.epochs[row] !== null) found.push(["epochs", show(data.epochs[row])]);
  if (data.seconds[row] !== null) found.push(["time", clock(data.seconds[row])]);
  return found.filter(([, value]) => value !== "");
}

const params = (row) => data.params.map((column) => [column.key, valueOf(column, row)])
  .filter(([, value]) => value !== null).map(([key, value]) => [key, show(value)]);

function list(pairs, most = Infinity) {
  const made = element("dl");
  for (const [name, value] of pairs.slice(0, most)) {
    made.append(element("dt", {}, name), element("dd", {}, value));
  }
  if (pairs.length > most) made.append(element("dt", {}, `… ${pairs.length - most} more`), element("dd"));
  return made;
}

function heading(row) {
  const state = word(data.state, row), extra = mark(row);
  return element("b", {}, element("span", {class: `dot ${extra || word(data.kind, row)}`}),
    `trial ${data.number[row]} `, element("small", {}, extra ? `${state}, ${extra}` : state));
}

const Hint = {
  box: document.getElementById("hint"),
  show(number, event) {
    const row = rowOf.get(number);
    if (row === undefined) return;
    const message = word(data.message, row);
    Hint.box.replaceChildren(heading(row), list(lines(row)), element("hr"), list(params(row), 18),
      message ? element("p", {}, message) : "");
    Hint.box.hidden = false;
    const {width, height} = Hint.box.getBoundingClientRect();
    const x = event.clientX + 16 + width > innerWidth ? event.clientX - width - 12 : event.clientX + 16;
    const y = Math.min(Math.max(8, event.clientY - height / 2), innerHeight - height - 8);
    Hint.box.style.transform = `translate(${Math.max(4, x)}px, ${Math.max(4, y)}px)`;
  },
  hide() { Hint.box.hidden = true; },
};
addEventListener("scroll", Hint.hide, {passive: true});

const Detail = {
  box: document.getElementById("detail"),
  show(number) {
    const row = rowOf.get(number);
    if (row === undefined) return;
    Hint.hide();
    const close = element("button", {class: "close", "aria-label": "Close"}, "×");
    close.addEventListener("click", () => Detail.box.close());
    const facts = [...lines(row), ["begun", when(row)], ["folder", word(data.folder, row) ?? "none"]];
    const folder = href(row) ? element("p", {}, element("a", {href: href(row)}, "open its folder")) : "";
    const message = word(data.message, row);
    Detail.box.replaceChildren(close, element("h2", {}, heading(row)),
      message ? element("p", {}, element("code", {}, message)) : "",
      list(facts), folder, element("h3", {}, "Parameters"), list(params(row)));
    Detail.box.showModal();
  },
};
Detail.box.addEventListener("click", (event) => { if (event.target === Detail.box) Detail.box.close(); });
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-trial]");
  if (button) Detail.show(Number(button.dataset.trial));
});
