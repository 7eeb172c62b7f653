"""The learner as a picture: agents at the left, the mixer at the right, the state below it. Plain SVG, real sizes."""

from collections.abc import Sequence
from html import escape

from lockstep.analysis.report.architecture import Architecture, Layer

WIDTH, ROW, TOP = 1000, 118, 34
BLUE, ORANGE, GREEN, INK, GREY = "#0072b2", "#c4560a", "#00805e", "#1a1a1a", "#5f6368"
TINTS = {BLUE: "#eaf3fa", ORANGE: "#fdf1e7", GREEN: "#e8f5f0", GREY: "#f6f7f8"}
X_INPUT, X_ENCODE, X_MIDDLE, X_VALUES, X_CHOICE, X_MIXER = 4, 166, 296, 426, 556, 716
BOX = 104


def diagram(sizes: Architecture) -> str:
    """An SVG element that shows two of the agents and how their values become the team's."""
    shown = sorted({1, sizes.num_agents})
    centers = [TOP + ROW * index + 46 for index in range(len(shown))]
    bottom = centers[-1] + 46
    height = bottom + (178 if sizes.mixer else 44)
    parts = [_heading(X_INPUT, "each agent, from what it alone sees", BLUE)]
    if sizes.algorithm != "iql":
        parts.append(_heading(X_MIXER, "the team, while it learns", ORANGE))
    for number, y in zip(shown, centers, strict=True):
        parts += _agent(sizes, number, y)
    if len(shown) > 1:
        between = "…" if sizes.num_agents > 2 else ""
        parts.append(
            _text((X_ENCODE + X_VALUES + BOX) / 2, (centers[0] + centers[1]) / 2 + 4, _shared(sizes), GREY, 12)
        )
        parts.append(_text(X_INPUT + 67, (centers[0] + centers[1]) / 2 + 4, between, GREY, 16))
    parts += _team(sizes, centers, bottom)
    caption = f"Diagram of {sizes.algorithm.upper()} with {sizes.num_agents} agents"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f"aria-label=\"{escape(caption)}\" font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', "
        f'sans-serif">{_ARROW}{"".join(parts)}</svg>'
    )


_ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    f'<path d="M0 0.8 L7 4 L0 7.2" fill="none" stroke="{GREY}" stroke-width="1.3"/></marker></defs>'
)


def _agent(sizes: Architecture, number: int, y: float) -> list[str]:
    """One agent's row: what it sees, three layers, one value per action, the value of its choice."""
    extras = [f"+ who it is, 1 of {sizes.num_agents}"] if sizes.agent_id else []
    extras += ["+ its last action"] if sizes.last_action else []
    encode, middle, values = sizes.agent
    parts = [
        _box(X_INPUT, y, 138, [f"agent {number} sees", f"{sizes.obs_dim} numbers", *extras], GREY),
        _arrow(X_INPUT + 138, y, X_ENCODE, y),
        _layer(X_ENCODE, y, encode),
        _arrow(X_ENCODE + BOX, y, X_MIDDLE, y),
        _layer(X_MIDDLE, y, middle),
        _arrow(X_MIDDLE + BOX, y, X_VALUES, y),
        _layer(X_VALUES, y, values),
        _arrow(X_VALUES + BOX, y, X_CHOICE, y),
    ]
    if sizes.recurrent:
        x = X_MIDDLE + BOX / 2
        parts.append(
            f'<path d="M{x + 26} {y - 27} C{x + 26} {y - 48} {x - 26} {y - 48} {x - 26} {y - 29}" fill="none" '
            f'stroke="{GREY}" stroke-width="1.3" marker-end="url(#arrow)"/>'
        )
        parts.append(_text(x + 31, y - 37, "memory", GREY, 11, anchor="start"))
    step = min(13.0, 64 / sizes.num_actions)
    start = y - step * sizes.num_actions / 2
    for action in range(sizes.num_actions):
        chosen = action == min(1, sizes.num_actions - 1)
        parts.append(
            f'<rect x="{X_CHOICE + 2}" y="{start + action * step + 1:.1f}" width="26" height="{step - 2:.1f}" rx="2" '
            f'fill="{BLUE if chosen else TINTS[BLUE]}" stroke="{BLUE}" stroke-width="0.8"/>'
        )
    parts.append(_text(X_CHOICE + 15, y + step * sizes.num_actions / 2 + 14, f"{sizes.num_actions} actions", GREY, 11))
    parts.append(_text(X_CHOICE + 38, y + 4, f"Q{_subscript(number)}(a)", BLUE, 15, anchor="start", weight=600))
    return parts


