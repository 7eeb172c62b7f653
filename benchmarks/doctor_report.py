"""Judge the doctor by its calibration set: `python benchmarks/doctor_report.py --runs runs/calibration`.

Learnt means: the mean of the last three greedy evaluations exceeds random play's mean return by three standard errors.
Prints precision and recall of "will not learn", before the run and after a tenth of it, for each half; writes every run
into a table, and a plot of foreseen against found rewarding episodes.
"""

import argparse
import csv
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from calibration_set import SEEDS, configurations, tuning_half

from lockstep.analysis.plots import save_figure
from lockstep.config.schema import RunConfig
from lockstep.doctor.diagnosis import Diagnosis, diagnose
from lockstep.doctor.early import outlook
from lockstep.doctor.task import MeasuredTask, measure_task
from lockstep.runs.delivery import deliver
from lockstep.runs.reader import RunReader

EVALUATIONS = 3
NONE = 0.3
"""Where the plot's logarithmic axes show 0."""
EARLY = 0.1
LIMITS = ("rewarding_episodes_in_all", "rewards_studied", "lr_times_updates", "lr", "worth", "deliveries_in_reach")
Row = dict[str, Any]


def judged(name: str, half: str, record: RunReader, diagnosis: Diagnosis) -> Row:
    """One run: what was foreseen, what was seen early, what came of it."""
    forecast, tests = diagnosis.forecast, record.evaluations
    means, stds = tests["test_return_mean"][-EVALUATIONS:], tests["test_return_std"][-EVALUATIONS:]
    episodes = float(tests["episodes"][-EVALUATIONS:].sum())
    test_return = float(means.mean()) if record.standing == "finished" else 0.0
    error = float(np.sqrt((stds**2).mean() / episodes)) if episodes else 0.0
    problems = [finding.name for finding in diagnosis.findings if finding.severity == "problem"]
    early = outlook(record, forecast, EARLY)
    return {
        "configuration": name,
        "seed": record.config.seed,
        "half": half,
        "test_return": round(test_return, 3),
        "random_return": round(forecast.task.return_mean, 4),
        "learnt": bool(test_return > forecast.task.return_mean + 3 * error and test_return > 0),
        "before": diagnosis.verdict,
        "after_a_tenth": early.verdict,
        "problems": " ".join(problems),
        "problems_after_a_tenth": " ".join(early.problems),
        "found": int(np.nansum(record.metrics["rewarding_episodes"])),
        "lr": record.config.optimizer.lr,
        "worth": float(f"{forecast.worth_at_distance:.4g}"),
        "deliveries_in_reach": float(f"{forecast.reach / forecast.distance:.4g}"),
        **{key: float(f"{value:.4g}") for key, value in forecast.row().items()},
    }


def scores(rows: list[Row], column: str) -> Row:
    """Precision and recall of "will not learn"."""
    said = [row[column] == "will not learn" for row in rows]
    true = [not row["learnt"] for row in rows]
    hits = sum(a and b for a, b in zip(said, true, strict=True))
    return {
        "runs": len(rows),
        "not_learnt": sum(true),
        "said": sum(said),
        "precision": round(hits / max(sum(said), 1), 3),
        "recall": round(hits / max(sum(true), 1), 3),
    }


def limits(rows: list[Row]) -> Row:
    """Where learning was last seen: for every number that a verdict rests on, the geometric middle between the least
    with which something was learnt and the next below it with which nothing was, though all other numbers sufficed;
    None where there is none below it. For lr, which may be too large, its inverse is looked at.
    """
    numbers = [{name: 1 / row[name] if name == "lr" else row[name] for name in LIMITS} for row in rows]
    least = {name: min(n[name] for n, row in zip(numbers, rows, strict=True) if row["learnt"]) for name in LIMITS}
    found: Row = {}
    for name in LIMITS:
        others = [other for other in LIMITS if other != name]
        suspects = [
            n[name]
            for n, row in zip(numbers, rows, strict=True)
            if not row["learnt"] and n[name] < least[name] and all(n[other] >= least[other] for other in others)
        ]
        if not suspects:
            found[name] = None
            continue
        middle = np.sqrt(least[name] * max(suspects))
        found[name] = float(f"{1 / middle if name == 'lr' else middle:.2g}")
    return found


def plot(rows: list[Row], out: Path) -> None:
    """Foreseen against found rewarding episodes, of the runs that did not learn: there the forecast should hold."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.rcParams.update({"font.family": "DejaVu Sans", "font.size": 10, "svg.hashsalt": "lockstep"})
    figure, axes = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
    for learnt, color, label in ((False, "#0072b2", "did not learn"), (True, "#d55e00", "learnt")):
        chosen = [row for row in rows if row["learnt"] == learnt]
        x = [max(row["rewarding_episodes_in_all"], NONE) for row in chosen]
        axes.scatter(x, [max(row["found"], NONE) for row in chosen], s=14, color=color, label=label, alpha=0.8, lw=0)
    limits = (0.25, max(max(row["found"], row["rewarding_episodes_in_all"]) for row in rows) * 1.5)
    axes.plot(limits, limits, color="0.5", lw=1)
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    axes.set(xlabel="rewarding episodes foreseen, if nothing is learnt", ylabel="rewarding episodes found")
    ticks = [NONE, *10.0 ** np.arange(int(np.log10(limits[1])) + 1)]
    labels = ["none", *(f"{tick:,.0f}" for tick in ticks[1:])]
    axes.set_xticks(ticks, labels)
    axes.set_yticks(ticks, labels)
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    save_figure(figure, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/calibration"))
    parser.add_argument("--table", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--only-tuning", action="store_true", help="do not even read the other half")
    arguments = parser.parse_args()
    tuning = tuning_half()
    rows: list[Row] = []
    for name, config in configurations():
        if arguments.only_tuning and name not in tuning:
            continue
        rows += _runs_of(name, config, arguments.runs, "tuning" if name in tuning else "judging")
    print("limits by the tuning half", limits([row for row in rows if row["half"] == "tuning"]))
    for half in ("tuning",) if arguments.only_tuning else ("tuning", "judging"):
        chosen = [row for row in rows if row["half"] == half]
        for column in ("before", "after_a_tenth"):
            print(half, column, scores(chosen, column))
    if arguments.table:
        file = StringIO(newline="")
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        deliver({arguments.table: file.getvalue()})
    if arguments.plot:
        plot(rows, arguments.plot)


_tasks: dict[str, MeasuredTask] = {}
"""Measured once for all configurations with the same environment and exploration."""


def _runs_of(name: str, config: RunConfig, folder: Path, half: str) -> list[Row]:
    """The seeds that are done; the task is measured once."""
    records = [RunReader.open(path) for seed in SEEDS if (path := folder / f"{name}-s{seed}").is_dir()]
    done = [record for record in records if record.standing in ("finished", "failed")]
    if not done:
        return []
    same = config.env.model_dump_json() + config.exploration.model_dump_json()
    _tasks[same] = _tasks.get(same) or measure_task(config)
    diagnosis = diagnose(config, _tasks[same])
    return [judged(name, half, record, diagnosis) for record in done]


if __name__ == "__main__":
    main()
