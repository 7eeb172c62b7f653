// Recorded episodes to watch and to question. `new LockstepPlayer(element, recordings, themes, playing)` fills the element.
"use strict";

const SPEEDS = [2, 4, 8, 16, 32];
const PLAYER_MARKUP = `
  <header><h1></h1><p class="who"></p><select class="episode" aria-label="Episode"></select><button class="theme" title="Light or dark (L)">◐</button></header>
  <section class="stage"><canvas class="floor" role="img"></canvas></section>
  <aside aria-live="off">
    <nav class="robots" aria-label="Robots"></nav>
    <p class="hint">Click a robot, or press its number, to see what it sees and what it expects.</p>
    <div class="mind" hidden>
      <p class="doing"></p>
      <div class="sees"><canvas class="sight"></canvas><p class="sight-text"></p></div>
      <div class="values"><h2>What it expects of each action</h2><ul class="bars q"></ul><canvas class="q-lines"></canvas></div>
      <div class="weights"><h2>How the team weighs its robots</h2><ul class="bars w"></ul><canvas class="w-lines"></canvas>
        <p class="meaning"></p></div>
      <div class="critic"><h2>What the critic expects of the team</h2><canvas class="v-lines"></canvas>
        <p class="keys"><span class="value-key"></span> <span class="advantage-key"></span></p><p class="verdict"></p></div>
      <p class="none"></p>
    </div>
  </aside>
  <footer>
    <div class="strip"><canvas class="timeline" role="slider" tabindex="0" aria-label="Step"></canvas></div>
    <div class="buttons">
      <button class="back" title="One step back (←)" aria-label="One step back">‹</button>
      <button class="play" title="Play or pause (space)" aria-label="Play or pause">▶</button>
      <button class="on" title="One step on (→)" aria-label="One step on">›</button>
      <label>speed <select class="speed" title="Steps a second (− and +)"></select></label>
      <label><input type="checkbox" class="trails" checked> trails</label>
      <output></output>
      <span class="legend"></span>
    </div>
  </footer>`;

class LockstepPlayer {
  /** recordings: one or more episodes, as lockstep.show.recording writes them. themes: { light, dark }. playing: at once. */
  constructor(element, recordings, themes, playing = false) {
    Object.assign(this, { element, recordings, themes, speed: 8, selected: -1 });
    element.classList.add("lockstep-player");
    element.innerHTML = PLAYER_MARKUP;
    this.find = (selector) => element.querySelector(selector);
    this.dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
    this.timeline = new Timeline(this.find(".timeline"), (position) => this.seek(position));
    this.fillControls();
    this.load(recordings[0]);
    const observer = new ResizeObserver(() => this.layout());
    for (const one of [element, this.find(".stage")]) observer.observe(one); // the legend's line may wrap
    if (playing && !window.matchMedia("(prefers-reduced-motion: reduce)").matches) this.toggle();
  }

  /** Show another episode from its beginning. */
  load(recording) {
    const { find } = this;
    Object.assign(this, { recording, position: 0, playing: false });
    find("h1").textContent = recording.env;
    find(".who").textContent = `${recording.policy} · seed ${recording.seed} · ${recording.engine} engine`;
    this.scene = sceneOf(find(".floor"), recording);
    this.timeline.load(recording, this.scene);
    const told = this.scene.answers || recording.steps.some((step) => step.values); // is there anything to ask about?
    const robots = told && recording.steps.length ? recording.steps[0].actions : [];
    find(".robots").replaceChildren(...robots.map((_, number) => this.robotButton(number)));
    find("aside").hidden = !robots.length;
    find(".legend").innerHTML = this.scene.legend;
    find(".legend").hidden = !this.scene.legend;
    if (this.selected >= robots.length) this.selected = -1;
    this.scene.pictures.forEach((picture) => picture.addEventListener("load", () => this.layout()));
    this.setTheme(this.dark);
    this.layout();
  }

  get numFrames() { return this.recording.steps.length + 1; }

  robotButton(number) {
    const button = document.createElement("button");
    button.textContent = number + 1;
    button.title = agentName(this.scene, number);
    button.addEventListener("click", () => this.select(this.selected === number ? -1 : number));
    return button;
  }

