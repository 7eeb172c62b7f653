// What one agent expects and how it is weighed, as small canvases.
"use strict";

const WINDOW_STEPS = 120; // more than that in one line is a thicket

/** Lines, one a series, with the present moment marked: the whole episode, or a window around the moment. series: [[value or null, ...], ...]. */
function drawLines(canvas, { series, colors, bold, position, width, height, theme, upTo = -Infinity }) {
  const pen = freshPen(canvas, width, height);
  const values = series.flat().filter((value) => value !== null);
  let [low, high] = [Math.min(...values, 0), Math.max(...values, upTo)];
  if (high - low < 1e-9) high = low + 1;
  const last = Math.max(1, series[0].length - 1);
  const shown = Math.min(last, WINDOW_STEPS);
  const first = Math.max(0, Math.min(last - shown, position - shown / 2));
  const px = (step) => 2 + ((step - first) / shown) * (width - 4);
  const py = (value) => height - 4 - ((value - low) / (high - low)) * (height - 8);
  pen.lineWidth = 1;
  pen.strokeStyle = theme.place;
  line(pen, 0, py(0), width, py(0));
  series.forEach((points, number) => {
    pen.strokeStyle = colors[number];
    pen.lineWidth = number === bold ? 2.2 : 1.3;
    pen.globalAlpha = bold === -1 || number === bold ? 1 : 0.65;
    pen.beginPath();
    for (let step = Math.floor(first); step <= Math.min(last, Math.ceil(first + shown)); step += 1) {
      if (points[step] !== null && points[step] !== undefined) pen.lineTo(px(step), py(points[step]));
    }
    pen.stroke();
  });
  pen.globalAlpha = 1;
  pen.strokeStyle = theme.text;
  pen.lineWidth = 1;
  line(pen, px(Math.min(position, last)), 0, px(Math.min(position, last)), height);
}

/** Rows of name, bar and number. rows: [{ name, value, color, chosen }], into a list element. Bars start at 0, or, to
 * tell near values apart, a little below the lowest; they end at the highest, or at `upTo`. shown: a value as text. */
function fillBars(list, rows, { fromZero, upTo = -Infinity, shown = (value) => value.toFixed(2) }) {
  const values = rows.map((row) => row.value);
  const high = Math.max(...values, upTo, fromZero ? 1e-9 : -Infinity);
  const low = fromZero ? Math.min(0, ...values) : Math.min(...values) - Math.max(1e-9, high - Math.min(...values)) / 4;
  while (list.children.length < rows.length) {
    const item = list.appendChild(document.createElement("li"));
    for (const name of ["name", "track", "number"]) {
      const part = item.appendChild(document.createElement("span"));
      part.className = name;
    }
    item.children[1].appendChild(document.createElement("i"));
  }
  while (list.children.length > rows.length) list.lastChild.remove();
  rows.forEach(({ name, value, color, chosen }, index) => {
    const item = list.children[index];
    item.classList.toggle("chosen", Boolean(chosen));
    item.children[0].textContent = name;
    item.children[2].textContent = shown(value);
    const bar = item.children[1].firstChild;
    bar.style.width = `${(100 * (value - low)) / (high - low)}%`;
    bar.style.background = color;
  });
}
