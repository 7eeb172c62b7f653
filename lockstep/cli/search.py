"""The verb that looks for good settings: trials one by one, each with what came of those before."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockstep import trust as consent
from lockstep.cli.app import (
    Json,
    Quiet,
    RayAddress,
    SendBack,
    Trust,
    app,
    choices,
    complete_sources,
    complete_words,
    say,
)
from lockstep.errors import UserError
from lockstep.formats import counted
from lockstep.shell import command_line

if TYPE_CHECKING:
    from lockstep.sweeps.folder import SweepFolder
    from lockstep.sweeps.local import Engine, Job


def complete_samplers(incomplete: str) -> list[str]:
    """Names of samplers that begin so, for the shell."""
    from lockstep.sweeps.search.samplers import SAMPLERS

    return [name for name in SAMPLERS if name.startswith(incomplete)]


@app.command()
def search(
    source: Annotated[
        str,
        typer.Argument(
            metavar="PRESET|FILE.toml|SEARCH",
            autocompletion=complete_sources("searches"),
            help="What to start from, or the folder of a search to go on with.",
        ),
    ],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[key=range]...",
            autocompletion=complete_words,
            help="lr=1e-4..3e-3:log, gamma=0.97..0.995, batch_size=64..256:64, hidden_dim=64,128; or one value.",
        ),
    ] = None,
    trials: Annotated[int | None, typer.Option(help="Choices to try, in all; default 50.")] = None,
    seeds: Annotated[int | None, typer.Option(help="Runs of each of them; default 1.")] = None,
    goal: Annotated[
        str | None,
        typer.Option(
            autocompletion=choices("test_return"),
            help="test_return (default), or a number: how soon the test return exceeds it.",
        ),
    ] = None,
    within: Annotated[str | None, typer.Option(help="Training time of each run: 90s, 5m; default to its end.")] = None,
    sampler: Annotated[
        str | None,
        typer.Option(autocompletion=complete_samplers, help="Who chooses: tpe (default), gp, cma, random or grid."),
    ] = None,
    sampler_seed: Annotated[int | None, typer.Option(help="What choices follow from; default 1.")] = None,
    no_prune: Annotated[
        bool, typer.Option("--no-prune", help="Train every seed, also of a trial that cannot become the best.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="The search's folder; default searches/NAME-NUMBER.")] = None,
    on: Annotated[
        str,
        typer.Option(autocompletion=choices("local", "ray"), help="Who does the work: local (this machine) or ray."),
    ] = "local",
    at_once: Annotated[int | None, typer.Option(help="Runs at a time; default as many as there are cores for.")] = None,
    threads: Annotated[int, typer.Option(help="Cores for each run, where its settings leave that open.")] = 1,
    address: RayAddress = None,
    send_back: SendBack = False,
    status: Annotated[bool, typer.Option("--status", help="Say how every trial stands.")] = False,
    trust: Trust = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Look for good settings: each trial is chosen by what came of those before. The folder goes on when stopped."""
    if on not in ("local", "ray"):
        raise UserError(f"--on {on} is unknown; it must be local or ray.")
    from lockstep.cli.sweep import check_numbers

    check_numbers(at_once, threads)
    if trust:
        consent.allow(Path(source))
    from lockstep.sweeps.folder import SweepFolder
    from lockstep.sweeps.search.command import open_search, plan_search

    given = {
        "seeds": seeds,
        "aim": goal,
        "within": within,
        "sampler": sampler,
        "sampler_seed": sampler_seed,
        "prune": False if no_prune else None,
    }
    settings: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    there = Path(source)
    if SweepFolder.is_sweep(there):
        if words or settings or out is not None:
            raise UserError(
                f"{there} is a search that was asked for already, so nothing but --trials can be another. Leave the "
                "rest out, or search anew from a preset."
            )
        planned = open_search(there, trials)
    elif status:
        raise UserError(f"--status wants the folder of a search, and {source!r} is none.")
    else:
        from lockstep.sweeps.search.request import SearchRequest

        settings |= {} if trials is None else {"trials": trials}

        def tell(sentence: str) -> None:
            if not quiet and not as_json:
                say(sentence, error=True)

        planned = plan_search(SearchRequest(source, tuple(words or []), **settings), out, tell)
    if status:
        _show(planned, as_json=as_json)
    elif on == "ray":
        from lockstep.sweeps.on_ray import connected

        with connected(address, at_once, threads, trust=trust, send_back=send_back) as cluster:
            _run(planned, cluster, threads, quiet=quiet, as_json=as_json)
    else:
        from lockstep.sweeps.command import local_engine

        _run(planned, local_engine(at_once, threads, trust=trust), threads, quiet=quiet, as_json=as_json)


