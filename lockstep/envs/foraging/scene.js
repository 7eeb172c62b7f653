// A field of food on a page's canvas, with the same look as draw.py gives it in films.
"use strict";

{
  const MARGIN = 0.3; // page around the field, in cells: room for rings and for who stands at the edge
  const [RADIUS, BESIDE] = [0.36, 0.22]; // of a player; between two who stand on one cell
  const STEPS = { 1: [0, -1], 2: [0, 1], 3: [-1, 0], 4: [1, 0] };
  const EVENT_ROWS = { meal: 0.28, "failed load": 0.56, conflict: 0.8 };

  SCENES.foraging = class extends Scene {
    wholePixels = true; // of the screen, for every cell

    extent() { return [this.recording.columns + 2 * MARGIN, this.recording.rows + 2 * MARGIN]; }

    bounds() { return [12, 72]; }

    get answers() { return true; }

    get agent() { return "player"; }

    doing(frame, agent) {
      const [x, y] = this.recording.frames[frame][agent];
      const food = this.foodAt(frame).find(([fx, fy]) => Math.abs(fx - x) + Math.abs(fy - y) === 1);
      return `, level ${this.recording.levels[agent]}${food ? `, beside food of level ${food[2]}` : ""}`;
    }

    get seesAll() { return this.recording.sight >= Math.max(this.recording.rows, this.recording.columns) - 1; }

    get sight() {
      const reach = 2 * this.recording.sight + 1;
      const seen = this.seesAll ? "the whole field" : `${reach} × ${reach} cells`;
      return `It sees ${seen}: where food and players are, and their levels. What others are about to do, nobody tells it.`;
    }

    get legend() {
      return '<i class="delivery"></i>meal <i class="pickup">▲</i>load in vain <i class="conflict">×</i>conflict';
    }

    agentAt(px, py, position) {
      const [x, y] = [Math.floor(px - MARGIN), Math.floor(py - MARGIN)];
      return this.recording.frames[Math.round(position)].findIndex((place) => place[0] === x && place[1] === y);
    }

    /** [x, y, level, frames] of what is not eaten yet. */
    foodAt(frame) { return this.recording.foods.filter((food) => frame < food[3]); }

    paint(position, selected, trails) {
      const { pen, theme, recording } = this;
      pen.scale(this.cell, this.cell); // from here on a cell is 1
      pen.translate(MARGIN, MARGIN);
      const frame = Math.min(Math.floor(position), recording.frames.length - 1);
      this.paintOnce(() => drawBed(pen, theme, recording.rows, recording.columns));
      const players = this.playersAt(position);
      if (selected >= 0 && !this.seesAll) this.drawView(players[selected]);
      if (trails) this.drawTrails(frame, players, selected);
      for (const [x, y, level] of this.foodAt(frame)) drawFruit(pen, theme, x, y, level);
      players.forEach(([x, y], number) => drawPlayer(pen, theme, x, y, recording.levels[number], number));
      if (selected >= 0) {
        const [x, y] = players[selected];
        pen.strokeStyle = robotColor(theme, selected);
        pen.lineWidth = 0.05;
        pen.setLineDash([0.12, 0.1]);
        stroked(pen, x + 0.5, y + 0.5, 0.56);
        pen.setLineDash([]);
      }
      this.drawRings(position);
      this.drawFailures(position, players);
    }

    /** [x, y] between two frames; two on one cell stand beside each other. */
    playersAt(position) {
      const { frames } = this.recording;
      const from = Math.min(Math.floor(position), frames.length - 1);
      const to = Math.min(from + 1, frames.length - 1);
      const part = smooth(position - from);
      const [now, next] = [apart(frames[from]), apart(frames[to])];
      return now.map(([x, y], number) => [x + (next[number][0] - x) * part, y + (next[number][1] - y) * part]);
    }

    drawTrails(frame, players, selected) {
      const { pen, theme, recording } = this;
      pen.lineWidth = 0.09;
      players.forEach(([x, y], number) => {
        pen.strokeStyle = robotColor(theme, number);
        const places = recording.frames.slice(Math.max(0, frame - TRAIL_FRAMES), frame + 1).map((places) => places[number]);
        drawTrail(pen, [...places, [x, y]].map(([a, b]) => [a + 0.5, b + 0.5]), trailAlpha(number, selected));
      });
    }

    drawView([x, y]) {
      const { pen, theme } = this;
      const { left, top, across, down } = this.view(Math.round(x), Math.round(y));
      pen.fillStyle = theme.flash;
      pen.globalAlpha = 0.12;
      box(pen, left, top, across, down, 0.3);
      pen.fill();
      pen.globalAlpha = 1;
    }

    /** The cells in sight, cut off at the field's edge. */
    view(x, y) {
      const { sight, rows, columns } = this.recording;
      const [left, top] = [Math.max(0, x - sight), Math.max(0, y - sight)];
      return { left, top, across: Math.min(columns, x + sight + 1) - left, down: Math.min(rows, y + sight + 1) - top };
    }

    /** Rings that grow where food was eaten. */
    drawRings(position) {
      const { pen, theme, recording } = this;
      for (const [x, y, , eaten] of recording.foods) {
        const part = (position - eaten) / recording.flashFrames;
        if (part < 0 || part > 1) continue;
        pen.globalAlpha = 1 - part;
        pen.strokeStyle = theme.flash;
        pen.lineWidth = 0.16 - 0.1 * part;
        stroked(pen, x + 0.5, y + 0.5, 0.5 + 0.65 * part);
      }
      pen.globalAlpha = 1;
    }

    /** A bar before a player whose way is blocked, a ring around one who loads in vain. */
    drawFailures(position, players) {
      const { pen, theme, recording } = this;
      if (position >= recording.steps.length) return;
      const step = recording.steps[Math.floor(position)];
      pen.strokeStyle = theme.conflict;
      for (const [kind, agent] of step.events) {
        const [x, y] = players[agent];
        if (kind === "conflict") {
          const [dx, dy] = STEPS[step.actions[agent]];
          const [mx, my] = [x + 0.5 + 0.5 * dx, y + 0.5 + 0.5 * dy];
          pen.lineWidth = 0.1;
          line(pen, mx - 0.26 * dy, my - 0.26 * dx, mx + 0.26 * dy, my + 0.26 * dx);
        } else if (kind === "failed load") {
          pen.lineWidth = 0.06;
          stroked(pen, x + 0.5, y + 0.5, RADIUS + 0.08);
        }
      }
    }

    /** The cells in sight with what is on them. */
    drawSight(canvas, frameNumber, selected, side) {
      const { recording, theme } = this;
      const frame = recording.frames[frameNumber];
      const { left, top, across, down } = this.view(...frame[selected]);
      const pen = freshPen(canvas, side, side);
      pen.scale(side / Math.max(across, down), side / Math.max(across, down));
      pen.translate(-left, -top);
      for (let y = top; y < top + down; y += 1) {
        for (let x = left; x < left + across; x += 1) {
          pen.fillStyle = inBed(recording, x, y) ? theme.island : theme.floor;
          box(pen, x + 0.03, y + 0.03, 0.94, 0.94, 0.1);
          pen.fill();
        }
      }
      const seen = ([x, y]) => x >= left && y >= top && x < left + across && y < top + down;
      for (const food of this.foodAt(frameNumber).filter(seen)) drawFruit(pen, theme, ...food);
      frame.forEach((place, number) => { if (seen(place)) drawPlayer(pen, theme, ...place, recording.levels[number], number); });
    }

    mark(pen, kind, agent, x, height) {
      if (!(kind in EVENT_ROWS)) return;
      const [theme, y] = [this.theme, EVENT_ROWS[kind] * height];
      if (kind === "meal") {
        pen.fillStyle = theme.request;
        pen.strokeStyle = theme.text;
        pen.lineWidth = 1;
        circle(pen, x, y, 5);
        pen.fill();
        pen.stroke();
      } else if (kind === "failed load") {
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

  const inBed = ({ rows, columns }, x, y) => x > 0 && y > 0 && x < columns - 1 && y < rows - 1;

  /** Places of which those on one cell are moved aside. */
  function apart(places) {
    const [together, drawn] = [{}, {}];
    for (const place of places) together[place] = (together[place] || 0) + 1;
    return places.map(([x, y]) => {
      const at = [x, y];
      const aside = BESIDE * ((drawn[at] || 0) - (together[at] - 1) / 2);
      drawn[at] = (drawn[at] || 0) + 1;
      return [x + aside, y + aside];
    });
  }

  function drawBed(pen, theme, rows, columns) {
    pen.fillStyle = theme.floor;
    box(pen, 0, 0, columns, rows, 0.3);
    pen.fill();
    pen.fillStyle = theme.island;
    box(pen, 1, 1, columns - 2, rows - 2, 0.3);
    pen.fill();
    pen.strokeStyle = theme.cross;
    pen.lineWidth = 0.025;
    for (let y = 1; y < rows; y += 1) {
      for (let x = 1; x < columns; x += 1) {
        line(pen, x - 0.1, y, x + 0.1, y);
        line(pen, x, y - 0.1, x, y + 0.1);
      }
    }
  }

  function drawFruit(pen, theme, x, y, level) {
    filled(pen, x + 0.5, y + 0.56, 0.34, theme.request);
    pen.strokeStyle = theme.request_mark;
    pen.lineWidth = 0.06;
    line(pen, x + 0.5, y + 0.27, x + 0.53, y + 0.12);
    pen.fillStyle = theme.robots[2];
    pen.beginPath();
    pen.moveTo(x + 0.53, y + 0.2);
    pen.quadraticCurveTo(x + 0.62, y + 0.02, x + 0.84, y + 0.08);
    pen.quadraticCurveTo(x + 0.76, y + 0.26, x + 0.53, y + 0.2);
    pen.fill();
    drawLevel(pen, theme.request_mark, x + 0.5, y + 0.575, level);
  }

  function drawPlayer(pen, theme, x, y, level, number) {
    filled(pen, x + 0.5, y + 0.5, RADIUS + 0.055, theme.outline);
    filled(pen, x + 0.5, y + 0.5, RADIUS, robotColor(theme, number));
    drawLevel(pen, theme.heading, x + 0.5, y + 0.515, level);
  }

  function drawLevel(pen, color, x, y, level) {
    const digits = String(level);
    pen.fillStyle = color;
    pen.font = `${[0.46, 0.4, 0.3, 0.24][Math.min(digits.length, 4) - 1]}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(digits, x, y);
  }

  const smooth = (part) => part * part * (3 - 2 * part);
}
