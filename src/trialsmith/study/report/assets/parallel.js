// Parallel coordinates on a canvas: plotly's need WebGL, which some browsers lack or are slow at.
"use strict";
class Parallel extends Canvas {
  static TOP = 26; static BOTTOM = 96; static LEFT = 64; static RIGHT = 40;

  constructor(place, figure, colour) {
    super(place, figure, colour, "Parallel coordinates of the trials");
    this.brushes = this.axes.map(() => null);
    this.listen();
  }

  x(axis) { return Parallel.LEFT + axis * (this.width - Parallel.LEFT - Parallel.RIGHT) / (this.axes.length - 1 || 1); }
  y(at) { return this.height - Parallel.BOTTOM - at * (this.height - Parallel.TOP - Parallel.BOTTOM); }
  at(y) { return (this.height - Parallel.BOTTOM - y) / (this.height - Parallel.TOP - Parallel.BOTTOM); }

  chosen(line) {
    return this.brushes.every((brush, k) => !brush
      || (this.axes[k].places[line] >= brush[0] && this.axes[k].places[line] <= brush[1]));
  }

  draw() {
    const pen = this.blank(this.wide);
    const chosen = this.numbers.map((_, line) => this.chosen(line));
    const few = chosen.filter(Boolean).length, all = this.numbers.length;
    this.stroke(pen, (line) => !chosen[line], () => this.colour("--grid"), .5, 1);
    const shades = [0, 1, 2, 3].map((k) => this.colour(`--scale-${k}`));
    const shade = (line) => shades[Math.min(3, Math.floor(4 * line / all))];
    const last = chosen.lastIndexOf(true);
    this.stroke(pen, (line) => chosen[line] && line !== last, shade, Math.max(.25, Math.min(.9, 60 / few)), 1.2);
    this.stroke(pen, (line) => line === last, () => this.colour("--best"), 1, 3);
    this.axes.forEach((axis, k) => this.axis(pen, axis, this.x(k), this.brushes[k]));
  }

  stroke(pen, wanted, colour, alpha, width) {
    pen.globalAlpha = alpha;
    pen.lineWidth = width;
    pen.lineJoin = "round";
    this.numbers.forEach((_, line) => {
      if (!wanted(line)) return;
      pen.strokeStyle = colour(line);
      pen.beginPath();
      this.axes.forEach((axis, k) => pen.lineTo(this.x(k), this.y(axis.places[line])));
      pen.stroke();
    });
    pen.globalAlpha = 1;
  }

  axis(pen, axis, x, brush) {
    Canvas.line(pen, this.colour("--muted"), 1, [x, this.y(0)], [x, this.y(1)]);
    if (brush) {
      pen.fillStyle = this.colour("--best");
      pen.fillRect(x - 3, this.y(brush[1]), 6, Math.max(3, this.y(brush[0]) - this.y(brush[1])));
    }
    pen.font = `11px ${this.family}`;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    for (const [at, text] of axis.ticks) this.text(pen, text, x - 7, this.y(at), this.colour("--muted"));
    pen.save();
    pen.translate(x + 4, this.y(0) + 16);
    pen.rotate(-Math.PI / 7);
    pen.font = `12px ${this.family}`;
    this.text(pen, axis.label, 0, 0, this.colour("--ink"));
    pen.restore();
  }

  nearest(event) {
    const [x, y] = this.cursor(event);
    const step = this.x(1) - this.x(0), k = Math.min(this.axes.length - 2, Math.max(0, Math.floor((x - this.x(0)) / step)));
    if (k < 0 || this.axes.length < 2) return null;
    const part = (x - this.x(k)) / step;
    let found = null, least = 6;
    this.numbers.forEach((number, line) => {
      const at = (1 - part) * this.axes[k].places[line] + part * this.axes[k + 1].places[line];
      const distance = Math.abs(this.y(at) - y);
      if (distance <= least && this.chosen(line)) [found, least] = [number, distance];
    });
    return found;
  }

  onAxis(event) {
    const [x] = this.cursor(event);
    const axis = this.axes.findIndex((_, k) => Math.abs(this.x(k) - x) < 12);
    return axis < 0 ? null : axis;
  }

  listen() {
    let dragged = null, from = 0;
    const at = (event) => this.at(this.cursor(event)[1]);
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "touch") return;
      dragged = this.onAxis(event);
      from = at(event);
      if (dragged !== null) this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const axis = this.onAxis(event);
      this.canvas.style.cursor = axis === null ? "default" : "ns-resize";
      if (dragged !== null) {
        this.brushes[dragged] = [Math.min(from, at(event)) - .005, Math.max(from, at(event)) + .005];
        this.draw();
        return;
      }
      const number = axis === null ? this.nearest(event) : null;
      if (number === null) Hint.hide(); else Hint.show(number, event);
    });
    this.canvas.addEventListener("pointerup", (event) => {
      const number = dragged === null ? this.nearest(event) : null;
      if (dragged !== null && Math.abs(at(event) - from) < .01) {
        this.brushes[dragged] = null;  // a click on an axis lets all trials through again
        this.draw();
      }
      dragged = null;
      if (number !== null) Detail.show(number);
    });
    this.canvas.addEventListener("pointerleave", Hint.hide);
  }
}
