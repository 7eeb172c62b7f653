// The panel about one robot: what it does, sees, expects, and how much it counts.
"use strict";

const HEADINGS = ["up", "down", "left", "right"];

function drawMind(player, frame) {
  const { recording, selected, find, theme, scene, position } = player;
  const step = recording.steps[Math.min(frame, recording.steps.length - 1)];
  const next = frame < recording.steps.length ? `, next: ${actionName(recording, step.actions[selected])}` : "";
  find(".doing").textContent = `${describe(recording, frame, selected)}${next}`;
  find(".sees").hidden = !recording.floor;
  if (recording.floor) {
    const reach = 2 * recording.sensorRange + 1;
    find(".sight-text").textContent = `It sees ${reach} × ${reach} cells: shelves, requests, robots and where they head. It `
      + "knows its own place. Where walls and goals are, it has to learn.";
    drawSight(find(".sight"), scene, frame, selected, 132);
  }
  const width = Math.max(120, find(".mind").clientWidth);
  const hasValues = Boolean(step.values);
  const kind = recording.floor ? "Robot" : "Agent";
  find(".weights h2").textContent = `How the team weighs its ${kind.toLowerCase()}s`;
  find(".values").hidden = !hasValues;
  find(".weights").hidden = !step.weights;
  find(".none").textContent = hasValues ? (step.weights ? "" : "No mixer is known for this team.")
    : "This policy expects nothing: it has no values to show.";
  if (hasValues) {
    const values = step.values[selected];
    const colors = values.map((_, action) => actionColor(theme, action));
    const chosen = step.actions[selected];
    const rows = values.map((value, action) => ({
      name: actionName(recording, action), value, color: colors[action], chosen: action === chosen,
    }));
    fillBars(find(".q"), rows, { fromZero: false });
    const series = values.map((_, action) => recording.steps.map((one) => one.values && one.values[selected][action]));
    drawLines(find(".q-lines"), { series, colors, bold: chosen, position, width, height: 74, theme });
  }
  if (step.weights) {
    const colors = step.weights.map((_, number) => robotColor(theme, number));
    const rows = step.weights.map((value, number) => ({
      name: `${kind.toLowerCase()} ${number + 1}`, value, color: colors[number], chosen: number === selected,
    }));
    fillBars(find(".w"), rows, { fromZero: true });
    const series = step.weights.map((_, number) => recording.steps.map((one) => one.weights && one.weights[number]));
    drawLines(find(".w-lines"), { series, colors, bold: selected, position, width, height: 54, theme });
    find(".meaning").textContent = `Were this ${kind.toLowerCase()}'s value 1 higher, the team's (${step.teamValue.toFixed(2)}) would be `
      + `about ${step.weights[selected].toFixed(2)} higher.`;
  }
}

/** Who it is and, in a warehouse, what it is doing. */
function describe(recording, frame, selected) {
  if (!recording.floor) return `Agent ${selected + 1}`;
  const [, , direction, carried] = recording.frames[frame].robots[selected];
  const load = !carried ? "empty" : recording.frames[frame].requested.includes(carried) ? "with a requested shelf"
    : "with a shelf that nobody wants";
  return `Robot ${selected + 1}, heading ${HEADINGS[direction]}, ${load}`;
}

const actionName = (recording, action) => recording.actionNames[action] || `action ${action}`;

/** One color for each action, as far as colors go; neighbors are told apart. */
function actionColor(theme, action) {
  const [first, second, third, fourth, ...others] = theme.robots;
  const colors = [theme.quiet_text, first, third, fourth, second, ...others];
  return colors[action % colors.length];
}
