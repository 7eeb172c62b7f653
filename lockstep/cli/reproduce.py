"""The verb that does the published experiment again."""

import math
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from lockstep.cli.app import app, choices, say
from lockstep.errors import UserError
from lockstep.shell import command_line

BENCHMARK = "benchmark"


@app.command()
def reproduce(
    experiment: Annotated[
        str,
        typer.Argument(
            metavar="week1|week2|both|benchmark",
            autocompletion=choices("week1", "week2", "both", "benchmark"),
            help="What to do again.",
        ),
    ],
    seeds: Annotated[int | None, typer.Option(help="Runs of each configuration; default 3.")] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            autocompletion=choices("full", "tenth", "smoke"),
            help="full (default), tenth, or smoke: seconds, to see it work.",
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            autocompletion=choices("vectorized", "literal"),
            help="vectorized (default): several episodes before each update. literal: one, as published.",
        ),
    ] = None,
    episodes_per_update: Annotated[
        int | None, typer.Option(help="Episodes played before each update in the vectorized mode; default 32.")
    ] = None,
    ours: Annotated[bool | None, typer.Option("--ours/--no-ours", help="Train the tuned recipe too (default).")] = None,
    device: Annotated[
        str | None, typer.Option(autocompletion=choices("cpu", "cuda"), help="cpu (default) or cuda.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Trainings side by side.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is in --out.")] = False,
    estimate: Annotated[bool, typer.Option("--estimate", help="Only say how long it would take.")] = False,
    tasks: Annotated[str | None, typer.Option(help="benchmark: worlds of the table, with commas; default all.")] = None,
    algorithms: Annotated[
        str | None, typer.Option(help="benchmark: algorithms of the table, with commas; default all.")
    ] = None,
    literal: Annotated[
        bool | None, typer.Option("--literal", help="benchmark: the paper's own settings, too, where they are known.")
    ] = None,
    within: Annotated[
        str | None, typer.Option(help="benchmark: save and stop after so long, 90m or 24h; typed again, it goes on.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option(help="benchmark: judge a sample of the teams in this folder again, train nothing.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder for runs and report; default runs/reproduce-EXPERIMENT.")
    ] = None,
) -> None:
    """Train the published configurations, judge them on the official package, and write the report.

    week2 is the warehouse, three configurations and ours; week1 is simple_spread with QMIX, VDN and IQL; benchmark is
    the field's table of worlds and algorithms.
    """
    out = out or Path(f"runs/reproduce-{experiment}")
    if experiment == BENCHMARK:
        _refuse(experiment, mode=mode, episodes_per_update=episodes_per_update, ours=ours, device=device)
        options = {"tasks": tasks, "algorithms": algorithms, "literal": literal, "seeds": seeds, "scale": scale}
        _benchmark(options, out, jobs, within, check, resume=resume, estimate=estimate)
        return
    _refuse(experiment, tasks=tasks, algorithms=algorithms, literal=literal, within=within, check=check)
    from lockstep.reproduce.plan import new_plan, wanted_plan

    options = {
        "scale": scale,
        "mode": mode,
        "seeds": seeds,
        "episodes_per_update": episodes_per_update,
        "with_ours": ours,
        "device": device,
    }
    plan = wanted_plan(experiment, options, out, resume=resume)
    from rich.console import Console

    from lockstep.reproduce import command
    from lockstep.training import command as training

    command.check_jobs(jobs)
    for config in plan.configurations().values():
        training.check(config)
    if not resume and not estimate:
        new_plan(plan, out)
    console = Console()
    interrupted_by = command.reproduce(plan, out, jobs, console, estimate_only=estimate)
    if interrupted_by is not None:
        _leave(interrupted_by, command_line("reproduce", experiment, "--resume", "--out", out))


def _benchmark(
    options: dict[str, Any],
    out: Path,
    jobs: int,
    within: str | None,
    check: Path | None,
    *,
    resume: bool,
    estimate: bool,
) -> None:
    """The table: train what is wanted of it as far as time allows, and tell what there is; or check a committed one."""
    from rich.console import Console

    from lockstep.reproduce.benchmark import command
    from lockstep.reproduce.benchmark.plan import plan, wanted
    from lockstep.reproduce.command import check_jobs
    from lockstep.sweeps.search.goal import read_time

    console = Console()
    asked = wanted(options)
    if check is not None:
        from lockstep.reproduce.benchmark.check import check_teams

        if not check_teams(check, console, asked):
            raise typer.Exit(1)
        return
    seconds = math.inf if within is None else read_time(within)
    check_jobs(jobs)
    benchmark, sweep = plan(out, asked, resume=resume)
    interrupted_by = command.train(benchmark, sweep, jobs, seconds, console, estimate_only=estimate)
    if interrupted_by is not None:
        _leave(interrupted_by, command_line("reproduce", BENCHMARK, "--out", out))
    if not estimate:
        command.report(benchmark, sweep, out, console)


def _leave(signal: int, again: str) -> NoReturn:
    """Say what goes on where this was stopped, and leave as the signal wants it."""
    say(f"\nInterrupted and saved.\n\n  {again}")
    raise typer.Exit(128 + signal)  # as shells count


def _refuse(experiment: str, **options: object) -> None:
    """Raise UserError for an option that this experiment does not have."""
    for name, value in options.items():
        if value is not None:
            raise UserError(f"--{name.replace('_', '-')} is not an option of {experiment}. Leave it out.")
