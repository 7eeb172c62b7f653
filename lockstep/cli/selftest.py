"""The verb that lets a user break things on purpose."""

import json
from typing import Annotated

import typer

from lockstep.cli.app import Json, app, choices
from lockstep.errors import UserError

SECONDS_A_KILL = {"resume": 17.0, "local": 19.0, "ray": 79.0}
"""What a kill took on two busy cores, all around it included (docs/reliability.md)."""


@app.command()
def selftest(
    part: Annotated[
        str,
        typer.Argument(
            metavar="resume|sweep", autocompletion=choices("resume", "sweep"), help="What to test on this machine."
        ),
    ],
    kills: Annotated[int, typer.Option(help="How often to kill something.")] = 30,
    seed: Annotated[int, typer.Option(help="Of the training and of the moments.")] = 1,
    on: Annotated[
        str,
        typer.Option(
            autocompletion=choices("local", "ray"), help="Who does the work of a sweep: local (this machine) or ray."
        ),
    ] = "local",
    as_json: Json = False,
) -> None:
    """Kill trainings, or sweeps, at random moments, let them go on, and look for a single difference."""
    if part not in ("resume", "sweep"):
        raise UserError(f"There is no self-test {part!r}; write `lockstep selftest resume`, or sweep.")
    if on != "local" and (on != "ray" or part != "sweep"):
        raise UserError(f"--on {on} is for no self-test of {part}; a sweep's is done on local or on ray.")
    from lockstep.cli.progress import Progress
    from lockstep.sweeps.kill_test import SweepKillReport, selftest_sweep
    from lockstep.training.kill_test import ResumeReport, selftest_resume

    report: ResumeReport | SweepKillReport
    each = SECONDS_A_KILL["resume" if part == "resume" else on]
    with Progress(kills, "kill", each, quiet=as_json) as progress:
        if part == "resume":
            report = selftest_resume(kills, seed, progress=progress)
        else:
            report = selftest_sweep(kills, seed, progress=progress, engine="ray" if on == "ray" else "local")
    print(json.dumps(report.row()) if as_json else report.text())
    if report.difference is not None:
        raise typer.Exit(1)
