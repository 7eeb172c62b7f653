"""The verb that does the published experiment again."""

from pathlib import Path
from typing import Annotated

import typer

from lockstep.cli.app import app, choices, say
from lockstep.shell import command_line


@app.command()
def reproduce(
    experiment: Annotated[
        str,
        typer.Argument(
            metavar="week1|week2|both",
            autocompletion=choices("week1", "week2", "both"),
            help="The experiment to do again.",
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
    out: Annotated[
        Path | None, typer.Option(help="The folder for runs and report; default runs/reproduce-EXPERIMENT.")
    ] = None,
) -> None:
    """Train the published configurations, judge them on the official package, and write the report.

    week2 is the warehouse, three configurations and ours; week1 is simple_spread with QMIX, VDN and IQL.
    """
    from lockstep.reproduce.plan import new_plan, wanted_plan

    options = {
        "scale": scale,
        "mode": mode,
        "seeds": seeds,
        "episodes_per_update": episodes_per_update,
        "with_ours": ours,
        "device": device,
    }
    out = out or Path(f"runs/reproduce-{experiment}")
    plan = wanted_plan(experiment, options, out, resume=resume)
    from rich.console import Console

    from lockstep.reproduce import command
    from lockstep.training.command import check

    command.check_jobs(jobs)
    for config in plan.configurations().values():
        check(config)
    if not resume and not estimate:
        new_plan(plan, out)
    console = Console()
    interrupted_by = command.reproduce(plan, out, jobs, console, estimate_only=estimate)
    if interrupted_by is not None:
        again = command_line("reproduce", experiment, "--resume", "--out", out)
        say(f"\nInterrupted and saved.\n\n  {again}")
        raise typer.Exit(128 + interrupted_by)  # as shells count
