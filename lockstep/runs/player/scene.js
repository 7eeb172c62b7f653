// The warehouse on a canvas, at any moment between two frames. The same look as lockstep/envs/rware/draw.py.
"use strict";

const VECTORS = [[0, -1], [0, 1], [-1, 0], [1, 0]];
const ANGLES = [-Math.PI / 2, Math.PI / 2, Math.PI, 0];
const TRAIL_FRAMES = 24;
const FLASH_FRAMES = 3;

/** Where every shelf is in every frame: [frame][shelf] = [x, y]. Shelves move with who carries them. */
function shelfPlaces(recording) {
  const places = [];
  let current = recording.floor.shelves;
  for (const frame of recording.frames) {
    current = current.slice();
    for (const [x, y, , carried] of frame.robots) if (carried) current[carried - 1] = [x, y];
    places.push(current);
  }
  return places;
}

class Scene {
  constructor(canvas, recording) {
    Object.assign(this, { canvas, recording }); // the theme is set before the first drawing
    this.pen = canvas.getContext("2d");
    this.floor = recording.floor;
    this.shelves = this.floor ? shelfPlaces(recording) : [];
    this.placeKeys = new Set(this.floor ? this.floor.places.map(String) : []);
    this.pictures = (recording.pictures || []).map((source) => Object.assign(new Image(), { src: source }));
  }

  /** Fit into width x height CSS pixels, at the screen's own resolution. */
  resize(width, height) {
    const ratio = window.devicePixelRatio || 1;
    const [across, down] = this.floor
      ? [this.floor.width, this.floor.height]
      : [this.pictures[0].naturalWidth || 4, this.pictures[0].naturalHeight || 3];
    this.cell = Math.max(this.floor ? 8 : 0.1, Math.min(width / across, height / down, this.floor ? 56 : 4));
    if (this.floor) this.cell = Math.floor(this.cell * ratio) / ratio;
    this.canvas.style.width = `${across * this.cell}px`;
    this.canvas.style.height = `${down * this.cell}px`;
    this.canvas.width = Math.round(across * this.cell * ratio);
    this.canvas.height = Math.round(down * this.cell * ratio);
    this.ratio = ratio;
  }

  /** The robot at a point of the canvas in CSS pixels, or -1. */
  robotAt(px, py, position) {
    if (!this.floor) return -1;
    const frame = this.recording.frames[Math.round(position)];
    const [x, y] = [Math.floor(px / this.cell), Math.floor(py / this.cell)];
    return frame.robots.findIndex((robot) => robot[0] === x && robot[1] === y);
  }

