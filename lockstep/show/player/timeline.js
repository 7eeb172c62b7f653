// The episode as a strip: where the play is, and what happened when. Pointer and keyboard move it.
"use strict";

class Timeline {
  /** onSeek is called with a position in frames. */
  constructor(canvas, onSeek) {
    Object.assign(this, { canvas, onSeek });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.dragging = true;
      this.seek(event);
    });
    canvas.addEventListener("pointermove", (event) => this.dragging && this.seek(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, () => { this.dragging = false; });
    }
  }

  load(recording, scene) {
    Object.assign(this, { recording, scene });
    this.last = recording.steps.length;
    this.canvas.setAttribute("aria-valuemin", 0);
    this.canvas.setAttribute("aria-valuemax", this.last);
  }

  seek(event) {
    const inner = this.canvas.clientWidth - 16;
    const part = (event.clientX - this.canvas.getBoundingClientRect().left - 8) / inner;
    this.onSeek(Math.max(0, Math.min(1, part)) * this.last);
  }

  draw(position) {
    const [width, height] = [this.canvas.parentElement.clientWidth, 46];
    const pen = freshPen(this.canvas, width, height);
    const { theme, last } = this;
    const px = (frame) => 8 + (frame / Math.max(1, last)) * (width - 16);
    pen.fillStyle = theme.island;
    box(pen, 0, 0, width, height, 9);
    pen.fill();
    pen.fillStyle = theme.place;
    box(pen, 0, 0, px(position), height, 9);
    pen.globalAlpha = 0.55;
    pen.fill();
    pen.globalAlpha = 1;
    this.recording.steps.forEach((step, number) => {
      for (const [kind, agent] of step.events) this.scene.mark(pen, kind, agent, px(number + 1), height);
    });
    pen.strokeStyle = theme.text;
    pen.lineWidth = 2;
    line(pen, px(position), 3, px(position), height - 3);
    this.canvas.setAttribute("aria-valuenow", Math.floor(position));
    this.canvas.setAttribute("aria-valuetext", `step ${Math.floor(position)} of ${last}`);
  }
}
