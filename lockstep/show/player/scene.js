// A recorded world on a canvas, at any moment between two frames. Every kind of world has a class that extends `Scene` and
// stands in `SCENES`; a kind's own script adds it (lockstep/envs/*/scene.js). Also used by the live page.
"use strict";

const TRAIL_FRAMES = 24;

/** The classes that draw, by the kind that a recording says. */
const SCENES = {};

/** The scene of a recording on a canvas. */
const sceneOf = (canvas, recording) => new SCENES[recording.kind](canvas, recording);

class Scene {
  /** recording: as lockstep.show.recording writes it. The theme is set before the first drawing. */
  constructor(canvas, recording) {
    Object.assign(this, { canvas, recording });
    this.pen = canvas.getContext("2d");
    this.pictures = []; // images that it waits for
  }

  // What a kind of world says of itself.

  /** Width and height of the world, in its own unit. */
  extent() { return [1, 1]; }

  /** Fewest and most CSS pixels a unit. */
  bounds() { return [0.1, 4]; }

  /** Draw it, the pen at the world's corner and in CSS pixels; `this.cell` are those of one unit. */
  paint(position, selected, trails) {}

  /** The agent at a place, or -1. */
  agentAt(x, y, position) { return -1; }

  /** Whether there is something to ask about an agent, besides what it expects. */
  get answers() { return false; }

  /** What an agent is called here. */
  get agent() { return "agent"; }

  /** What an agent is doing, behind its name. */
  doing(frame, agent) { return ""; }

  /** What an agent sees, in words; empty: `drawSight` has nothing to draw. */
  get sight() { return ""; }

  drawSight(canvas, frame, selected, side) {}

  /** What the timeline's marks mean, as HTML. */
  get legend() { return ""; }

  /** An event on the timeline, at x in a strip of this height. */
  mark(pen, kind, agent, x, height) { filled(pen, x, 0.56 * height, 4, robotColor(this.theme, agent)); }

  // What is the same for all.

  /** Fit into width x height CSS pixels, at the screen's own resolution. */
  resize(width, height) {
    const ratio = window.devicePixelRatio || 1;
    const [across, down] = this.extent();
    const [least, most] = this.bounds();
    this.cell = Math.max(least, Math.min(width / across, height / down, most));
    if (this.wholePixels) this.cell = Math.floor(this.cell * ratio) / ratio;
    this.canvas.style.width = `${across * this.cell}px`;
    this.canvas.style.height = `${down * this.cell}px`;
    this.canvas.width = Math.round(across * this.cell * ratio);
    this.canvas.height = Math.round(down * this.cell * ratio);
    this.ratio = ratio;
  }

  /** The agent at a point of the canvas in CSS pixels, or -1. */
  agentAtPoint(px, py, position) { return this.agentAt(px / this.cell, py / this.cell, position); }

  draw(position, { selected = -1, trails = false } = {}) {
    const { pen, canvas } = this;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    this.paint(position, selected, trails);
  }

  /** What stands still, painted once for each size and theme and copied from then on. */
  paintOnce(paint) {
    const { canvas, pen, theme } = this;
    const key = `${canvas.width} ${canvas.height} ${theme.floor}`;
    if (key === this.groundKey) {
      pen.save();
      pen.resetTransform();
      pen.drawImage(this.ground, 0, 0);
      pen.restore();
      return;
    }
    paint();
    this.ground = document.createElement("canvas");
    [this.ground.width, this.ground.height] = [canvas.width, canvas.height];
    this.ground.getContext("2d").drawImage(canvas, 0, 0);
    this.groundKey = key;
  }
}

/** A world's own pictures, one a frame. */
SCENES.pictures = class extends Scene {
  constructor(canvas, recording) {
    super(canvas, recording);
    this.pictures = recording.pictures.map((source) => Object.assign(new Image(), { src: source }));
  }

  extent() { return [this.pictures[0].naturalWidth || 4, this.pictures[0].naturalHeight || 3]; }

  paint(position) {
    const { canvas, pen, ratio } = this;
    pen.drawImage(this.pictures[Math.round(position)], 0, 0, canvas.width / ratio, canvas.height / ratio);
  }
};

/** A world that says itself in text, one a frame. */
SCENES.text = class extends Scene {
  constructor(canvas, recording) {
    super(canvas, recording);
    this.texts = recording.texts.map((text) => text.split("\n"));
    this.columns = Math.max(...this.texts.flat().map((line) => line.length));
    this.lines = Math.max(...this.texts.map((lines) => lines.length));
  }

  extent() { return [0.6 * (this.columns + 2), 1.2 * (this.lines + 1)]; }

  bounds() { return [4, 28]; }

  paint(position) {
    const { pen, theme, cell } = this;
    pen.scale(cell, cell); // from here on a letter is 1 high
    const [across, down] = this.extent();
    pen.fillStyle = theme.floor;
    box(pen, 0, 0, across, down, 0.4);
    pen.fill();
    pen.fillStyle = theme.text;
    pen.font = "1px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
    pen.textBaseline = "middle";
    this.texts[Math.round(position)].forEach((line, row) => {
      [...line].forEach((letter, column) => pen.fillText(letter, 0.6 * (column + 1), 1.2 * (row + 1)));
    });
  }
};

/** A pen on a canvas of width x height CSS pixels at the screen's resolution, cleared. */
function freshPen(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

/** A line that fades towards its oldest place, the first. Straight stretches are drawn at once, so that nothing doubles. */
function drawTrail(pen, places, alpha) {
  pen.lineCap = "butt";
  const half = pen.lineWidth / 2;
  for (let index = 1; index < places.length; index += 1) {
    const [[ax, ay], [bx, by]] = [places[index - 1], places[index]];
    const length = Math.hypot(bx - ax, by - ay);
    if (length === 0) continue;
    const [dx, dy] = [((bx - ax) / length) * half, ((by - ay) / length) * half];
    pen.globalAlpha = (alpha * index) / places.length;
    line(pen, ax + dx, ay + dy, bx + dx, by + dy); // each ends half a width further, where a turn would leave a notch
  }
  pen.globalAlpha = 1;
}

/** Where somebody is selected, the others' ways step back. */
const trailAlpha = (number, selected) => (selected < 0 || number === selected ? 0.6 : 0.25);

const robotColor = (theme, number) => theme.robots[number % theme.robots.length];

function line(pen, ax, ay, bx, by) {
  pen.beginPath();
  pen.moveTo(ax, ay);
  pen.lineTo(bx, by);
  pen.stroke();
}

function filled(pen, x, y, radius, color) {
  pen.fillStyle = color;
  circle(pen, x, y, radius);
  pen.fill();
}

function stroked(pen, x, y, radius) {
  circle(pen, x, y, radius);
  pen.stroke();
}

function circle(pen, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
}

function box(pen, x, y, width, height, radius) {
  pen.beginPath();
  pen.roundRect(x, y, width, height, radius);
}
