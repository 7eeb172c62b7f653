"""A learner as a picture: agents at the left, the team at the right. Plain SVG, with the sizes that are trained.

The agents are drawn here, alike for all algorithms; an algorithm draws its team, from the pieces at the end.
"""

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

from lockstep.algorithms.architecture import Architecture, Layer
from lockstep.formats import counted

WIDTH, ROW, TOP = 1000, 118, 34
BLUE, ORANGE, GREEN, INK, GREY = "#0072b2", "#c4560a", "#00805e", "#1a1a1a", "#5f6368"
TINTS = {BLUE: "#eaf3fa", ORANGE: "#fdf1e7", GREEN: "#e8f5f0", GREY: "#f6f7f8"}
X_INPUT, X_ENCODE, X_MIDDLE, X_VALUES, X_CHOICE, X_TEAM = 4, 166, 296, 426, 556, 716
BOX = 104


class TeamDrawing(NamedTuple):
    """What an algorithm draws to the right of the agents, and below them."""

    parts: list[str]
    height: float = 44
    """Of the picture, below the last agent."""
    preference: str = "Q{}(a)"
    """What an agent's network says of an action; the braces become the agent's number."""


DrawTeam = Callable[[Architecture, Sequence[float]], TeamDrawing]
"""From the sizes and the heights of the agents' rows."""


def diagram(sizes: Architecture, draw_team: DrawTeam) -> str:
    """An SVG element that shows two of the agents and what becomes of their values."""
    agents = sizes.spec.num_agents
    shown = sorted({1, agents})
    centers = [TOP + ROW * index + 46 for index in range(len(shown))]
    team = draw_team(sizes, centers)
    height = bottom(centers) + team.height
    parts = [heading(X_INPUT, "each agent, from what it alone sees", BLUE)]
    for number, y in zip(shown, centers, strict=True):
        parts += _agent(sizes, number, y, team.preference)
    if len(shown) > 1:
        between = "…" if agents > 2 else ""
        middle = (centers[0] + centers[1]) / 2 + 4
        count = len(sizes.agents)
        said = f"one network for all {agents} agents" if count == 1 else f"{count} networks for {agents} agents"
        said += f": {sizes.parameters('agent'):,} parameters"
        parts.append(text((X_ENCODE + X_VALUES + BOX) / 2, middle, said, GREY, 12))
        parts.append(text(X_INPUT + 67, middle, between, GREY, 16))
    caption = f"Diagram of {sizes.title} with {counted(agents, 'agent')}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f"aria-label=\"{escape(caption)}\" font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', "
        f'sans-serif">{_ARROW}{"".join([*parts, *team.parts])}</svg>'
    )


def draw_others(sizes: Architecture, centers: Sequence[float]) -> TeamDrawing:
    """The networks beside the agents', each as a box: for algorithms that draw nothing of their own."""
    others = sizes.beside_agent()
    if not others:
        return TeamDrawing([])
    parts, y = [heading(X_TEAM, "only while learning", ORANGE)], sum(centers) / len(centers)
    for index, name in enumerate(others):
        lines = [name, f"{sizes.parameters(name):,} parameters"]
        parts.append(box(X_TEAM, y + 60 * (index - (len(others) - 1) / 2), 170, lines, ORANGE))
    return TeamDrawing(parts, max(44.0, 30.0 * len(others)))


def bottom(centers: Sequence[float]) -> float:
    """The lower edge of the agents' rows."""
    return centers[-1] + 46


_ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    f'<path d="M0 0.8 L7 4 L0 7.2" fill="none" stroke="{GREY}" stroke-width="1.3"/></marker></defs>'
)


