// The learning curves: what the stream tells of every run, and its charts. Data: see lockstep/show/live/curves.py.

import { compact, duration, value } from "/static/words.js";

const LIGHT = ["#00609c", "#c2500f", "#00795c", "#a2478a", "#7a6200", "#3d3d3d", "#1791c9", "#b0213f"];
const DARK = ["#6db8ee", "#f0905a", "#4cc3a0", "#dd8cc6", "#dcc04e", "#d5d5d5", "#9ad9f5", "#f28ca0"];
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [14, 4], [4, 2], [1, 5], [10, 2, 2, 2, 2, 2]];
const FIXED = { epsilon: [0, 1] };
const LOGARITHMIC = new Set(["env_steps_per_second"]); // a warm-up is a hundred times as fast
const FROM_ZERO = new Set(["test_return_mean", "return_mean", "loss", "updates_per_second"]);

export const isDark = () => document.documentElement.dataset.theme === "dark";
export const color = (index) => (isDark() ? DARK : LIGHT)[index];
export const dash = (index) => DASHES[index];

/** The points of one run's curves, kept up to date by what the stream sends. */
export class Points {
  constructor() {
    this.curves = {};
  }

  update(changes) {
    for (const { curve, from, ...columns } of changes) {
      const held = (this.curves[curve] ??= { x: [], seconds: [], mid: [], low: [], high: [] });
      for (const [name, values] of Object.entries(columns)) {
        held[name].length = from;
        for (const number of values) held[name].push(number);
      }
    }
  }
}

export class Charts {
  constructor(container, curves) {
    this.overTime = false;
    this.charts = curves.map((curve) => new Chart(container, curve));
  }

  /** Draw `runs`: [{points, index, facts}], the first in front. */
  show(runs) {
    const axis = this.overTime ? "seconds" : "x";
    const last = Math.max(...runs.flatMap(({ points }) => Object.values(points.curves).map((curve) => curve[axis].at(-1) ?? 0)));
    const end = last > 0 ? last : 1;
    const first = this.overTime ? 0 : firstStep(runs, end);
    for (const chart of this.charts) chart.show(runs, this.overTime, [first, end]);
  }
}

/** Where the axis of steps begins: shortly before learning does, if random play would take more than half of it. */
export function firstStep(runs, end) {
  const warmup = Math.min(...runs.map(({ facts }) => facts?.warmup_env_steps ?? 0));
  return warmup > end / 2 && end > 1.002 * warmup ? warmup - 0.06 * (end - warmup) : 0;
}

