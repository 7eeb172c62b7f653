"""From a request to a sweep's folder: every cell is looked at before anything is written."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lockstep import trust
from lockstep.config.schema import EnvConfig, RunConfig
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.request import SweepRequest
from lockstep.training import command, trainer


def plan_sweep(
    request: SweepRequest, out: Path | None, tell: Callable[[str], None], *, elsewhere: bool = False
) -> SweepFolder:
    """Look at every cell, then write the plan, unless it is the one that lies in `out` already.

    tell: what the user should know, in sentences. elsewhere: cells are trained on other machines, so nothing is asked
    of this one's GPU. Raises UserError for the first thing that cannot work, with nothing written.
    """
    configurations = _prepared(request.configurations(), tell, elsewhere=elsewhere)
    if out is not None and SweepFolder.is_sweep(out):
        there = SweepFolder.open(out)
        if [(cell.name, cell.config) for cell in there.cells] == configurations:
            return there
    sweep = SweepFolder.create(out, request, configurations)
    # What the user typed is the user's word; the processes that train only see the plan.
    codes = {repr(code.row()): code for _, config in configurations for code in trainer.codes_named(config)}
    for sentence in filter(None, map(trust.remember, codes.values())):
        tell(sentence)
    return sweep


def _prepared(
    configurations: Sequence[tuple[str, RunConfig]], tell: Callable[[str], None], *, elsewhere: bool
) -> list[tuple[str, RunConfig]]:
    """The configurations as they can be trained: every world is tried once, everything else is checked."""
    tried: dict[str, EnvConfig] = {}
    checked: set[str] = set()
    found = []
    for name, config in configurations:
        here = config
        if elsewhere:
            here = config.model_copy(update={"training": config.training.model_copy(update={"device": "cpu"})})
        world = config.env.model_dump_json()
        if world not in tried:
            tried[world] = command.prepare(here, tell, replay_must_fit=not elsewhere).env
        but_for_luck = config.model_dump_json(exclude={"seed"})
        if but_for_luck not in checked:
            command.check(here, replay_must_fit=not elsewhere)
            checked.add(but_for_luck)
        found.append((name, config.model_copy(update={"env": tried[world]})))
    return found
