// A warehouse on a page's canvas, with the same look as draw.py gives it in films.
"use strict";

{
  const ANGLES = [-Math.PI / 2, Math.PI / 2, Math.PI, 0];
  const HEADINGS = ["up", "down", "left", "right"];
  const MARGIN = 0.3; // page around the floor, in cells: room for rings and for who stands at a wall
  const EVENT_ROWS = { delivery: 0.28, "pick-up": 0.56, conflict: 0.8 };

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

  SCENES.rware = class extends Scene {
    static MARGIN = MARGIN;

    wholePixels = true; // of the screen, for every cell

    constructor(canvas, recording) {
      super(canvas, recording);
      this.floor = recording.floor;
      this.shelves = shelfPlaces(recording);
      this.placeKeys = new Set(this.floor.places.map(String));
    }

    extent() { return [this.floor.width + 2 * MARGIN, this.floor.height + 2 * MARGIN]; }

    bounds() { return [8, 56]; }

    get answers() { return true; }

    get agent() { return "robot"; }

    doing(frame, agent) {
      const { robots, requested } = this.recording.frames[frame];
      const [, , direction, carried] = robots[agent];
      const load = !carried ? "empty" : requested.includes(carried) ? "with a requested shelf" : "with a shelf that nobody wants";
      return `, heading ${HEADINGS[direction]}, ${load}`;
    }

    get sight() {
      const reach = 2 * this.recording.sensorRange + 1;
      return `It sees ${reach} × ${reach} cells: shelves, requests, robots and where they head. It `
        + "knows its own place. Where walls and goals are, it has to learn.";
    }

    get legend() {
      return '<i class="delivery"></i>delivery <i class="pickup">▲</i>pick-up <i class="conflict">×</i>conflict';
    }

    agentAt(px, py, position) {
      const { robots } = this.recording.frames[Math.round(position)];
      const [x, y] = [Math.floor(px - MARGIN), Math.floor(py - MARGIN)];
      return robots.findIndex((robot) => robot[0] === x && robot[1] === y);
    }

    paint(position, selected, trails) {
      const pen = this.pen;
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
      for (let frame = Math.max(1, Math.ceil(position - recording.flashFrames)); frame <= position; frame += 1) {
        for (const [kind, , x, y] of recording.steps[frame - 1].events) {
          if (kind !== "delivery") continue;
          const part = (position - frame) / recording.flashFrames;
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

    /** The cells around a robot as it knows them: walls, shelves, requests, robots; not goals, and nobody's load. */
    drawSight(canvas, frameNumber, selected, side) {
      const { recording, theme, floor } = this;
      const reach = recording.sensorRange;
      const cells = 2 * reach + 1;
      const pen = freshPen(canvas, side, side);
      const frame = recording.frames[frameNumber];
      const [x0, y0] = [frame.robots[selected][0] - reach, frame.robots[selected][1] - reach];
      pen.scale(side / cells, side / cells);
      for (let y = 0; y < cells; y += 1) {
        for (let x = 0; x < cells; x += 1) {
          const inside = x + x0 >= 0 && y + y0 >= 0 && x + x0 < floor.width && y + y0 < floor.height;
          pen.fillStyle = inside ? theme.floor : theme.place;
          box(pen, x + 0.03, y + 0.03, 0.94, 0.94, 0.1);
          pen.fill();
          if (!inside) drawWall(pen, theme, x, y);
        }
      }
      this.shelves[frameNumber].forEach(([x, y], index) => {
        if (x < x0 || y < y0 || x >= x0 + cells || y >= y0 + cells) return;
        drawShelf(pen, theme, x - x0, y - y0, frame.requested.includes(index + 1), false);
      });
      frame.robots.forEach(([x, y, direction, carried], number) => {
        if (x < x0 || y < y0 || x >= x0 + cells || y >= y0 + cells) return;
        const known = number === selected ? carried : 0;
        const requested = frame.requested.includes(known);
        drawRobot(pen, theme, { x: x - x0, y: y - y0, angle: ANGLES[direction], carried: known, requested }, number);
      });
    }

    mark(pen, kind, agent, x, height) {
      if (!(kind in EVENT_ROWS)) return;
      const [theme, y] = [this.theme, EVENT_ROWS[kind] * height];
      if (kind === "delivery") {
        pen.fillStyle = theme.request;
        pen.strokeStyle = theme.text;
        pen.lineWidth = 1;
        circle(pen, x, y, 5);
        pen.fill();
        pen.stroke();
      } else if (kind === "pick-up") {
        pen.fillStyle = robotColor(theme, agent);
        pen.beginPath();
        for (const [a, b] of [[0, -4], [3.6, 3], [-3.6, 3]]) pen.lineTo(x + a, y + b);
        pen.fill();
      } else {
        pen.strokeStyle = theme.conflict;
        pen.lineWidth = 1.6;
        line(pen, x - 2.4, y - 2.4, x + 2.4, y + 2.4);
        line(pen, x - 2.4, y + 2.4, x + 2.4, y - 2.4);
      }
    }
  };

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

  function drawWall(pen, theme, x, y) {
    pen.strokeStyle = theme.quiet_text;
    pen.lineWidth = 0.03;
    for (const shift of [0.2, 0.4, 0.6, 0.8]) {
      line(pen, x + 0.1, y + shift + 0.02, x + shift + 0.02, y + 0.1);
      line(pen, x + shift - 0.02, y + 0.9, x + 0.9, y + shift - 0.02);
    }
  }

  const smooth = (part) => part * part * (3 - 2 * part);
  const wrapped = (angle) => Math.atan2(Math.sin(angle), Math.cos(angle));
}
