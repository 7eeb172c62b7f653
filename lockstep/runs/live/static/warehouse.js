// Draws one moment of a warehouse on a canvas. Data: see lockstep/runs/live/film.py.

const TURNS = [0, Math.PI, -Math.PI / 2, Math.PI / 2]; // up, down, left, right
const ROBOT_COLORS = 6;

/** Every frame of a film whole: robots, shelves, requested shelves. */
export function unfold(film) {
  const shelves = film.shelves.map((place) => [...place]);
  return film.frames.map((frame) => {
    for (const [number, x, y] of frame.moved) shelves[number - 1] = [x, y];
    return {
      shelves: shelves.map((place) => [...place]),
      requested: new Set(frame.requested),
      robots: frame.robots.map(([x, y, heading, carried]) => ({ x, y, heading, carried })),
      reward: frame.reward,
    };
  });
}

export class Warehouse {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.film = null;
  }

  /** Make room for a film, as large as fits into `width` x `height` CSS pixels. */
  fit(film, width, height) {
    this.film = film;
    this.cell = Math.max(6, Math.floor(Math.min(width / film.width, height / film.height)));
    this.scale = Math.min(window.devicePixelRatio || 1, 2);
    const [across, down] = [film.width * this.cell, film.height * this.cell];
    this.canvas.width = across * this.scale;
    this.canvas.height = down * this.scale;
    this.canvas.style.width = `${across}px`;
    this.canvas.style.height = `${down}px`;
    const style = getComputedStyle(document.documentElement);
    this.color = (name) => style.getPropertyValue(`--${name}`).trim();
    this.floor = this.#drawFloor(across, down);
  }

  /** The moment `part` (0 to 1) of the way from frame `now` to frame `next`. */
  draw(now, next, part) {
    const context = this.context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.floor, 0, 0);
    context.setTransform(this.scale * this.cell, 0, 0, this.scale * this.cell, 0, 0);
    const carried = new Set(now.robots.map((robot) => robot.carried));
    now.shelves.forEach(([x, y], index) => {
      if (!carried.has(index + 1)) this.#shelf(x + 0.5, y + 0.5, now.requested.has(index + 1));
    });
    if (next.reward > 0) this.#flash(next, part);
    now.robots.forEach((robot, index) => this.#robot(robot, next.robots[index], smooth(part), now, index % ROBOT_COLORS));
  }

  #drawFloor(across, down) {
    const floor = new OffscreenCanvas(across * this.scale, down * this.scale);
    const context = floor.getContext("2d");
    context.scale(this.scale * this.cell, this.scale * this.cell);
    context.fillStyle = this.color("floor");
    context.fillRect(0, 0, this.film.width, this.film.height);
    this.film.highways.forEach((row, y) =>
      [...row].forEach((highway, x) => {
        if (highway === "1") return;
        context.fillStyle = this.color("place");
        context.fillRect(x, y, 1, 1);
      }),
    );
    context.strokeStyle = this.color("grid");
    context.lineWidth = 1 / this.cell;
    context.beginPath();
    for (let x = 1; x < this.film.width; x++) context.moveTo(x, 0), context.lineTo(x, this.film.height);
    for (let y = 1; y < this.film.height; y++) context.moveTo(0, y), context.lineTo(this.film.width, y);
    context.stroke();
    for (const [x, y] of this.film.goals) {
      context.fillStyle = this.color("goal");
      context.beginPath();
      context.roundRect(x + 0.06, y + 0.06, 0.88, 0.88, 0.12);
      context.fill();
      context.fillStyle = this.color("goal-ink");
      context.font = "600 0.42px system-ui, sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText("G", x + 0.5, y + 0.53);
    }
    return floor;
  }

  #shelf(x, y, requested, size = 0.66) {
    const context = this.context;
    context.fillStyle = this.color(requested ? "wanted" : "shelf");
    context.beginPath();
    context.roundRect(x - size / 2, y - size / 2, size, size, 0.11);
    context.fill();
    if (requested) { // a mark beside the color
      context.fillStyle = this.color("mark");
      context.beginPath();
      context.arc(x, y, 0.1, 0, 7);
      context.fill();
    }
  }

  #robot(robot, next, part, frame, color) {
    const context = this.context;
    const x = robot.x + (next.x - robot.x) * part + 0.5;
    const y = robot.y + (next.y - robot.y) * part + 0.5;
    if (robot.carried) this.#shelf(x, y, frame.requested.has(robot.carried), 0.86);
    let turn = TURNS[next.heading] - TURNS[robot.heading];
    if (turn > Math.PI) turn -= 2 * Math.PI;
    if (turn < -Math.PI) turn += 2 * Math.PI;
    context.save();
    context.translate(x, y);
    context.rotate(TURNS[robot.heading] + turn * part);
    context.fillStyle = this.color(`robot-${color}`);
    context.strokeStyle = this.color("outline");
    context.lineWidth = 0.05;
    context.beginPath();
    context.arc(0, 0, 0.3, 0, 7);
    context.fill();
    context.stroke();
    context.strokeStyle = this.color("heading");
    context.lineWidth = 0.085;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.beginPath();
    context.moveTo(-0.11, -0.05);
    context.lineTo(0, -0.16);
    context.lineTo(0.11, -0.05);
    context.stroke();
    context.restore();
  }

  #flash(frame, part) {
    const context = this.context;
    for (const [x, y] of this.film.goals) {
      if (!frame.robots.some((robot) => robot.x === x && robot.y === y)) continue;
      context.globalAlpha = 1 - part;
      context.strokeStyle = this.color("wanted");
      context.lineWidth = 0.1;
      context.beginPath();
      context.arc(x + 0.5, y + 0.5, 0.4 + 0.6 * part, 0, 7);
      context.stroke();
      context.globalAlpha = 1;
    }
  }
}

const smooth = (part) => part * part * (3 - 2 * part);
