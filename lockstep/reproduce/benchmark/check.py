"""The best team of every row and column, small enough to be committed, and judged again by whoever doubts it."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass
from rich.console import Console
from rich.table import Table

from lockstep.config.schema import EnvConfig
from lockstep.errors import UserError
from lockstep.files import open_regular, read_regular
from lockstep.formats import decimal, plus_minus
from lockstep.reproduce.benchmark.recipes import EPISODES
from lockstep.reproduce.benchmark.scores import CellScore, Finished
from lockstep.reproduce.benchmark.tasks import TASKS
from lockstep.runs.directory import write_atomically
from lockstep.sweeps.folder import SweepFolder
from lockstep.teams.judge import evaluate_team
from lockstep.teams.kept import KeptTeam

FOLDER, INDEX = "teams", "teams.json"
MOST_BYTES = 2**20
"""Of a team's file: a larger one is none of ours."""
SAMPLE = 8
FARTHEST = 4.0
"""Standard errors between two means of one team: farther apart they are not of one team."""


@dataclass(frozen=True)
class Committed:
    """A team's file, and what it earned when it was written."""

    task: str
    algorithm: str
    seed: int
    file: str
    mean: float
    std: float
    """Over episodes."""
    episodes: int


_INDEX = TypeAdapter(list[Committed])


def write_teams(finished: Finished, sweep: SweepFolder, out: Path) -> list[Path]:
    """Write the best seed's team of every row and column into OUT/teams, each judged as it is written.

    Those that lie there already, of the same training, are left as they are. Returns what there is.
    """
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    before = (
        {(team.task, team.algorithm, team.seed): team for team in _index(folder)} if (folder / INDEX).is_file() else {}
    )
    teams = []
    for place, seeds in finished.scores.items():
        if place.reading == "literal":
            continue
        best = max(seeds, key=_greedy)
        team = before.get((place.task, place.algorithm, best.seed))
        if team is None or not (folder / team.file).is_file():
            path = folder / f"{place.task}-{place.algorithm}.npz"
            KeptTeam.of(sweep.cell(best.cell).run).rounded().write(path)
            team = _judged(place.task, place.algorithm, best.seed, path)
        teams.append(team)
    write_atomically(folder / INDEX, json.dumps(_INDEX.dump_python(teams, mode="json"), indent=1) + "\n")
    return [folder]


def check_teams(out: Path, console: Console, asked: Mapping[str, Any]) -> bool:
    """Judge committed teams again, on the official package: a sample, or all of named tasks and algorithms.

    Returns whether each earns what is said of it, within what chance allows. Raises UserError where there are none, or
    where a file is not what it should be.
    """
    folder = out / FOLDER
    teams = [
        team
        for team in _index(folder)
        if team.task in asked.get("tasks", TASKS) and team.algorithm in asked.get("algorithms", (team.algorithm,))
    ]
    if not teams:
        raise UserError(f"{folder / INDEX} has no such team. Leave --tasks and --algorithms out for a sample of all.")
    if not {"tasks", "algorithms"} & asked.keys():
        teams = teams[:: math.ceil(len(teams) / SAMPLE)]
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("task", "algorithm", "said", "judged again", ""):
        table.add_column(name, justify="left" if name in ("task", "algorithm", "") else "right")
    all_agree = True
    for team in teams:
        with console.status(f"{team.task}, {team.algorithm}"):
            again = _judged(team.task, team.algorithm, team.seed, folder / team.file)
        apart = abs(again.mean - team.mean) / max(math.sqrt(2 / team.episodes) * max(team.std, again.std), 1e-9)
        agrees = again.mean == team.mean or apart <= FARTHEST
        all_agree = all_agree and agrees
        said = "equal" if again.mean == team.mean else f"{decimal(apart, 1)} standard errors apart"
        table.add_row(
            team.task,
            team.algorithm,
            plus_minus(team.mean, team.std),
            plus_minus(again.mean, again.std),
            said if agrees else f"[red]{said}[/red]",
        )
    console.print(table)
    return all_agree


def _judged(task: str, algorithm: str, seed: int, path: Path) -> Committed:
    """What the team in a file earns on the official package, on the seeds on which its training was judged.

    Raises UserError where the file holds no team of that task.
    """
    try:
        with open_regular(path, MOST_BYTES) as file:
            team = KeptTeam.read(file)
        world = EnvConfig(**{**team.about["env"], "key": TASKS[task].key})  # never a world that a file names
        config = team.config.model_copy(update={"env": world, "seed": seed})
        returns = evaluate_team(config, lambda env, _: team.policy(env.spec), EPISODES, "official").returns
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, BadZipFile) as error:
        raise UserError(f"{path} holds no team of {task} ({type(error).__name__}). Write it again.") from error
    return Committed(task, algorithm, seed, path.name, float(np.mean(returns)), float(np.std(returns)), EPISODES)


def _greedy(score: CellScore) -> float:
    assert score.greedy is not None, "finished"
    return score.greedy


def _index(folder: Path) -> list[Committed]:
    """What is said of the teams in a folder. Raises UserError where that cannot be read."""
    try:
        teams = _INDEX.validate_json(read_regular(folder / INDEX))
    except FileNotFoundError:
        raise UserError(f"{folder.parent} has no {FOLDER}/{INDEX}. Give the folder of a benchmark's report.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{folder / INDEX} cannot be read ({type(error).__name__}).") from error
    for team in teams:
        if team.task not in TASKS or Path(team.file).name != team.file:
            raise UserError(f"{folder / INDEX} names {team.task}, {team.file}, which is no task and file of the table.")
    return teams
