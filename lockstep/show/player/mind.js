// The panel about one agent: what it does, sees, expects, and how much it counts.
"use strict";

function drawMind(player, frame) {
  const { recording, selected, find, theme, scene, position } = player;
  const step = recording.steps[Math.min(frame, recording.steps.length - 1)];
  const next = frame < recording.steps.length ? `, next: ${actionName(recording, step.actions[selected])}` : "";
  find(".doing").textContent = `${agentName(scene, selected)}${scene.doing(frame, selected)}${next}`;
  find(".sees").hidden = !scene.sight;
  if (scene.sight) {
    find(".sight-text").textContent = scene.sight;
    scene.drawSight(find(".sight"), frame, selected, 132);
  }
  const width = Math.max(120, find(".mind").clientWidth);
  drawCritic(player, recording.thinksIn === "chances" ? step : {}, width);
  const hasValues = Boolean(step.values), chances = recording.thinksIn === "chances";
  find(".values h2").textContent = chances ? "How likely it does each action" : "What it expects of each action";
  find(".weights h2").textContent = `How the team weighs its ${scene.agent}s`;
  find(".values").hidden = !hasValues;
  find(".weights").hidden = !step.weights;
  find(".none").textContent = hasValues ? (step.weights || step.teamValue !== null ? "" : `No ${chances ? "critic" : "mixer"} is known for this team.`)
    : "This policy expects nothing: it has no values to show.";
  if (hasValues) {
    const values = step.values[selected];
    const colors = values.map((_, action) => actionColor(theme, action));
    const chosen = step.actions[selected];
    const rows = values.map((value, action) => ({
      name: actionName(recording, action), value, color: colors[action], chosen: action === chosen,
    }));
    fillBars(find(".q"), rows, chances ? { fromZero: true, upTo: 1, shown: percent } : { fromZero: false });
    const series = values.map((_, action) => recording.steps.map((one) => one.values && one.values[selected][action]));
    drawLines(find(".q-lines"), { series, colors, bold: chosen, position, width, height: 74, theme, upTo: chances ? 1 : -Infinity });
  }
  if (step.weights) {
    const colors = step.weights.map((_, number) => robotColor(theme, number));
    const rows = step.weights.map((value, number) => ({
      name: `${scene.agent} ${number + 1}`, value, color: colors[number], chosen: number === selected,
    }));
    fillBars(find(".w"), rows, { fromZero: true });
    const series = step.weights.map((_, number) => recording.steps.map((one) => one.weights && one.weights[number]));
    drawLines(find(".w-lines"), { series, colors, bold: selected, position, width, height: 54, theme });
    find(".meaning").textContent = `Were this ${scene.agent}'s value 1 higher, the team's (${step.teamValue.toFixed(2)}) would be `
      + `about ${step.weights[selected].toFixed(2)} higher.`;
  }
}

/** What a critic said along the episode: its value of the team's future, and how much better it went. */
function drawCritic(player, { teamValue, advantage }, width) {
  const { recording, find, theme, scene, position } = player;
  const known = typeof teamValue === "number";
  find(".critic").hidden = !known;
  if (!known) return;
  const judged = typeof advantage === "number";
  const colors = [robotColor(theme, 0), robotColor(theme, 1)];
  const series = [recording.steps.map((one) => one.teamValue), ...(judged ? [recording.steps.map((one) => one.advantage)] : [])];
  drawLines(find(".v-lines"), { series, colors, bold: 0, position, width, height: 74, theme });
  find(".value-key").style.color = colors[0];
  find(".value-key").textContent = `value V ${teamValue.toFixed(2)}`;
  find(".advantage-key").style.color = colors[1];
  find(".advantage-key").textContent = judged ? `advantage A ${advantage.toFixed(2)}` : "";
  find(".verdict").textContent = `From here on the critic expects ${teamValue.toFixed(2)} of all ${scene.agent}s together`
    + (judged ? `; it went ${Math.abs(advantage).toFixed(2)} ${advantage < 0 ? "worse" : "better"} than that.` : ".");
}

const percent = (share) => `${share > 0 && share < 0.005 ? "<1" : Math.round(100 * share)} %`;

/** Robot 1, by an agent's number from 0. */
const agentName = (scene, number) => `${scene.agent[0].toUpperCase()}${scene.agent.slice(1)} ${number + 1}`;

const actionName = (recording, action) => recording.actionNames[action] || `action ${action}`;

/** One color for each action, as far as colors go; neighbors are told apart. */
function actionColor(theme, action) {
  const [first, second, third, fourth, ...others] = theme.robots;
  const colors = [theme.quiet_text, first, third, fourth, second, ...others];
  return colors[action % colors.length];
}
