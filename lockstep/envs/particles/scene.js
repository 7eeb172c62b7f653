// Agents and landmarks in a plane on a page's canvas, with the same look as draw.py gives them in films.
"use strict";

{
  const [RING, COVERING] = [0.15, 0.1]; // in the world's unit
  const [LETTER, ABOVE] = [0.14, 0.12]; // size of a word, and how far above the agent's edge it stands
  const AWAY = 0.55; // size of an agent that is further away than the picture shows; it waits at the edge

  SCENES.particles = class extends Scene {
    extent() { return [2 * this.recording.reach, 2 * this.recording.reach]; }

    bounds() { return [10, 560 / this.extent()[0]]; }

    agentAt(px, py, position) {
      const { planes, reach, sizes, steps } = this.recording;
      const [x, y] = [px - reach, reach - py];
      const found = planes[Math.round(position)].findIndex(([ax, ay], n) => Math.hypot(ax - x, ay - y) < sizes[n] + 0.05);
      return steps.length && found >= steps[0].actions.length ? -1 : found; // of the others nothing is told
    }

    /** Crosses on the ground, rings to fill or obstacles, agents; who covers a goal shines, and prey that is caught. */
    paint(position, selected, trails) {
      const { pen, theme, recording } = this;
      const { planes, reach, sizes, adversaries, targets, obstacle, words } = recording;
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
      pen.lineWidth = 0.024;
      for (const [x, y] of recording.landmarks) {
        pen.strokeStyle = targets.some(([tx, ty]) => tx === x && ty === y) ? theme.goal : theme.place;
        if (obstacle) filled(pen, x, y, obstacle, theme.shelf);
        else stroked(pen, x, y, RING - 0.012);
      }
      const near = ([x, y], places, reaches) => places.some(([ox, oy], n) => Math.hypot(ox - x, oy - y) < reaches(n));
      const hunters = adversaries.map((number) => agents[number]);
      agents.forEach((place, number) => {
        const radius = sizes[number];
        const [x, y] = place.map((part) => Math.max(radius - reach, Math.min(reach - radius, part)));
        const size = x === place[0] && y === place[1] ? radius : AWAY * radius;
        const hunts = adversaries.includes(number);
        const shines = obstacle
          ? !hunts && near(place, hunters, (n) => radius + sizes[adversaries[n]])
          : near(place, targets, () => COVERING);
        if (shines) filled(pen, x, y, radius + 0.07, theme.flash);
        filled(pen, x, y, size + 0.02, hunts ? theme.conflict : theme.outline);
        filled(pen, x, y, size, robotColor(theme, number));
        if (number === selected) {
          pen.strokeStyle = robotColor(theme, number);
          pen.lineWidth = 0.02;
          pen.setLineDash([0.05, 0.04]);
          stroked(pen, x, y, radius + 0.1);
          pen.setLineDash([]);
        }
        if (words[from][number]) drawWord(pen, theme, words[from][number], x, y + size + ABOVE);
      });
      for (const [x, y] of targets) {
        filled(pen, x, y, 0.05, theme.goal);
        filled(pen, x, y, 0.03, theme.flash);
      }
    }
  };

  function drawWord(pen, theme, word, x, y) {
    pen.save();
    pen.translate(x, y);
    pen.scale(LETTER / 10, -LETTER / 10); // y points up in the plane, and letters of less than a pixel are not drawn
    pen.fillStyle = theme.text;
    pen.font = "10px sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(word, 0, 0);
    pen.restore();
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
}
