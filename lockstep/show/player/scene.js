// A world on a canvas, at any moment between two frames: a warehouse or particles, with the same look as draw.py has in
// lockstep/envs/rware and mpe, or any world's own pictures. Also used by the live page.
"use strict";

const VECTORS = [[0, -1], [0, 1], [-1, 0], [1, 0]];
const ANGLES = [-Math.PI / 2, Math.PI / 2, Math.PI, 0];
const TRAIL_FRAMES = 24;
const FLASH_FRAMES = 3;
const MARGIN = 0.3; // page around a warehouse, in cells: room for rings and for who stands at a wall
const [AGENT_RADIUS, COVERING, LEAST_REACH, MOST_REACH] = [0.15, 0.1, 1.25, 2.25]; // of particles, in the world's unit
const AWAY = 0.55; // size of an agent that is further away than the picture shows; it waits at the edge

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
    this.planes = recording.planes && recording.planes.length ? recording.planes : null;
    if (this.planes) {
      const far = [...this.planes.flat(2), ...recording.landmarks.flat()].reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      this.reach = Math.min(Math.max(LEAST_REACH, far + 1.5 * AGENT_RADIUS), MOST_REACH);
    }
    this.pictures = (recording.pictures || []).map((source) => Object.assign(new Image(), { src: source }));
  }

  /** Fit into width x height CSS pixels, at the screen's own resolution. */
  resize(width, height) {
    const ratio = window.devicePixelRatio || 1;
    const [across, down] = this.extent();
    const [least, most] = this.floor ? [8, 56] : this.planes ? [10, 560 / across] : [0.1, 4];
    this.cell = Math.max(least, Math.min(width / across, height / down, most));
    if (this.floor) this.cell = Math.floor(this.cell * ratio) / ratio;
    this.canvas.style.width = `${across * this.cell}px`;
    this.canvas.style.height = `${down * this.cell}px`;
    this.canvas.width = Math.round(across * this.cell * ratio);
    this.canvas.height = Math.round(down * this.cell * ratio);
    this.ratio = ratio;
  }

  /** Width and height in cells, in the world's unit, or in pixels. */
  extent() {
    if (this.floor) return [this.floor.width + 2 * MARGIN, this.floor.height + 2 * MARGIN];
    if (this.planes) return [2 * this.reach, 2 * this.reach];
    return [this.pictures[0].naturalWidth || 4, this.pictures[0].naturalHeight || 3];
  }

  /** The robot or agent at a point of the canvas in CSS pixels, or -1. */
  robotAt(px, py, position) {
    if (this.planes) {
      const [x, y] = [px / this.cell - this.reach, this.reach - py / this.cell];
      return this.planes[Math.round(position)].findIndex(([ax, ay]) => Math.hypot(ax - x, ay - y) < AGENT_RADIUS + 0.05);
    }
    if (!this.floor) return -1;
    const frame = this.recording.frames[Math.round(position)];
    const [x, y] = [Math.floor(px / this.cell - MARGIN), Math.floor(py / this.cell - MARGIN)];
    return frame.robots.findIndex((robot) => robot[0] === x && robot[1] === y);
  }

  draw(position, { selected = -1, trails = false } = {}) {
    const pen = this.pen;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.planes) {
      this.drawPlane(position, selected, trails);
      return;
    }
    if (!this.floor) {
      const picture = this.pictures[Math.round(position)];
      pen.drawImage(picture, 0, 0, this.canvas.width / this.ratio, this.canvas.height / this.ratio);
      return;
    }
    pen.scale(this.cell, this.cell); // from here on a cell is 1
    pen.translate(MARGIN, MARGIN);
    const frame = Math.min(Math.floor(position), this.recording.frames.length - 1);
    this.paintOnce(() => drawGround(pen, this.floor, this.theme, this.placeKeys));
    this.drawShelves(frame);
    if (trails) this.drawTrails(position, selected);
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

  drawTrails(position, selected) {
    const { pen, theme, recording } = this;
    const last = Math.floor(position);
    const now = this.robotsAt(position);
    pen.lineWidth = 0.09;
    now.forEach((robot, number) => {
      pen.strokeStyle = robotColor(theme, number);
      const places = [];
      for (let frame = Math.max(0, last - TRAIL_FRAMES); frame <= last; frame += 1) {
        places.push([recording.frames[frame].robots[number][0] + 0.5, recording.frames[frame].robots[number][1] + 0.5]);
      }
      drawTrail(pen, [...places, [robot.x + 0.5, robot.y + 0.5]], trailAlpha(number, selected));
    });
  }

  /** Particles: crosses on the ground, rings to fill, agents; who covers a ring shines. */
  drawPlane(position, selected, trails) {
    const { pen, theme, planes, reach, recording } = this;
    pen.scale(this.cell, -this.cell);
    pen.translate(reach, -reach);
    this.paintOnce(() => drawPlaneGround(pen, theme, reach));
    const from = Math.min(Math.floor(position), planes.length - 1);
    const to = planes[Math.min(from + 1, planes.length - 1)];
    const agents = planes[from].map(([x, y], n) => [x + (to[n][0] - x) * (position - from), y + (to[n][1] - y) * (position - from)]);
    if (trails) {
      pen.lineWidth = 0.025;
      agents.forEach((place, number) => {
        pen.strokeStyle = robotColor(theme, number);
        const places = planes.slice(Math.max(0, from - TRAIL_FRAMES), from + 1).map((plane) => plane[number]);
        drawTrail(pen, [...places, place], trailAlpha(number, selected));
      });
    }
    pen.strokeStyle = theme.goal;
    pen.lineWidth = 0.024;
    for (const [x, y] of recording.landmarks) stroked(pen, x, y, AGENT_RADIUS - 0.012);
    agents.forEach((place, number) => {
      const [x, y] = place.map((part) => Math.max(AGENT_RADIUS - reach, Math.min(reach - AGENT_RADIUS, part)));
      const size = x === place[0] && y === place[1] ? AGENT_RADIUS : AWAY * AGENT_RADIUS;
      const covers = recording.landmarks.some(([lx, ly]) => Math.hypot(lx - x, ly - y) < COVERING);
      if (covers) filled(pen, x, y, AGENT_RADIUS + 0.07, theme.flash);
      filled(pen, x, y, size + 0.02, theme.outline);
      filled(pen, x, y, size, robotColor(theme, number));
      if (number === selected) {
        pen.strokeStyle = robotColor(theme, number);
        pen.lineWidth = 0.02;
        pen.setLineDash([0.05, 0.04]);
        stroked(pen, x, y, AGENT_RADIUS + 0.1);
        pen.setLineDash([]);
      }
    });
    for (const [x, y] of recording.landmarks) {
      filled(pen, x, y, 0.05, theme.goal);
      filled(pen, x, y, 0.03, theme.flash);
    }
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
  box(pen, 0, 0, floor.width, floor.height, 0.3);
  pen.fill();
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

function drawPlaneGround(pen, theme, reach) {
  pen.fillStyle = theme.floor;
  box(pen, -reach, -reach, 2 * reach, 2 * reach, 0.06);
  pen.fill();
  pen.lineWidth = 0.008;
  pen.strokeStyle = theme.cross;
  const lines = Math.floor(2 * reach);
  for (let x = -lines; x <= lines; x += 1) {
    for (let y = -lines; y <= lines; y += 1) {
      line(pen, x / 2 - 0.03, y / 2, x / 2 + 0.03, y / 2);
      line(pen, x / 2, y / 2 - 0.03, x / 2, y / 2 + 0.03);
    }
  }
  pen.strokeStyle = theme.place;
  box(pen, -1, -1, 2, 2, 0.06);
  pen.stroke();
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
  if (requested) { // a mark that needs no color: in the middle, or where a robot on it leaves room
    const corners = lifted ? [0.165, 0.835] : [0.5];
    for (const a of corners) for (const b of corners) filled(pen, x + a, y + b, lifted ? 0.05 : 0.12, theme.request_mark);
  } else {
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
