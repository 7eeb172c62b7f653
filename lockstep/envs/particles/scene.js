// Agents and landmarks in a plane on a page's canvas, with the same look as draw.py gives them in films.
"use strict";

{
  const [AGENT_RADIUS, COVERING] = [0.15, 0.1]; // in the world's unit
  const AWAY = 0.55; // size of an agent that is further away than the picture shows; it waits at the edge

  SCENES.particles = class extends Scene {
    extent() { return [2 * this.recording.reach, 2 * this.recording.reach]; }

    bounds() { return [10, 560 / this.extent()[0]]; }

    agentAt(px, py, position) {
      const { planes, reach } = this.recording;
      const [x, y] = [px - reach, reach - py];
      return planes[Math.round(position)].findIndex(([ax, ay]) => Math.hypot(ax - x, ay - y) < AGENT_RADIUS + 0.05);
    }

    /** Crosses on the ground, rings to fill, agents; who covers a ring shines. */
    paint(position, selected, trails) {
      const { pen, theme, recording } = this;
      const { planes, reach } = recording;
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
  };

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
