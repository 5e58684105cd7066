// The table of all trials: sorted by any column, filtered, and only the rows in sight are made.
"use strict";
{
  const ROW = 30;
  const box = document.getElementById("table");
  const counter = document.getElementById("count");
  const filter = document.getElementById("filter");
  const text = (column) => (row) => word(column, row);
  const wide = (name) => Math.min(15, Math.max(6, 2.2 + .5 * name.length));
  const columns = [
    {name: "trial", of: (row) => data.number[row], width: 5},
    {name: "state", of: text(data.state), width: 8},
    ...data.objectives.map((name, k) => ({name, of: (row) => data.values[k][row], width: wide(name)})),
    {name: "epochs", of: (row) => data.epochs[row], width: 5},
    {name: "time", of: (row) => data.seconds[row], print: (row) => clock(data.seconds[row]), width: 5},
    {name: "begun", of: (row) => data.begun[row], print: when, width: 11},
    ...data.params.map((column) => ({name: column.key, of: (row) => valueOf(column, row), width: wide(column.key)})),
    {name: "message", of: text(data.message), width: 24},
    {name: "folder", of: text(data.folder), width: 16},
  ].filter((column) => data.number.some((_, row) => column.of(row) !== null) || column.name === "trial");
  const print = (column, row) => column.print ? column.print(row) : show(column.of(row));

  let rows = [];
  let order = {column: columns[0], sign: 1};
  const off = new Set();

  function compare(a, b) {
    const x = order.column.of(a), y = order.column.of(b);
    if (x === null || y === null) return (x === null) - (y === null) || a - b;  // unknown ones last
    const both = typeof x === "number" && typeof y === "number";
    return order.sign * (both ? x - y : String(x).localeCompare(String(y), undefined, {numeric: true})) || a - b;
  }

  const tests = {
    "<": (x, y) => x < y, ">": (x, y) => x > y, "<=": (x, y) => x <= y, ">=": (x, y) => x >= y,
    "=": (x, y, a, b) => x === y || a === b, "!=": (x, y, a, b) => x !== y && a !== b,
  };
  // `key<3` compares one column; anything else must stand in one of them
  function test(term) {
    const found = /^(.+?)(<=|>=|!=|<|>|=)(.+)$/.exec(term);
    const named = found && columns.filter((column) => column.name.toLowerCase().endsWith(found[1]));
    if (!found || !named.length) {
      return (row) => columns.some((column) => print(column, row).toLowerCase().includes(term));
    }
    const [, , sign, wanted] = found;
    return (row) => named.some((column) => {
      const value = column.of(row);
      return value !== null
        && tests[sign](Number(value), Number(wanted), String(value).toLowerCase(), wanted);
    });
  }

  function update() {
    const terms = filter.value.toLowerCase().split(/\s+/).filter(Boolean).map(test);
    rows = data.number.map((_, row) => row)
      .filter((row) => !off.has(word(data.state, row)) && terms.every((holds) => holds(row)))
      .sort(compare);
    counter.textContent = rows.length === data.number.length
      ? `${rows.length.toLocaleString("en")} trials`
      : `${rows.length.toLocaleString("en")} of ${data.number.length.toLocaleString("en")}`;
    first = -1;
    draw();
  }

  const head = element("tr", {});
  for (const column of columns) {
    const cell = element("th", {scope: "col", style: `width: ${column.width}rem`},
      element("button", {title: column.name}, column.name));
    cell.firstChild.addEventListener("click", () => {
      order = {column, sign: order.column === column ? -order.sign : 1};
      for (const other of head.children) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", order.sign > 0 ? "ascending" : "descending");
      update();
    });
    head.append(cell);
  }
  head.firstChild.setAttribute("aria-sort", "ascending");
  const total = columns.reduce((sum, column) => sum + column.width, 0);
  const above = element("tbody"), body = element("tbody"), below = element("tbody");
  box.append(element("table", {class: "rows trials", style: `width: ${total}rem`},
    element("thead", {}, head), above, body, below));
  const space = (pixels) => pixels ? element("tr", {style: `height: ${pixels}px`}) : "";

  let first = -1;
  function draw() {
    const shown = Math.ceil(box.clientHeight / ROW) + 20;
    const from = Math.max(0, Math.min(Math.floor(box.scrollTop / ROW) - 10, rows.length - shown));
    if (from === first) return;
    first = from;
    const visible = rows.slice(from, from + shown);
    above.replaceChildren(space(from * ROW));
    below.replaceChildren(space((rows.length - from - visible.length) * ROW));
    body.replaceChildren(...visible.map(line));
  }
  function line(row) {
    const made = element("tr", {class: mark(row)});
    for (const column of columns) made.append(cell(column, row));
    return made;
  }
  function cell(column, row) {
    const value = print(column, row);
    if (column.name === "trial") {
      return element("th", {scope: "row"}, element("button", {class: "trial", "data-trial": data.number[row]}, value));
    }
    if (column.name === "state") {
      return element("td", {}, element("span", {class: `dot ${mark(row) || word(data.kind, row)}`}), value);
    }
    if (column.name === "folder" && href(row)) {
      return element("td", {}, element("a", {href: href(row), title: value}, value));
    }
    return element("td", {title: value, class: typeof column.of(row) === "number" ? "number" : ""}, value);
  }

  const counts = new Map();
  for (let row = 0; row < data.number.length; row++) {
    const state = word(data.state, row);
    counts.set(state, [(counts.get(state)?.[0] ?? 0) + 1, word(data.kind, row)]);
  }
  for (const [state, [count, kind]] of counts) {
    const chip = element("button", {class: "chip", "aria-pressed": "true"},
      element("span", {class: `dot ${kind}`}), `${state} ${count}`);
    chip.addEventListener("click", () => {
      if (!off.delete(state)) off.add(state);
      chip.setAttribute("aria-pressed", String(!off.has(state)));
      update();
    });
    if (counts.size > 1) document.getElementById("states").append(chip);
  }
  filter.addEventListener("input", () => { box.scrollTop = 0; update(); });
  box.addEventListener("scroll", draw, {passive: true});
  new ResizeObserver(() => { first = -1; draw(); }).observe(box);
  update();
}