  fillControls() {
    const { find, recordings } = this;
    SPEEDS.forEach((speed) => find(".speed").add(new Option(`${speed}/s`, speed, false, speed === this.speed)));
    recordings.forEach((one, number) => {
      const name = `episode ${number + 1}: return ${one.returns[one.returns.length - 1]}`;
      find(".episode").add(new Option(name, number));
    });
    find(".episode").hidden = recordings.length < 2;
    find(".episode").addEventListener("change", (event) => this.load(recordings[event.target.value]));
    find(".play").addEventListener("click", () => this.toggle());
    find(".back").addEventListener("click", () => this.step(-1));
    find(".on").addEventListener("click", () => this.step(1));
    find(".theme").addEventListener("click", () => this.setTheme(!this.dark));
    find(".speed").addEventListener("change", (event) => { this.speed = Number(event.target.value); });
    find(".trails").addEventListener("change", () => this.draw());
    find(".floor").addEventListener("click", (event) => {
      const bounds = event.target.getBoundingClientRect();
      this.select(this.scene.agentAtPoint(event.clientX - bounds.left, event.clientY - bounds.top, this.position));
    });
    document.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input[type=text], textarea")) return;
    const number = Number(event.key);
    const actions = {
      " ": () => this.toggle(), ArrowRight: () => this.step(1), ArrowLeft: () => this.step(-1),
      PageDown: () => this.step(10), PageUp: () => this.step(-10), Home: () => this.seek(0),
      End: () => this.seek(this.numFrames - 1), "+": () => this.faster(1), "-": () => this.faster(-1),
      t: () => this.find(".trails").click(), l: () => this.setTheme(!this.dark), Escape: () => this.select(-1),
    };
    if (event.key === " " && event.target.matches("button, input")) return; // the browser presses it
    if (event.key in actions) actions[event.key]();
    else if (number >= 1 && number <= this.find(".robots").children.length) this.select(number - 1);
    else return;
    event.preventDefault();
  }

  setTheme(dark) {
    this.dark = dark;
    const theme = this.themes[dark ? "dark" : "light"];
    this.element.dataset.theme = dark ? "dark" : "light";
    for (const [name, color] of Object.entries(theme)) {
      if (typeof color === "string") this.element.style.setProperty(`--${name.replaceAll("_", "-")}`, color);
    }
    this.scene.theme = this.timeline.theme = this.theme = theme;
    [...this.find(".robots").children].forEach((button, n) => button.style.setProperty("--robot", robotColor(theme, n)));
    this.draw();
  }

  faster(steps) {
    const index = Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(this.speed) + steps));
    this.speed = SPEEDS[index];
    this.find(".speed").value = this.speed;
  }

  toggle() {
    if (this.position >= this.numFrames - 1) this.position = 0;
    this.playing = !this.playing;
    this.before = null;
    if (this.playing) requestAnimationFrame((now) => this.tick(now));
    this.draw();
  }

  tick(now) {
    if (!this.playing) return;
    if (this.before !== null) this.position += ((now - this.before) / 1000) * this.speed;
    this.before = now;
    if (this.position >= this.numFrames - 1) {
      this.position = this.numFrames - 1;
      this.playing = false;
    }
    this.draw();
    requestAnimationFrame((later) => this.tick(later));
  }

  step(steps) {
    this.playing = false;
    this.seek(Math.floor(this.position + 1e-6) + steps);
  }

  seek(position) {
    this.position = Math.max(0, Math.min(this.numFrames - 1, position));
    this.draw();
  }

  select(number) {
    this.selected = number;
    this.layout();
  }

  layout() {
    const stage = this.find(".stage");
    const narrow = getComputedStyle(this.element).display === "block";
    this.scene.resize(stage.clientWidth, narrow ? window.innerHeight * 0.55 : stage.clientHeight);
    this.draw();
  }

  draw() {
    const { position, selected, recording, find } = this;
    const frame = Math.floor(position + 1e-6);
    const trails = find(".trails").checked;
    this.scene.draw(position, { selected, trails });
    this.timeline.draw(position);
    find(".play").textContent = this.playing ? "❚❚" : "▶";
    find("output").textContent = `step ${frame} of ${this.numFrames - 1} · return ${recording.returns[frame]}`;
    find(".floor").setAttribute("aria-label", `${recording.env}, step ${frame}, return ${recording.returns[frame]}`);
    [...find(".robots").children].forEach((button, n) => button.setAttribute("aria-pressed", n === selected));
    find(".hint").hidden = selected >= 0;
    find(".mind").hidden = selected < 0;
    if (selected >= 0) drawMind(this, frame);
  }
}
