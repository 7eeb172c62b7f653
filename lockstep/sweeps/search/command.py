"""What `lockstep search` does: plan a search or find the one that is there, then train its trials here or on Ray."""

from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from lockstep import trust
from lockstep.errors import UserError
from lockstep.formats import clock, counted
from lockstep.runs.cleaning import one_line
from lockstep.shell import command_line
from lockstep.sweeps.display import SweepDisplay
from lockstep.sweeps.estimate import estimates
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.local import Engine, Job, jobs_of, run_sweep
from lockstep.sweeps.search.display import TrialBody
from lockstep.sweeps.search.planner import SearchPlanner
from lockstep.sweeps.search.request import ROOT, SearchRequest
from lockstep.sweeps.search.trials import check_trials
from lockstep.training import command, trainer


def plan_search(request: SearchRequest, out: Path | None, tell: Callable[[str], None]) -> SweepFolder:
    """A folder in which nothing is chosen yet, unless the equal search lies in `out` already.

    tell: what the user should know, in sentences. Raises UserError for what cannot work, with nothing written.
    """
    request.check()
    config = command.prepare(request.example(), tell)
    if out is not None and SweepFolder.is_sweep(out):
        there = SweepFolder.open(out)
        if there.grows and SearchRequest.of(there).with_trials(request.trials) == request:
            return with_trials(there, request.trials)
    sweep = SweepFolder.create(out, request, [], ROOT)
    # What the user typed is the user's word; the processes that train only see the plan.
    for sentence in filter(None, map(trust.remember, trainer.codes_named(config))):
        tell(sentence)
    return sweep


def open_search(path: Path, trials: int | None) -> SweepFolder:
    """The search in a folder. trials: how many there shall be in all; None: as many as were asked for.

    Raises UserError where it is none, or one that this program cannot read.
    """
    sweep = SweepFolder.open(path)
    if not sweep.grows:
        raise UserError(f"{path} is a sweep and no search: `{command_line('sweep', path)}` goes on with it.")
    request = SearchRequest.of(sweep)
    request.check()
    check_trials(sweep, request.space)
    return sweep if trials is None else with_trials(sweep, trials)


def with_trials(sweep: SweepFolder, trials: int) -> SweepFolder:
    """The search with so many trials in all, from now on."""
    request = SearchRequest.of(sweep).with_trials(trials)
    if request != SearchRequest.of(sweep):
        request.check()
        sweep.ask(request.toml())
    return sweep


def search_here(sweep: SweepFolder, engine: Engine, threads: int, console: Console) -> tuple[list[Job], int | None]:
    """Train what is left of a search. Returns its cells as they stand then, and the signal that interrupted it, if one
    did. threads: of each cell, where it leaves that open. Raises UserError as `run_sweep` does.
    """
    request, jobs = SearchRequest.of(sweep), jobs_of(sweep)
    with console.status("timing a few rounds"):
        (example,) = estimates([request.example()], threads)
    for job in jobs:
        job.seconds, job.bytes = example.seconds, example.bytes
    planner = SearchPlanner(sweep, request, jobs, example.seconds)
    body = TrialBody(request, planner)
    rest = sum(job.seconds_left for job in jobs if job.is_open) + body.unplanned_seconds()
    console.print(_announced(sweep, request, planner.unplanned, rest / engine.at_once, example.seconds))
    with SweepDisplay(console, str(sweep.path), jobs, engine.at_once, body) as display:
        return jobs, run_sweep(sweep, jobs, engine, display.show, planner.steer)


def _announced(sweep: SweepFolder, request: SearchRequest, unplanned: int, seconds: float, one: float) -> Text:
    """What there is to do and how long it takes at most, before it begins."""
    chosen = ", ".join(dimension.key for dimension in request.space.dimensions)
    seeds = f" of {request.seeds} seeds" if request.seeds > 1 else ""
    return Text(
        f"{one_line(str(sweep.path))} chooses {one_line(chosen)} by {request.sampler}: "
        f"{counted(unplanned, f'trial{seeds} is', f'trials{seeds} are')} to come, a run takes "
        f"about {clock(one)}.\nAbout {clock(seconds)} in all at most; what is not worth finishing is left out.\n"
    )
