// Plays the recorded episodes of a run: the newest team again and again, or the one that was chosen. Draws with the replay
// player's scene.js, and the script of the world's family.

import { compact } from "/static/words.js";
import { isDark } from "/static/curves.js";

const STEPS_PER_SECOND = 6;
const PICTURE_MS = 33; // pictures closer together would only take time from the training
const REST_STEPS = 6; // at the end of an episode

const at = (id) => document.getElementById(id);

const scripts = new Map();

/** Load, once, what draws a kind of world. Resolves to whether it is there. */
async function drawable(kind) {
  if (!(kind in SCENES) && !scripts.has(kind)) {
    scripts.set(kind, new Promise((done) => {
      const script = document.createElement("script");
      Object.assign(script, { src: `/static/scene/${encodeURIComponent(kind)}.js`, onload: done, onerror: done });
      document.head.append(script);
    }));
  }
  await scripts.get(kind);
  if (!(kind in SCENES)) scripts.delete(kind); // the server was away; it is asked again
  return kind in SCENES;
}

export class Player {
  constructor(themes) {
    this.themes = themes;
    this.run = null;
    this.recorded = [];
    this.chosen = null; // number of a recorded episode; null: always the newest
    this.shown = null; // the number that is on the canvas
    this.playing = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.time = 0;
    this.drawnAt = 0;
    at("play").onclick = () => this.toggle();
    at("step").oninput = () => this.seek(Number(at("step").value));
    at("moment").oninput = () => this.choose(Number(at("moment").value));
    new ResizeObserver(() => this.resize()).observe(at("stage"));
    this.#label();
  }

  /** A run's recorded episodes, by the env steps at which they were played. */
  follow(run, recorded) {
    const another = run !== this.run;
    const newest = recorded.length - 1;
    if (this.shown > newest) this.chosen = this.shown = null; // a resumed run has forgotten some
    this.recorded = recorded;
    if (another) {
      [this.run, this.chosen, this.shown, this.film] = [run, null, null, null];
    }
    at("moment").max = Math.max(newest, 0);
    at("history").hidden = at("age").hidden = recorded.length < 2;
    if (recorded.length === 0) {
      this.#say("No episode is recorded yet. The team plays here after its first evaluation.");
    } else if (another || (this.shown === null && this.wanted !== `${run} ${newest}`)) {
      this.#load(newest);
    }
    this.#label();
  }

  choose(number) {
    this.chosen = number >= this.recorded.length - 1 ? null : number;
    this.#load(Math.max(0, Math.min(number, this.recorded.length - 1)));
  }

  /** The team of the evaluation before or after the one that is shown. */
  older(by) {
    if (this.shown !== null) this.choose(this.shown - by);
  }

  toggle() {
    this.playing = !this.playing;
    if (this.playing && this.film && this.time >= this.last) this.time = 0;
    this.#label();
    this.#wake();
  }

  seek(time) {
    if (!this.film) return;
    this.playing = false;
    this.time = Math.max(0, Math.min(Math.round(time), this.last));
    this.#label();
    this.#draw();
  }

  resize() {
    if (!this.film) return;
    const narrow = innerWidth <= 820;
    this.scene.theme = this.themes[isDark() ? "dark" : "light"];
    this.scene.resize(at("stage").clientWidth, innerHeight * (narrow ? 0.5 : 0.52));
    this.#draw();
  }

  async #load(number) {
    const [run, wanted] = [this.run, (this.wanted = `${this.run} ${number}`)];
    if (!this.film) this.#say("Playing the recorded episode once more…"); // the first one may have to wait for a compiler
    const answer = await fetch(`/api/film?${new URLSearchParams({ run, number })}`).catch(() => null);
    if (this.wanted !== wanted) return;
    if (!answer) {
      this.wanted = null; // the server is away; when it is back, it is asked again
      return;
    }
    const film = await answer.json();
    if (this.wanted !== wanted) return;
    if (!answer.ok) {
      this.#say(film.error);
      return;
    }
    const drawn = await drawable(film.kind);
    if (this.wanted !== wanted) return;
    if (!drawn) {
      this.wanted = null;
      return;
    }
    [this.film, this.shown, this.time] = [film, number, 0];
    this.scene = sceneOf(at("world"), film);
    this.scene.pictures[0]?.addEventListener("load", () => this.resize()); // only then is its size known
    this.last = film.steps.length;
    at("notice").hidden = true;
    at("controls").hidden = at("world").hidden = false;
    at("step").max = this.last;
    at("world").setAttribute(
      "aria-label",
      `The team after ${compact(film.env_steps)} steps of training earns ${film.returns.at(-1)} in ${this.last} steps`,
    );
    this.resize();
    this.#label();
    this.#wake();
  }

  #say(sentence) {
    [this.film, this.shown] = [null, null];
    at("notice").textContent = sentence;
    at("notice").hidden = false;
    at("controls").hidden = at("world").hidden = true;
    at("caption").textContent = "";
  }

  #wake() {
    if (this.playing && this.film && !this.awake) {
      this.awake = true;
      this.drawnAt = performance.now();
      requestAnimationFrame((now) => this.#tick(now));
    }
  }

  #tick(now) {
    if (!this.playing || !this.film) {
      this.awake = false;
      return;
    }
    const passed = now - this.drawnAt;
    if (passed >= PICTURE_MS) {
      this.drawnAt = now;
      this.time += (Math.min(passed, 250) / 1000) * STEPS_PER_SECOND;
      if (this.time > this.last + REST_STEPS) this.#again();
      else this.#draw();
    }
    requestAnimationFrame((later) => this.#tick(later));
  }

  /** From the beginning, with the newest team if there is a newer one. */
  #again() {
    const newest = this.recorded.length - 1;
    this.time = 0;
    if (this.chosen === null && newest > this.shown) this.#load(newest);
  }

  #draw() {
    const index = Math.min(Math.floor(this.time), this.last);
    this.scene.draw(Math.min(this.time, this.last), { trails: true });
    if (at("step").valueAsNumber !== index) at("step").value = index;
    const clock = `${index} of ${this.last}`;
    if (at("clock").textContent !== clock) at("clock").textContent = clock;
    const caption = `The team after ${compact(this.film.env_steps)} steps of training has earned ${this.film.returns[index]}`;
    if (at("caption").textContent !== caption) at("caption").textContent = caption;
  }

  #label() {
    at("play").textContent = this.playing ? "Pause" : "Play";
    if (this.shown === null) return;
    at("moment").value = this.shown;
    at("age").textContent = this.chosen === null ? "newest" : `${this.shown + 1} of ${this.recorded.length}`;
    at("moment").setAttribute("aria-valuetext", `after ${compact(this.recorded[this.shown])} steps`);
  }
}