class Chart {
  constructor(container, curve) {
    this.curve = curve;
    this.box = document.createElement("section");
    this.box.className = curve.own ? "chart own" : "chart";
    this.box.innerHTML = "<h3><span></span><small></small><output></output></h3><div class='plot'></div>";
    this.box.querySelector("span").textContent = curve.title;
    this.box.querySelector("small").textContent = curve.metric === "test_return_mean" ? "mean ± standard deviation" : curve.unit;
    this.box.querySelector("h3").title = `${curve.formula}\nhealthy: ${curve.healthy}`;
    this.readout = this.box.querySelector("output");
    this.plotBox = this.box.querySelector(".plot");
    container.append(this.box);
    new ResizeObserver(() => this.#resize()).observe(this.plotBox);
  }

  show(runs, overTime, span) {
    const look = JSON.stringify([runs.map(({ index }) => index), overTime, isDark()]);
    [this.runs, this.overTime, this.span] = [runs, overTime, span];
    const data = this.#joined();
    this.box.classList.toggle("empty", data.slice(1).every((column) => column.every((y) => y === null)));
    if (look !== this.look) {
      this.plot?.destroy();
      this.plot = new uPlot(this.#options(), data, this.plotBox);
      this.look = look;
    } else {
      this.plot.setData(data);
    }
    this.#read();
  }

  /** One x for all runs, as uPlot wants it; where a run has two values at one x, the later counts. */
  #joined() {
    const axis = this.overTime ? "seconds" : "x";
    const held = this.runs.map(({ points }) => points.curves[this.curve.metric] ?? { x: [], seconds: [], mid: [], low: [], high: [] });
    const all = [...new Set(held.flatMap((curve) => curve[axis]))].filter((x) => x !== null).sort((a, b) => a - b);
    const place = new Map(all.map((x, index) => [x, index]));
    const columns = held.flatMap((curve) =>
      ["low", "high", "mid"].map((name) => {
        const column = new Array(all.length).fill(null);
        curve[axis].forEach((x, index) => {
          if (x !== null) column[place.get(x)] = curve[name][index];
        });
        return column;
      }),
    );
    return [all, ...columns];
  }

  #options() {
    const style = getComputedStyle(document.documentElement);
    const get = (name) => style.getPropertyValue(`--${name}`).trim();
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const bound = (soft) => ({ pad: 0.08, soft, mode: soft === null ? 0 : 1 });
    const range = FIXED[this.curve.metric] ?? {
      min: bound(FROM_ZERO.has(this.curve.metric) ? 0 : null),
      max: bound(null),
    };
    const axis = {
      font, stroke: get("quiet"), grid: { stroke: get("line"), width: 1, filter: (plot, marks) => marks.map((mark) => (this.#isMarked(plot, mark) ? mark : null)) }, ticks: { show: false },
    };
    return {
      width: this.plotBox.clientWidth,
      height: this.plotBox.clientHeight,
      padding: [8, 18, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 6 }, sync: { key: "lockstep", scales: ["x", null], setSeries: false } },
      scales: { x: { time: false, range: () => this.span }, y: LOGARITHMIC.has(this.curve.metric) ? { distr: 3 } : { range } },
      axes: [
        { ...axis, size: 24, space: 70, grid: { show: false }, values: (_, ticks) => ticks.map((x) => (this.overTime ? duration(x).replace(" 00 s", "") : compact(x))) },
        { ...axis, size: 44, space: 34, values: (_, ticks) => ticks.map((y) => (y === null ? "" : Math.abs(y) >= 1000 ? compact(y) : String(Number(y.toPrecision(6))))) },
      ],
      series: [{}, ...this.runs.flatMap(({ index }) => this.#series(index))],
      bands: this.runs.map(({ index }, number) => ({ series: [3 * number + 2, 3 * number + 1], fill: `${color(index)}${this.runs.length > 2 ? "16" : "26"}` })),
      hooks: { setCursor: [() => this.#read()], drawClear: [(plot) => this.#drawBehind(plot, get, font)] },
    };
  }

  /** On a logarithmic axis only the powers of ten have a line. */
  #isMarked(plot, mark) {
    return plot.scales.y.distr !== 3 || Number.isInteger(Math.log10(mark));
  }

  #series(index) {
    const edge = { stroke: "transparent", width: 0, points: { show: false }, spanGaps: true };
    const only = (plot, number) => plot.data[number].filter((y) => y !== null).length === 1;
    return [edge, edge, { stroke: color(index), width: 1.75, dash: dash(index), spanGaps: true, points: { show: only, size: 5, fill: color(index) } }];
  }

  /** Random warm-up in the background, and the return at which the run counts as solved. */
  #drawBehind(plot, get, font) {
    const { ctx: context, bbox: box } = plot;
    const facts = this.runs[0]?.facts;
    if (!facts) return;
    context.save();
    context.font = font.replace("11px", `${11 * devicePixelRatio}px`);
    context.fillStyle = get("quiet");
    const warmup = facts.warmup_env_steps;
    if (warmup && !this.overTime) {
      const end = Math.min(plot.valToPos(warmup, "x", true), box.left + box.width);
      context.fillStyle = get("place");
      context.fillRect(box.left, box.top, end - box.left, box.height);
      context.fillStyle = get("quiet");
      const word = "random warm-up";
      if (this.curve.metric === "test_return_mean" && end - box.left > context.measureText(word).width + 16) {
        context.fillText(word, box.left + 8, box.top + 16 * devicePixelRatio);
      }
    }
    const goal = facts.stop_at_test_return;
    if (this.curve.metric === "test_return_mean" && goal !== null && goal !== undefined) {
      const y = Math.round(plot.valToPos(goal, "y", true)) + 0.5;
      if (y > box.top && y < box.top + box.height) {
        context.strokeStyle = get("quiet");
        context.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
        context.beginPath();
        context.moveTo(box.left, y);
        context.lineTo(box.left + box.width, y);
        context.stroke();
        context.fillText(`solved above ${goal}`, box.left + 8, y - 6 * devicePixelRatio);
      }
    }
    context.restore();
  }

  /** The value under the cursor, or the newest one. */
  #read() {
    if (!this.plot) return;
    const index = this.plot.cursor.idx;
    const hovering = index !== null && index !== undefined;
    const parts = this.runs.map((_, number) => {
      const [low, high, mid] = [1, 2, 3].map((offset) => this.plot.data[3 * number + offset]);
      let at = hovering ? index : mid.length - 1;
      while (at >= 0 && mid[at] === null) at -= 1;
      const text = document.createElement("span");
      if (this.runs.length > 1) text.style.color = color(this.runs[number].index);
      if (at < 0) return text;
      const spread = this.curve.metric === "test_return_mean" ? ` ± ${value((high[at] - low[at]) / 2)}` : "";
      text.textContent = value(mid[at]) + (this.runs.length === 1 ? spread : "");
      return text;
    });
    const x = hovering ? this.plot.data[0][index] : null;
    const where = x === null || x === undefined ? "" : `at ${this.overTime ? duration(x) : compact(x)}: `;
    this.readout.replaceChildren(where, ...parts);
  }

  #resize() {
    this.plot?.setSize({ width: this.plotBox.clientWidth, height: this.plotBox.clientHeight });
  }
}