def _team(sizes: Architecture, centers: Sequence[float], bottom: float) -> list[str]:
    """From the agents' values to the team's, as the algorithm has it."""
    y = sum(centers) / len(centers)
    if sizes.algorithm == "iql":
        return [
            _text(X_MIXER, y - 4, "No mixer: every agent learns from the", GREY, 13, anchor="start"),
            _text(X_MIXER, y + 14, "team's reward as if it were alone.", GREY, 13, anchor="start"),
        ]
    parts = [_arrow(X_CHOICE + 94, center, X_MIXER, y + (center - y) * 0.25) for center in centers]
    if sizes.algorithm == "vdn":
        parts.append(_box(X_MIXER, y, 150, ["sum of all values", "nothing to learn"], ORANGE))
    else:
        lines = ["|W₁(s)| q + b₁(s)", f"{sizes.num_agents} → {sizes.mixing_dim}, ELU", "|w₂(s)| · + V(s)"]
        parts.append(_box(X_MIXER, y, 150, [*lines, f"{sizes.mixing_dim} → 1"], ORANGE, height=96))
    parts.append(_arrow(X_MIXER + 150, y, X_MIXER + 196, y))
    parts.append(_text(X_MIXER + 204, y + 6, "Q", ORANGE, 21, anchor="start", weight=700))
    parts.append(_text(X_MIXER + 221, y + 11, "tot", ORANGE, 13, anchor="start", weight=600))
    return parts + (_hypernets(sizes, y, bottom) if sizes.mixer else [])


def _hypernets(sizes: Architecture, mixer_y: float, bottom: float) -> list[str]:
    """The state and the four networks that make the mixer's weights from it."""
    top = bottom + 26
    parts = [
        _heading(X_MIDDLE - 130, "the state, seen only while learning", GREEN, top + 2),
        _box(X_MIDDLE - 130, top + 66, 150, ["state s", f"{sizes.state_dim} numbers"], GREY),
        _arrow(X_MIDDLE + 20, top + 66, X_VALUES - 44, top + 66),
    ]
    left, width = X_VALUES - 44, 124
    for index, layer in enumerate(sizes.mixer):
        x, y = left + (index % 2) * (width + 10), top + 40 + (index // 2) * 54
        parts.append(_box(x, y, width, [f"{layer.name}(s)", layer.shape], GREEN, height=46))
    right = left + 2 * width + 10
    x = X_MIXER + 75
    parts.append(
        f'<path d="M{right + 6} {top + 66} H{x} V{mixer_y + 52}" fill="none" stroke="{GREY}" stroke-width="1.3" '
        'marker-end="url(#arrow)"/>'
    )
    parts.append(_text(x + 8, top + 42, "weights, kept ≥ 0 by | |:", GREEN, 12, anchor="start"))
    parts.append(_text(x + 8, top + 59, "a better choice of one agent", GREEN, 12, anchor="start"))
    parts.append(_text(x + 8, top + 76, "never lowers the team's value", GREEN, 12, anchor="start"))
    parts.append(_text(X_MIDDLE - 55, top + 112, _state_source(sizes), GREY, 11))
    parts.append(_text(x + 8, top + 96, f"{sizes.mixer_parameters:,} parameters", GREY, 12, anchor="start"))
    return parts


def _state_source(sizes: Architecture) -> str:
    return "what all agents see, joined" if sizes.state_dim == sizes.num_agents * sizes.obs_dim else "the whole world"


def _shared(sizes: Architecture) -> str:
    return f"one network for all {sizes.num_agents} agents: {sizes.agent_parameters:,} parameters"


def _layer(x: float, y: float, layer: Layer) -> str:
    return _box(x, y, BOX, [layer.name, layer.shape], BLUE)


def _box(x: float, y: float, width: float, lines: list[str], color: str, height: float | None = None) -> str:
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
            _text(x + width / 2, first + 18 * index, line, INK if strong else GREY, 13, weight=600 if strong else 400)
        )
    return "".join(parts)


def _heading(x: float, text: str, color: str, y: float = 16) -> str:
    return _text(x, y, text, color, 13, anchor="start", weight=600)


def _text(x: float, y: float, text: str, color: str, size: int, *, anchor: str = "middle", weight: int = 400) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" fill="{color}">'
        f"{escape(text)}</text>"
    )


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f'<line x1="{x1 + 4:g}" y1="{y1:g}" x2="{x2 - 4:g}" y2="{y2:g}" stroke="{GREY}" stroke-width="1.3" '
        'marker-end="url(#arrow)"/>'
    )


def _subscript(number: int) -> str:
    return "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(number))
