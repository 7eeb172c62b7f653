"""What teams earn on the tasks that have learnt nothing: random, and programmed. Measured once, and kept."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from lockstep.errors import UserError
from lockstep.files import read_regular
from lockstep.reproduce.benchmark.tasks import TASKS
from lockstep.runs.directory import write_atomically
from lockstep.teams.judge import evaluate_reference
from lockstep.teams.play import world_alone

REFERENCES_FILE = "references.json"
EPISODES = 1_000


@dataclass(frozen=True)
class References:
    """Mean returns of two teams on a task: where a scale has its 0 and its 1."""

    random: float
    programmed: float
    """Of a team that is programmed, and sees the whole world."""

    def scaled(self, returns: Sequence[float]) -> NDArray[np.float64]:
        """Returns between them as shares of the way."""
        return (np.asarray(returns) - self.random) / (self.programmed - self.random)


_KEPT = TypeAdapter(dict[str, References])


def references(tasks: Sequence[str], path: Path) -> Mapping[str, References]:
    """Both teams on every task: from `path`, and measured into it where they are not there yet.

    Raises UserError where that file is none of ours.
    """
    try:
        kept = _KEPT.validate_json(read_regular(path)) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} holds no teams' returns. Remove it, and they are measured again.") from error
    missing = [name for name in tasks if name not in kept]
    if missing:
        kept |= {name: _measured(name) for name in missing}
        write_atomically(path, json.dumps(_KEPT.dump_python(kept, mode="json"), indent=1) + "\n")
    return kept


def _measured(name: str) -> References:
    task = TASKS[name]
    config = world_alone(task.key, [f"env.time_limit={task.time_limit}"])
    played = [evaluate_reference(config, policy, EPISODES).returns for policy in ("random", "heuristic")]
    random, programmed = (round(float(returns.mean()), 4) for returns in played)
    return References(random, programmed)
