// Draws one moment of a world of particles: agents that are to stand on landmarks. Data: see lockstep/runs/live/film.py.

const ROBOT_COLORS = 6;
const [AGENT, LANDMARK] = [0.15, 0.05]; // radii in the world's own unit
const MARGIN = 0.2;

export class Plane {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  /** Make room for a film, as large as fits into `width` x `height` CSS pixels. */
  fit(film, width, height) {
    this.film = film;
    const places = [...film.landmarks, ...film.frames.flatMap((frame) => frame.agents)].flat();
    this.far = Math.max(1, ...places.map(Math.abs)) + MARGIN;
    const size = Math.floor(Math.min(width, height));
    this.scale = Math.min(window.devicePixelRatio || 1, 2);
    this.canvas.width = this.canvas.height = size * this.scale;
    this.canvas.style.width = this.canvas.style.height = `${size}px`;
    const style = getComputedStyle(document.documentElement);
    this.color = (name) => style.getPropertyValue(`--${name}`).trim();
    this.unit = (size * this.scale) / (2 * this.far);
  }

  /** The moment `part` (0 to 1) of the way from frame `now` to frame `next`. */
  draw(now, next, part) {
    const { context, unit, far } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = this.color("floor");
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(unit, 0, 0, -unit, far * unit, far * unit);
    context.strokeStyle = this.color("grid");
    context.lineWidth = 1 / unit;
    context.beginPath();
    for (const line of [-1, 0, 1]) {
      context.moveTo(line, -far), context.lineTo(line, far);
      context.moveTo(-far, line), context.lineTo(far, line);
    }
    context.stroke();
    for (const place of this.film.landmarks) {
      context.strokeStyle = this.color("wanted");
      context.lineWidth = 0.025;
      this.#circle(place, AGENT);
      context.stroke();
      context.fillStyle = this.color("wanted");
      this.#circle(place, LANDMARK);
      context.fill();
    }
    context.strokeStyle = this.color("outline");
    now.agents.forEach(([x, y], index) => {
      const [toX, toY] = next.agents[index];
      context.fillStyle = this.color(`robot-${index % ROBOT_COLORS}`);
      context.globalAlpha = 0.9;
      this.#circle([x + (toX - x) * part, y + (toY - y) * part], AGENT);
      context.fill();
      context.stroke();
      context.globalAlpha = 1;
    });
  }

  #circle([x, y], radius) {
    this.context.beginPath();
    this.context.arc(x, y, radius, 0, 2 * Math.PI);
  }
}
