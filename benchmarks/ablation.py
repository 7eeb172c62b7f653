"""Take the recipe's ingredients away, one at a time; print JSON, and draw the curves.

    python benchmarks/ablation.py --seeds 1 2 3 --jobs 2 --out runs/ablation --plot docs/media/ablation.svg

Every training has one core and ends after 14,000 updates, so updates are what is compared, not seconds. What is
finished is not trained again, so the command can be interrupted and repeated.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from trainings import finished

from lockstep.analysis.plots import save_figure
from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.runs.directory import RunDirectory, read_rows

PRESET = "solve"
UPDATES = 14_000
ALL = "the recipe"
VARIANTS: dict[str, tuple[str, ...]] = {
    ALL: (),
    "no memory of a flag's onset": ("env.remember_onset=[]",),
    "whole episodes, 8 of 100 steps": ("segment_steps=0", "batch_size=8"),
    "one memory for all episodes": ("rewarding_fraction=0",),
    "no warm-up": ("warmup_env_steps=0",),
    "epsilon 0.1, no ladder": ("epsilon_ladder=0", "epsilon_start=0.1", "epsilon_finish=0.1"),
    "held forward moves": ("repeat_max_steps=15", "repeat_actions=[1]"),
    "one-step targets": ("td_lambda=0",),
    "newest parameters act": ("actor_tau=0",),
    "targets copied, every 200": ("target_tau=0", "target_sync_updates=200"),
    "VDN": ("name=vdn",),
    "200 env steps an update": ("updates_per_collection=32",),
}
AVERAGED = 5
"""Evaluations whose mean must pass a threshold: of many evaluations one is lucky."""


def folder(out: Path, variant: str, seed: int) -> Path:
    """Where a run is kept."""
    return out / "runs" / f"{re.sub('[^a-zA-Z0-9.]+', '-', variant)}-s{seed}"


def training(variant: str, seed: int) -> tuple[str, RunConfig]:
    """A variant with a seed, named as its folder."""
    config = load_config(PRESET, VARIANTS[variant])
    steps = config.collection.num_envs * (config.env.time_limit or 500) // config.training.updates_per_collection
    words = [
        *VARIANTS[variant],
        f"t_max={config.collection.warmup_env_steps + UPDATES * steps}",
        "training.num_threads=1",
        "learn_while_playing=false",
        "stop_at_test_return=none",
        "checkpoint.every_env_steps=1_000_000_000",
    ]
    return re.sub("[^a-zA-Z0-9.]+", "-", variant), load_config(PRESET, [*words, f"seed={seed}"])


def smoothed(run: RunDirectory) -> tuple[list[int], list[float]]:
    """Updates, and the mean of the last `AVERAGED` evaluations there."""
    rows = read_rows(run.evaluations)
    returns = [row["test_return_mean"] for row in rows]
    means = [float(np.mean(returns[max(0, index + 1 - AVERAGED) : index + 1])) for index in range(len(rows))]
    return [row["updates"] for row in rows], means


def summary(out: Path, variant: str, seeds: list[int], thresholds: list[float]) -> dict[str, Any]:
    """Of every seed: updates to the thresholds (None: not passed), and the return at the end."""
    curves = [smoothed(RunDirectory(folder(out, variant, seed))) for seed in seeds]
    return {
        "variant": variant,
        "words": VARIANTS[variant],
        "seeds": seeds,
        "at_the_end": [round(means[-1], 2) for _, means in curves],
        "updates_to": {
            str(threshold): [
                next((at for at, mean in list(zip(*curve, strict=True))[AVERAGED - 1 :] if mean > threshold), None)
                for curve in curves
            ]
            for threshold in thresholds
        },
    }


def plot(out: Path, seeds: list[int], path: Path) -> None:
    """One panel a variant, its seeds in color above those of the recipe in grey."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.rcParams.update({"font.family": "DejaVu Sans", "font.size": 9, "svg.hashsalt": "lockstep"})
    others = [variant for variant in VARIANTS if variant != ALL]
    figure, panels = plt.subplots(3, 4, figsize=(9.6, 5.8), layout="constrained", sharex=True, sharey=True)
    for axes, variant in zip(panels.flat, others, strict=False):
        for name, color, width in ((ALL, "0.72", 1.2), (variant, "#0072b2", 1.4)):
            for seed in seeds:
                updates, means = smoothed(RunDirectory(folder(out, name, seed)))
                axes.plot(np.array(updates) / 1_000, means, color=color, lw=width)
        axes.set_title(variant, fontsize=9, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlim(0, UPDATES / 1_000)
    panels.flat[0].set_ylim(bottom=0)  # all share it; set after the last curve, so that none is cut
    for axes in panels.flat[len(others) :]:
        axes.axis("off")
        axes.plot([], [], color="#0072b2", lw=1.4, label="as the title says")
        axes.plot([], [], color="0.72", lw=1.2, label=ALL)
        axes.legend(frameon=False, loc="center")
    figure.supxlabel("thousand updates", fontsize=9)
    figure.supylabel("greedy test return, mean of five evaluations", fontsize=9)
    save_figure(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once")
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--thresholds", type=float, nargs="*", default=[1.0, 2.0, 2.5])
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    trainings = [training(variant, seed) for seed in arguments.seeds for variant in VARIANTS]
    finished(trainings, arguments.out, arguments.jobs)
    rows = [summary(arguments.out, variant, arguments.seeds, arguments.thresholds) for variant in VARIANTS]
    print(json.dumps(rows, indent=1))
    if arguments.plot:
        plot(arguments.out, arguments.seeds, arguments.plot)


if __name__ == "__main__":
    main()