def _agent(sizes: Architecture, number: int, y: float, preference: str) -> list[str]:
    """One agent's row: what it sees, three layers, one value per action, the value of its choice."""
    spec, network = sizes.spec, sizes.network
    place = next(place for group, place in sizes.agents if number - 1 in group)
    extras = [f"+ who it is, 1 of {spec.num_agents}"] if network.agent_id else []
    extras += ["+ its last action"] if network.last_action else []
    hidden = "Linear, norm, ReLU" if network.layer_norm else "Linear, ReLU"
    encode = sizes.layer(hidden, f"{place}.encode")
    middle = sizes.layer("GRU", f"{place}.gru") if network.recurrent else sizes.layer(hidden, f"{place}.hidden")
    values = sizes.layer("Duel" if network.dueling else "Linear", f"{place}.values")
    parts = [
        box(X_INPUT, y, 138, [f"agent {number} sees", f"{spec.obs_dim} numbers", *extras], GREY),
        arrow(X_INPUT + 138, y, X_ENCODE, y),
        _layer(X_ENCODE, y, encode),
        arrow(X_ENCODE + BOX, y, X_MIDDLE, y),
        _layer(X_MIDDLE, y, middle),
        arrow(X_MIDDLE + BOX, y, X_VALUES, y),
        _layer(X_VALUES, y, values),
        arrow(X_VALUES + BOX, y, X_CHOICE, y),
    ]
    if network.recurrent:
        x = X_MIDDLE + BOX / 2
        parts.append(
            f'<path d="M{x + 26} {y - 27} C{x + 26} {y - 48} {x - 26} {y - 48} {x - 26} {y - 29}" fill="none" '
            f'stroke="{GREY}" stroke-width="1.3" marker-end="url(#arrow)"/>'
        )
        parts.append(text(x + 31, y - 37, "memory", GREY, 11, anchor="start"))
    step = min(13.0, 64 / spec.num_actions)
    start = y - step * spec.num_actions / 2
    for action in range(spec.num_actions):
        chosen = action == min(1, spec.num_actions - 1)
        parts.append(
            f'<rect x="{X_CHOICE + 2}" y="{start + action * step + 1:.1f}" width="26" height="{step - 2:.1f}" rx="2" '
            f'fill="{BLUE if chosen else TINTS[BLUE]}" stroke="{BLUE}" stroke-width="0.8"/>'
        )
    parts.append(text(X_CHOICE + 15, y + step * spec.num_actions / 2 + 14, f"{spec.num_actions} actions", GREY, 11))
    parts.append(
        text(X_CHOICE + 38, y + 4, preference.format(_subscript(number)), BLUE, 15, anchor="start", weight=600)
    )
    return parts


def _layer(x: float, y: float, layer: Layer) -> str:
    return box(x, y, BOX, [layer.name, layer.shape], BLUE)


def box(x: float, y: float, width: float, lines: list[str], color: str, height: float | None = None) -> str:
    """A rounded box centered at height y; its first line is set stronger."""
    tall = height or max(50.0, 18.0 * len(lines) + 14)
    parts = [
        f'<rect x="{x}" y="{y - tall / 2}" width="{width}" height="{tall}" rx="7" fill="{TINTS[color]}" '
        f'stroke="{color}" stroke-width="1.1"/>'
    ]
    first = y - 9 * (len(lines) - 1) + 4.5
    for index, line in enumerate(lines):
        strong = index == 0
        parts.append(
            text(x + width / 2, first + 18 * index, line, INK if strong else GREY, 13, weight=600 if strong else 400)
        )
    return "".join(parts)


def heading(x: float, words: str, color: str, y: float = 16) -> str:
    """A line above a part of the picture."""
    return text(x, y, words, color, 13, anchor="start", weight=600)


def text(x: float, y: float, words: str, color: str, size: int, *, anchor: str = "middle", weight: int = 400) -> str:
    """A line of text."""
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" fill="{color}">'
        f"{escape(words)}</text>"
    )


def arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    """Draw an arrow from one point to another."""
    return (
        f'<line x1="{x1 + 4:g}" y1="{y1:g}" x2="{x2 - 4:g}" y2="{y2:g}" stroke="{GREY}" stroke-width="1.3" '
        'marker-end="url(#arrow)"/>'
    )


def _subscript(number: int) -> str:
    return "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(number))
