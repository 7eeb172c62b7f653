// The live page: what is shown, and what the stream brings. Nothing is fetched from anywhere else.

import { Charts, Points, color, dash, isDark } from "/static/curves.js";
import { Player } from "/static/player.js";
import { STANDINGS, compact, duration, value } from "/static/words.js";

const RETRY_MS = 1500;
const at = (id) => document.getElementById(id);
const make = (tag, text = "", attributes = {}) => {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, word] of Object.entries(attributes)) element.setAttribute(name, word);
  return element;
};

const start = await (await fetch("/api/start")).json();
const asked = new URLSearchParams(location.search).getAll("run");
const page = {
  shown: asked.length ? asked.slice(0, start.most) : start.shown, // names; the first is the one in front
  colors: new Map(), // name -> its color's number, as long as it is shown
  points: new Map(),
  facts: new Map(),
  gone: new Set(),
  lost: false,
};
let stream = null;
let retry = 0;
let drawing = 0;
let list = [];

labelTheme();
const player = new Player(start.themes);
const charts = new Charts(at("curves"), start.curves);
at("folder").textContent = start.folder;
at("axis").onclick = swapAxis;
at("theme").onclick = swapTheme;
addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => (document.hidden ? hangUp() : connect()));
connect();

/** Ask for everything anew, then hear what changes. Also after the server was away. */
function connect() {
  hangUp();
  page.colors = new Map(page.shown.map((name) => [name, page.colors.get(name) ?? null]));
  for (const name of page.shown) {
    if (page.colors.get(name) === null) {
      const used = new Set(page.colors.values());
      page.colors.set(name, [...Array(start.most).keys()].find((index) => !used.has(index)));
    }
  }
  if (!page.shown.length) return;
  stream = new EventSource(`/api/stream?${new URLSearchParams(page.shown.map((name) => ["run", name]))}`);
  const fresh = new Map();
  const on = (kind, act) => stream.addEventListener(kind, (event) => act(JSON.parse(event.data)));
  stream.onopen = () => {
    page.lost = false;
    page.gone.clear();
    showHeader();
  };
  stream.onerror = () => {
    page.lost = true;
    showHeader();
    hangUp();
    retry = setTimeout(connect, RETRY_MS);
  };
  on("curves", ({ run, curves }) => {
    if (!fresh.has(run)) page.points.set(run, fresh.set(run, new Points()).get(run));
    page.points.get(run).update(curves);
    drawSoon();
  });
  on("facts", (facts) => {
    page.facts.set(facts.run, facts);
    page.gone.delete(facts.run);
    if (facts.run === page.shown[0]) {
      showHeader();
      player.follow(facts.run, facts.recorded);
    }
    drawSoon();
  });
  on("findings", ({ run, findings }) => run === page.shown[0] && showFindings(findings));
  on("gone", ({ run }) => {
    page.gone.add(run);
    showHeader();
  });
  on("runs", (runs) => {
    list = runs;
    showRuns();
  });
}

function hangUp() {
  clearTimeout(retry);
  stream?.close();
  stream = null;
}

function show(names) {
  page.shown = names;
  showFindings([]);
  const words = new URLSearchParams(names.map((name) => ["run", name]));
  history.replaceState(null, "", `?${words}`);
  connect();
  showRuns();
  showHeader();
  drawSoon();
}

function drawSoon() {
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    charts.show(
      page.shown
        .filter((name) => page.points.has(name))
        .map((name) => ({ points: page.points.get(name), index: page.colors.get(name), facts: page.facts.get(name) })),
    );
  });
}

function showHeader() {
  const name = page.shown[0];
  const facts = page.facts.get(name);
  const standing = page.lost ? "lost" : page.gone.has(name) ? "gone" : (facts?.standing ?? "unknown");
  at("name").textContent = name;
  document.title = facts?.test_return_mean == null ? name : `${value(facts.test_return_mean)} · ${name}`;
  const word = standing === "running" && facts.env_steps <= facts.warmup_env_steps ? "random warm-up" : STANDINGS[standing];
  if (at("standing").textContent !== word) at("standing").textContent = word;
  at("standing").dataset.standing = standing;
  if (!facts) return;
  const limit = facts.time_limit ? `${facts.time_limit} steps` : null;
  at("task").textContent = [facts.env, limit, facts.algorithm?.toUpperCase(), `seed ${facts.seed}`].filter((part) => part).join(" · ");
  showFacts(facts);
}

