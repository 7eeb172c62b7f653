"""How the cost of an env step and of an update grows with robots and floor, as JSON and as a plot.

    python benchmarks/scale.py --plot docs/media/scale.svg

The networks, pieces and lanes are those of the preset `solve`. All tasks are timed in turn, several rounds of them, and
medians are printed.
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from lockstep.algorithms.fast.shares import one_thread
from lockstep.analysis.plots import save_figure
from lockstep.bench.timing import interleaved, machine
from lockstep.config.load import load_config
from lockstep.experience.rollout import collect
from lockstep.training.session import Session

ROBOTS = (2, 4, 6, 8, 10, 12, 14, 16, 19)
SIZES = ("tiny", "small", "medium", "large")
PRESET = "solve"


def session(key: str, lanes: int) -> Session:
    """A throw-away session whose memory holds some episodes."""
    words = [f"env.key={key}", f"collection.num_envs={lanes}", "replay.rewarding_fraction=0", "warmup_env_steps=0"]
    made = Session(load_config(PRESET, words))
    made.feed.take(collect(made.env, made.policy, seed=0))
    return made


def measured(keys: dict[str, Any], lanes: int, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Rows of `keys` (key -> what to call it) with the medians of their times."""
    sessions = {key: session(key, lanes) for key in keys}
    rng = np.random.default_rng(0)
    works: dict[str, Callable[[], object]] = {}
    for key, made in sessions.items():
        works[f"{key} play"] = partial(collect, made.env, made.policy, seed=0)
        works[f"{key} update"] = partial(_update, made, rng)
    seen = interleaved(works, rounds, seconds)
    steps = lanes * next(iter(sessions.values())).spec.time_limit
    return [
        {
            "key": key,
            "is": keys[key],
            "microseconds_per_env_step": 1e6 * median(seen[f"{key} play"]) / steps,
            "milliseconds_per_update": 1e3 * median(seen[f"{key} update"]),
        }
        for key in keys
    ]


def _update(made: Session, rng: np.random.Generator) -> None:
    made.learner.update(next(made.feed.batches(rng)))


def plot(by_robots: list[dict[str, Any]], by_size: list[dict[str, Any]], out: Path) -> None:
    """Two panels: robots in the tiny warehouse, and four robots in growing warehouses."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.rcParams.update({"font.family": "DejaVu Sans", "font.size": 10, "svg.hashsalt": "lockstep"})
    figure, panels = plt.subplots(1, 2, figsize=(7.2, 3.0), layout="constrained", sharey=True)
    parts = (
        ("milliseconds_per_update", "ms per update", "#0072b2"),
        ("microseconds_per_env_step", "µs per env step", "#d55e00"),
    )
    for axes, rows, label in zip(panels, (by_robots, by_size), ("robots (tiny)", "warehouse (4 robots)"), strict=True):
        for name, text, color in parts:
            axes.plot(
                [row["is"] for row in rows], [row[name] for row in rows], "o-", color=color, lw=1.6, ms=4, label=text
            )
        axes.set(xlabel=label, ylim=(0, None), xticks=[row["is"] for row in rows])
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False, loc="upper left")
    save_figure(figure, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lanes", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.4)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    one_thread()
    settings = (arguments.lanes, arguments.rounds, arguments.seconds)
    by_robots = measured({f"rware-tiny-{count}ag-v2": count for count in ROBOTS}, *settings)
    by_size = measured({f"rware-{size}-4ag-v2": size for size in SIZES}, *settings)
    print(json.dumps({"machine": machine(), "lanes": arguments.lanes, "robots": by_robots, "sizes": by_size}, indent=1))
    if arguments.plot:
        plot(by_robots, by_size, arguments.plot)


if __name__ == "__main__":
    main()
