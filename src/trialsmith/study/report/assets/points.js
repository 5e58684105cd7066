// Trials as points on two axes, small.
"use strict";
class Points extends Canvas {
  static TOP = 6; static BOTTOM = 24; static RIGHT = 8;

  constructor(place, figure, colour) {
    super(place, figure, colour, `Trials by ${figure.data[0].name}`);
    this.canvas.addEventListener("pointermove", (event) => {
      const number = this.nearest(event);
      this.canvas.style.cursor = number === null ? "default" : "pointer";
      if (number === null) Hint.hide(); else Hint.show(number, event);
    });
    this.canvas.addEventListener("pointerleave", Hint.hide);
    this.canvas.addEventListener("click", (event) => {
      const number = this.nearest(event);
      if (number !== null) Detail.show(number);
    });
  }

  static share(axis, value) {
    const [low, high] = axis.range;
    return ((axis.type === "log" ? Math.log10(value) : value) - low) / (high - low);
  }
  px(value) { return this.left + Points.share(this.x, value) * (this.width - this.left - Points.RIGHT); }
  py(value) { return this.height - Points.BOTTOM - Points.share(this.y, value) * (this.height - Points.TOP - Points.BOTTOM); }

  // value and text of an axis's ticks, at most about `most`
  static ticks(axis, most) {
    if (axis.ticks) return axis.ticks;
    const [low, high] = axis.range, log = axis.type === "log";
    const [from, to] = log ? [10 ** low, 10 ** high] : [low, high];
    let found = [];
    for (const parts of log ? [[1], [1, 2, 5]] : []) {
      if (found.length > 2) break;
      found = [];
      const step = Math.max(1, Math.ceil((high - low) / most));
      for (let power = Math.floor(low); power <= high; power += step) found.push(...parts.map((k) => k * 10 ** power));
      found = found.filter((value) => value >= from && value <= to);
    }
    if (found.length < 3) {
      const raw = (to - from) / most, power = 10 ** Math.floor(Math.log10(raw));
      const step = Math.max([1, 2, 5, 10].find((k) => k * power >= raw) * power, axis.whole ? 1 : 0);
      found = [];
      for (let k = Math.ceil(from / step); k * step <= to; k++) found.push(k * step);
    }
    return found.map((value) => [value, show(Number(value.toPrecision(6)), 4)]);
  }

  draw() {
    const pen = this.blank(), ink = this.colour("--muted");
    pen.font = `11px ${this.family}`;
    const rows = Points.ticks(this.y, 4);
    this.left = 12 + Math.max(0, ...rows.map(([, text]) => pen.measureText(text).width));
    const bottom = this.height - Points.BOTTOM;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    for (const [value, text] of rows) {
      Canvas.line(pen, this.colour("--grid"), 1, [this.left, this.py(value)], [this.width - Points.RIGHT, this.py(value)]);
      this.text(pen, text, this.left - 6, this.py(value), ink);
    }
    Canvas.line(pen, this.colour("--line"), 1, [this.left, bottom], [this.width - Points.RIGHT, bottom]);
    pen.textAlign = "center";
    let free = -Infinity;
    for (const [value, text] of Points.ticks(this.x, 5)) {
      const half = pen.measureText(text).width / 2;
      const x = Math.min(Math.max(this.px(value), half), this.width - half);
      if (x - half < free) continue;  // no label over another
      this.text(pen, text, x, bottom + 13, ink);
      free = x + half + 6;
    }
    pen.save();
    pen.beginPath();
    pen.rect(this.left, 0, this.width - this.left, bottom);
    pen.clip();
    for (const group of this.groups) if (group.look === "complete") this.mark(pen, group);
    for (const [from, to, y] of this.bars) Canvas.line(pen, this.colour("--ink"), 2.5, [this.px(from), this.py(y)], [this.px(to), this.py(y)]);
    for (const group of this.groups) if (group.look !== "complete") this.mark(pen, group);
    pen.restore();
  }

  mark(pen, {look, x, y}) {
    const small = look === "complete";
    pen.globalAlpha = small ? (x.length > 150 ? .55 : .8) : 1;
    pen.fillStyle = this.colour(look === "baseline" ? "--surface" : `--${look}`);
    for (let k = 0; k < x.length; k++) {
      if (y[k] === null) continue;
      const [a, b] = [this.px(x[k]), this.py(y[k])];
      pen.beginPath();
      if (look === "baseline") [[0, -6], [6, 0], [0, 6], [-6, 0]].forEach(([i, j]) => pen.lineTo(a + i, b + j));
      else pen.arc(a, b, small ? 2.5 : 5, 0, 2 * Math.PI);
      pen.closePath();
      pen.fill();
      if (look !== "baseline") continue;
      pen.strokeStyle = this.colour("--ink");
      pen.lineWidth = 1.8;
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  nearest(event) {
    const [x, y] = this.cursor(event);
    let found = null, least = 8;
    for (const group of this.groups) {
      group.numbers.forEach((number, k) => {
        if (group.y[k] === null) return;
        const distance = Math.hypot(this.px(group.x[k]) - x, this.py(group.y[k]) - y);
        if (distance <= least) [found, least] = [number, distance];
      });
    }
    return found;
  }
}
