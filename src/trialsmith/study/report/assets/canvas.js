// A figure on a canvas: many small ones, or many lines, are drawn at once where plotly takes a second.
"use strict";
class Canvas {
  constructor(place, figure, colour, label) {
    Object.assign(this, {place, colour, ...figure.data[0]});
    this.canvas = element("canvas", {role: "img", "aria-label": label});
    this.canvas.style.display = "block";
    place.replaceChildren(this.canvas);
    new ResizeObserver(() => { if (this.seen !== this.room) this.draw(); }).observe(place);
  }

  get room() { return `${this.place.parentElement.clientWidth} ${this.place.clientHeight}`; }

  // the pen of an empty canvas that is at least so wide
  blank(wide = 0) {
    this.seen = this.room;
    this.width = Math.max(wide, this.place.parentElement.clientWidth);
    this.height = this.place.clientHeight;
    const ratio = devicePixelRatio || 1, {canvas} = this;
    canvas.width = this.width * ratio;
    canvas.height = this.height * ratio;
    canvas.style.width = `${this.width}px`;
    canvas.style.height = `${this.height}px`;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    this.family = getComputedStyle(this.place).fontFamily;
    return pen;
  }

  cursor(event) {
    const {left, top} = this.canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  static line(pen, colour, width, ...points) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.beginPath();
    for (const [x, y] of points) pen.lineTo(x, y);
    pen.stroke();
  }

  // with an edge in the page's colour, for lines pass behind it
  text(pen, text, x, y, colour) {
    pen.lineWidth = 3;
    pen.lineJoin = "round";
    pen.strokeStyle = this.colour("--surface");
    pen.strokeText(text, x, y);
    pen.fillStyle = colour;
    pen.fillText(text, x, y);
  }
}
