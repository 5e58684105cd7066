// The figures, drawn in the colours of the theme: those in sight at once, the others when idle.
"use strict";
{
  const figures = json("figures-data");
  const places = [...document.querySelectorAll("[data-figure]")];
  let style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const config = {responsive: true, displaylogo: false, displayModeBar: false, doubleClick: "autosize"};

  // "--best" stands for a colour of the theme
  function themed(value) {
    if (typeof value === "string") return value.startsWith("--") && colour(value) || value;
    if (Array.isArray(value)) return value.length && typeof value[0] === "number" ? value : value.map(themed);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, themed(item)]));
  }

  // plotly's own labels are 10⁻¹ among lone digits; these are numbers, and powers outside of what is seen
  function decades(own) {
    const [low, high] = own.range, ticks = Points.ticks(own, 5);
    for (let k = 1; k <= 9; k++) {
      ticks.push(...[Math.floor(low) + 1 - k, Math.ceil(high) - 1 + k].filter((power) => power < low || power > high)
        .map((power) => [10 ** power, show(10 ** power, 4)]));
    }
    return {tickvals: ticks.map(([value]) => value), ticktext: ticks.map(([, text]) => text)};
  }

  function axis(own) {
    return {
      gridcolor: colour("--grid"), linecolor: colour("--line"), tickcolor: colour("--line"),
      zeroline: false, automargin: true, ticks: "", exponentformat: "power", minexponent: 4,
      ...(own.type === "log" && own.range ? decades(own) : {}), ...own,
      title: {standoff: 8, ...own.title, font: {color: colour("--muted"), size: 12}},
    };
  }

  function layout(figure, place) {
    const own = themed(figure.layout), small = place.closest(".small") !== null;
    const made = {
      font: {family: style.fontFamily, size: small ? 11 : 12, color: colour("--muted")},
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      margin: {l: 56, r: 14, t: own.showlegend ? 34 : 10, b: 42}, hovermode: "closest",
      legend: {orientation: "h", x: 0, y: 1, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)", font: {color: colour("--ink")}},
      hoverlabel: {bgcolor: colour("--surface"), bordercolor: colour("--line"), font: {color: colour("--ink")}},
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
      ...own, height: place.clientHeight,
    };
    for (const key of Object.keys(own)) {
      if (/^[xy]axis\d*$/.test(key)) made[key] = axis(own[key]);
    }
    return made;
  }

  const canvases = {parallel: Parallel, points: Points};
  function onCanvas(kind, place, figure) {
    place.dataset.drawn = "yes";
    place.canvas ??= new kind(place, figure, colour);
    place.canvas.draw();
  }

  function draw(place) {
    const figure = figures[place.dataset.figure];
    const kind = canvases[figure.data[0].type];
    if (kind) return onCanvas(kind, place, figure);
    try {
      Plotly.react(place, themed(figure.data), layout(figure, place), config);
    } catch (error) {
      place.textContent = `This browser cannot draw the figure: ${error.message}`;
    }
    if (place.dataset.drawn || !place.on) return;
    place.dataset.drawn = "yes";
    const number = (event) => event.points[0].customdata;
    place.on("plotly_hover", (event) => {
      if (typeof number(event) === "number") Hint.show(number(event), event.event);
    });
    place.on("plotly_unhover", Hint.hide);
    place.on("plotly_click", (event) => {
      if (typeof number(event) === "number") Detail.show(number(event));
    });
  }

  const waiting = new Set(places);
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && waiting.delete(entry.target)) draw(entry.target);
    }
    end();
  }, {rootMargin: "300px"});
  places.forEach((place) => seen.observe(place));
  function end() {
    if (!waiting.size) document.documentElement.dataset.ready = "yes";
  }
  function next() {
    const [place] = waiting;
    if (place) { waiting.delete(place); draw(place); }
    end();
    if (waiting.size) setTimeout(next, 0);
  }
  setTimeout(next, 50);
  addEventListener("beforeprint", () => waiting.forEach((place) => { waiting.delete(place); draw(place); }));
  document.addEventListener("theme", () => {
    style = getComputedStyle(document.documentElement);
    places.filter((place) => place.dataset.drawn).forEach(draw);
  });
}