def _run(sweep: "SweepFolder", engine: "Engine", threads: int, *, quiet: bool, as_json: bool) -> None:
    """Train what is left. Leaves with 0, with 1 where no trial is complete, or as the signal wants it."""
    from rich.console import Console

    from lockstep.sweeps.search.command import search_here

    jobs, interrupted_by = search_here(sweep, engine, threads, Console(quiet=quiet or as_json))
    best = _told(sweep, jobs, as_json=as_json, quiet=quiet, interrupted=interrupted_by is not None)
    if interrupted_by is not None:
        raise typer.Exit(128 + interrupted_by)
    if not best:
        raise typer.Exit(1)


def _told(sweep: "SweepFolder", jobs: "list[Job]", *, as_json: bool, quiet: bool, interrupted: bool) -> bool:
    """Say what came out, so far. Returns whether a trial is complete."""
    from lockstep.sweeps.search.request import SearchRequest
    from lockstep.sweeps.search.trials import best_trial, trials_of

    request = SearchRequest.of(sweep)
    trials = trials_of(jobs, request.goal)
    best = best_trial(trials)
    if as_json:
        print(json.dumps(_rows(sweep, jobs)))
    elif not quiet:
        done = sum(trial.standing == "complete" for trial in trials)
        state = "Interrupted and saved, with" if interrupted else "Over, with"
        say(f"\n{state} {done} of {counted(request.trials, 'trial')} complete, {len(trials)} begun.")
        if best is not None:
            say(f"  best: trial {best.number}, {request.goal.title} {request.goal.text(best.value)}")
            say(f"\n  {command_line('train', request.base, *request.space.words(best.chosen))}")
        if interrupted:
            say(f"  {command_line('search', sweep.path)}     goes on exactly here")
        elif best is not None:
            say(f"  {command_line('report', sweep.path)}     what mattered, on a page")
    return best is not None


def _show(sweep: "SweepFolder", *, as_json: bool) -> None:
    """How every trial stands now."""
    from lockstep.sweeps.local import jobs_of

    jobs = jobs_of(sweep)
    if as_json:
        print(json.dumps(_rows(sweep, jobs)))
        return
    from rich.console import Console

    from lockstep.sweeps.search.display import trial_counts, trial_table
    from lockstep.sweeps.search.request import SearchRequest
    from lockstep.sweeps.search.trials import trials_of

    request, console = SearchRequest.of(sweep), Console()
    trials = trials_of(jobs, request.goal)
    console.print(trial_counts(trials, request.trials))
    for part in trial_table(trials, request, len(trials)):
        console.print(part)


def _rows(sweep: "SweepFolder", jobs: "list[Job]") -> dict[str, Any]:
    """How it stands, for scripts."""
    from lockstep.sweeps.search.request import SearchRequest
    from lockstep.sweeps.search.trials import best_trial, trials_of

    goal = SearchRequest.of(sweep).goal
    trials = trials_of(jobs, goal)
    best = best_trial(trials)
    return {
        "search": str(sweep.path),
        "best": None if best is None else best.number,
        "trials": [
            {
                "trial": trial.number,
                "chosen": dict(trial.chosen),
                "standing": trial.standing,
                "value": trial.value,
                "values": trial.values,
                "runs": [str(job.cell.run.path) for job in trial.jobs],
            }
            for trial in trials
        ],
    }