function showFacts(facts) {
  const running = facts.standing === "running";
  const speed = facts.env_steps_per_second;
  const left = running && speed && facts.max_env_steps ? (facts.max_env_steps - facts.env_steps) / speed : null;
  const rows = [
    ["test return", value(facts.test_return_mean), facts.test_return_std == null ? "" : `± ${value(facts.test_return_std)}`],
    ["judged return", value(facts.judged_return), facts.judged?.replace(/^[^±]*/, "") ?? "when it has ended"],
    ["selected at", facts.selected_env_steps ? compact(facts.selected_env_steps) : "–", facts.selected_env_steps ? `by ${value(facts.selected_return)}` : ""],
    ["env steps", compact(facts.env_steps), facts.max_env_steps ? `of ${compact(facts.max_env_steps)}` : "", facts.max_env_steps],
    ["updates", facts.updates == null ? "–" : compact(facts.updates), ""],
    ["speed", speed == null ? "–" : compact(speed), "steps/s"],
    ["time", duration(facts.wall_seconds), left === null ? "" : `at most ${duration(left)} left`],
  ];
  at("facts").replaceChildren(
    ...rows.map(([title, number, more, whole]) => {
      const box = make("div");
      const definition = make("dd", `${number} `);
      definition.append(make("small", more));
      box.append(make("dt", title), definition);
      if (whole) {
        box.className = "wide";
        box.append(make("progress", "", { max: whole, value: Math.min(facts.env_steps, whole), "aria-label": "env steps done" }));
      }
      return box;
    }),
  );
}

function showFindings(findings) {
  const opened = new Set([...document.querySelectorAll("#findings details[open] b")].map((title) => title.textContent));
  at("findings").hidden = findings.length === 0;
  at("findings-list").replaceChildren(
    ...findings.map((finding) => {
      const item = make("li", "", { "data-severity": finding.severity });
      const [more, title] = [make("details"), make("summary")];
      title.append(make("b", finding.title), make("span", finding.severity, { class: "severity" }));
      more.append(title, make("p", finding.evidence), make("p", finding.meaning));
      for (const { overrides, why } of finding.remedies) {
        const line = make("p");
        line.append(make("code", overrides.join(" ")), ` ${why}`);
        more.append(line);
      }
      more.open = opened.has(finding.title);
      item.append(more);
      return item;
    }),
  );
}

function showRuns() {
  at("runs-list").replaceChildren(
    ...list.map(({ run, standing, judged_return, selected_return }) => {
      const shown = page.shown.includes(run);
      const item = make("li", "", page.shown[0] === run ? { "aria-current": "true" } : {});
      const box = make("input", "", { type: "checkbox", "aria-label": `Show ${run}` });
      box.checked = shown;
      box.disabled = shown ? page.shown.length === 1 : page.shown.length >= start.most;
      box.onchange = () => show(box.checked ? [...page.shown, run] : page.shown.filter((name) => name !== run));
      const name = make("button", run, { type: "button", title: `Bring ${run} to the front` });
      name.onclick = () => show(shown ? [run, ...page.shown.filter((other) => other !== run)] : [run]);
      const word = standing === "running" ? "training" : standing;
      const best = judged_return ?? selected_return;
      item.append(box, swatch(page.colors.get(run)), name, make("span", best === null ? word : value(best), { class: "best", title: word }));
      return item;
    }),
  );
}

/** A piece of the run's line. */
function swatch(index) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("width", 26);
  picture.setAttribute("height", 8);
  if (index !== undefined) {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    for (const [name, word] of [["d", "M0 4H26"], ["stroke", color(index)], ["stroke-width", 2.5], ["stroke-dasharray", dash(index).join(" ")]]) {
      line.setAttribute(name, word);
    }
    picture.append(line);
  }
  return picture;
}

function swapAxis() {
  charts.overTime = !charts.overTime;
  at("axis").textContent = charts.overTime ? "over steps" : "over time";
  drawSoon();
}

function labelTheme() {
  at("theme").textContent = isDark() ? "light" : "dark";
}

function swapTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("lockstep-theme", theme);
  labelTheme();
  player.resize();
  showRuns();
  drawSoon();
}

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const busy = event.target.closest("button, input, summary");
  const acts = {
    " ": () => player.toggle(),
    ArrowLeft: () => player.seek(player.time - 1),
    ArrowRight: () => player.seek(Math.floor(player.time) + 1),
    ",": () => player.older(1),
    ".": () => player.older(-1),
    x: swapAxis,
    t: swapTheme,
  };
  if (!(event.key in acts) || (busy && [" ", "ArrowLeft", "ArrowRight"].includes(event.key))) return;
  event.preventDefault();
  acts[event.key]();
}