  draw(position, { selected = -1, trails = false } = {}) {
    const pen = this.pen;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.floor) {
      const picture = this.pictures[Math.round(position)];
      pen.drawImage(picture, 0, 0, this.canvas.width / this.ratio, this.canvas.height / this.ratio);
      return;
    }
    pen.scale(this.cell, this.cell); // from here on a cell is 1
    const frame = Math.min(Math.floor(position), this.recording.frames.length - 1);
    drawGround(pen, this.floor, this.theme, this.placeKeys);
    this.drawShelves(frame);
    if (trails) this.drawTrails(position);
    const robots = this.robotsAt(position);
    if (selected >= 0) this.drawView(robots[selected]);
    robots.forEach((robot, number) => drawRobot(pen, this.theme, robot, number));
    if (selected >= 0) this.drawSelection(robots[selected], selected);
    this.drawEvents(position, robots);
  }

  /** Robots between two frames: { x, y, angle, carried, requested }. */
  robotsAt(position) {
    const { frames } = this.recording;
    const from = Math.min(Math.floor(position), frames.length - 1);
    const to = Math.min(from + 1, frames.length - 1);
    const part = smooth(position - from);
    return frames[from].robots.map(([x, y, direction, carried], number) => {
      const [x2, y2, direction2] = frames[to].robots[number];
      const turn = wrapped(ANGLES[direction2] - ANGLES[direction]);
      return {
        x: x + (x2 - x) * part, y: y + (y2 - y) * part, angle: ANGLES[direction] + turn * part,
        carried, requested: frames[from].requested.includes(carried),
      };
    });
  }

  drawShelves(number) {
    const frame = this.recording.frames[number];
    const carried = new Set(frame.robots.map((robot) => robot[3]));
    this.shelves[number].forEach(([x, y], index) => {
      if (!carried.has(index + 1)) drawShelf(this.pen, this.theme, x, y, frame.requested.includes(index + 1), false);
    });
  }

  drawTrails(position) {
    const { pen, theme, recording } = this;
    const last = Math.floor(position);
    const now = this.robotsAt(position);
    pen.lineWidth = 0.09;
    pen.lineCap = "round";
    now.forEach((robot, number) => {
      pen.strokeStyle = robotColor(theme, number);
      let [bx, by] = [robot.x, robot.y];
      for (let frame = last; frame > Math.max(0, last - TRAIL_FRAMES); frame -= 1) {
        const [ax, ay] = recording.frames[frame].robots[number];
        pen.globalAlpha = 0.6 * (1 - (position - frame) / TRAIL_FRAMES);
        line(pen, bx + 0.5, by + 0.5, ax + 0.5, ay + 0.5);
        [bx, by] = [ax, ay];
      }
    });
    pen.globalAlpha = 1;
  }

  drawView(robot) {
    const reach = this.recording.sensorRange;
    const [x, y] = [Math.round(robot.x) - reach, Math.round(robot.y) - reach];
    this.pen.fillStyle = this.theme.flash;
    this.pen.globalAlpha = 0.16;
    box(this.pen, x, y, 2 * reach + 1, 2 * reach + 1, 0.2);
    this.pen.fill();
    this.pen.globalAlpha = 1;
  }

  drawSelection(robot, number) {
    this.pen.strokeStyle = robotColor(this.theme, number);
    this.pen.lineWidth = 0.05;
    this.pen.setLineDash([0.12, 0.1]);
    circle(this.pen, robot.x + 0.5, robot.y + 0.5, 0.62);
    this.pen.stroke();
    this.pen.setLineDash([]);
  }

  /** Rings for deliveries, a bar before a robot whose way is blocked. */
  drawEvents(position, robots) {
    const { pen, theme, recording } = this;
    for (let frame = Math.max(1, Math.ceil(position - FLASH_FRAMES)); frame <= position; frame += 1) {
      for (const [kind, , x, y] of recording.steps[frame - 1].events) {
        if (kind !== "delivery") continue;
        const part = (position - frame) / FLASH_FRAMES;
        pen.globalAlpha = 1 - part;
        pen.strokeStyle = theme.flash;
        pen.lineWidth = 0.16 - 0.1 * part;
        circle(pen, x + 0.5, y + 0.5, 0.5 + 0.8 * part);
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
    const step = recording.steps[Math.min(Math.floor(position), recording.steps.length - 1)];
    if (position >= recording.steps.length) return;
    for (const [kind, agent] of step.events) {
      if (kind !== "conflict") continue;
      const { x, y, angle } = robots[agent];
      pen.save();
      pen.translate(x + 0.5, y + 0.5);
      pen.rotate(angle);
      pen.strokeStyle = theme.conflict;
      pen.lineWidth = 0.1;
      line(pen, 0.52, -0.28, 0.52, 0.28);
      pen.restore();
    }
  }
}

function drawGround(pen, floor, theme, placeKeys) {
  pen.fillStyle = theme.floor;
  pen.fillRect(0, 0, floor.width, floor.height);
  pen.fillStyle = theme.island;
  for (const [x, y] of floor.places) {
    box(pen, x, y, 1, 1, 0.22);
    pen.fill();
    if (placeKeys.has(`${x + 1},${y}`)) pen.fillRect(x + 0.5, y, 1, 1);
    if (placeKeys.has(`${x},${y + 1}`)) pen.fillRect(x, y + 0.5, 1, 1);
  }
  pen.strokeStyle = theme.cross;
  pen.lineWidth = 0.025;
  for (let y = 1; y < floor.height; y += 1) {
    for (let x = 1; x < floor.width; x += 1) {
      if ([[x - 1, y - 1], [x, y - 1], [x - 1, y], [x, y]].some((place) => placeKeys.has(String(place)))) continue;
      line(pen, x - 0.1, y, x + 0.1, y);
      line(pen, x, y - 0.1, x, y + 0.1);
    }
  }
  pen.strokeStyle = theme.place;
  pen.lineWidth = 0.035;
  for (const [x, y] of floor.places) {
    box(pen, x + 0.19, y + 0.19, 0.62, 0.62, 0.1);
    pen.stroke();
  }
  for (const [x, y] of floor.goals) drawGoal(pen, theme, x, y);
}

function drawGoal(pen, theme, x, y) {
  pen.fillStyle = theme.goal;
  box(pen, x + 0.06, y + 0.06, 0.88, 0.88, 0.16);
  pen.fill();
  pen.strokeStyle = theme.goal_mark;
  pen.lineWidth = 0.075;
  pen.lineJoin = "round";
  for (const row of [0.34, 0.56]) {
    pen.beginPath();
    pen.moveTo(x + 0.28, y + row);
    pen.lineTo(x + 0.5, y + row + 0.16);
    pen.lineTo(x + 0.72, y + row);
    pen.stroke();
  }
}

function drawShelf(pen, theme, x, y, requested, lifted) {
  const inset = lifted ? 0.055 : 0.14;
  if (lifted) {
    pen.fillStyle = theme.outline;
    box(pen, x, y, 1, 1, 0.16);
    pen.fill();
  }
  pen.fillStyle = requested ? theme.request : theme.shelf;
  box(pen, x + inset, y + inset, 1 - 2 * inset, 1 - 2 * inset, 0.12);
  pen.fill();
  if (requested && !lifted) {
    pen.fillStyle = theme.request_mark;
    circle(pen, x + 0.5, y + 0.5, 0.12);
    pen.fill();
  } else if (!requested) {
    pen.fillStyle = theme.shelf_board;
    for (const row of [0.36, 0.64]) {
      box(pen, x + inset + 0.1, y + row - 0.035, 0.8 - 2 * inset, 0.07, 0.035);
      pen.fill();
    }
  }
}

function drawRobot(pen, theme, { x, y, angle, carried, requested }, number) {
  if (carried) drawShelf(pen, theme, x, y, requested, true);
  const radius = carried ? 0.31 : 0.37;
  pen.save();
  pen.translate(x + 0.5, y + 0.5);
  pen.rotate(angle);
  pen.fillStyle = theme.outline;
  circle(pen, 0, 0, radius + 0.055);
  pen.fill();
  pen.fillStyle = robotColor(theme, number);
  circle(pen, 0, 0, radius);
  pen.fill();
  pen.fillStyle = theme.heading;
  pen.beginPath();
  for (const [a, b] of [[0.68, 0], [-0.42, 0.52], [-0.16, 0], [-0.42, -0.52]]) pen.lineTo(a * radius, b * radius);
  pen.fill();
  pen.restore();
}

const robotColor = (theme, number) => theme.robots[number % theme.robots.length];
const smooth = (part) => part * part * (3 - 2 * part);
const wrapped = (angle) => Math.atan2(Math.sin(angle), Math.cos(angle));

function line(pen, ax, ay, bx, by) {
  pen.beginPath();
  pen.moveTo(ax, ay);
  pen.lineTo(bx, by);
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
