"""The verb that lets a user break things on purpose."""

import json
from typing import Annotated

import typer

from lockstep.cli.app import Json, app
from lockstep.errors import UserError


@app.command()
def selftest(
    part: Annotated[str, typer.Argument(metavar="resume|sweep", help="What to test on this machine.")],
    kills: Annotated[int, typer.Option(help="How often to kill something.")] = 30,
    seed: Annotated[int, typer.Option(help="Of the training and of the moments.")] = 1,
    as_json: Json = False,
) -> None:
    """Kill trainings, or sweeps, at random moments, let them go on, and look for a single difference."""
    if part not in ("resume", "sweep"):
        raise UserError(f"There is no self-test {part!r}; write `lockstep selftest resume`, or sweep.")
    from rich.console import Console

    from lockstep.sweeps.kill_test import selftest_sweep
    from lockstep.training.kill_test import selftest_resume

    test = selftest_resume if part == "resume" else selftest_sweep
    with Console(stderr=True).status("starting") as status:
        report = test(kills, seed, progress=status.update)
    print(json.dumps(report.row()) if as_json else report.text())
    if report.difference is not None:
        raise typer.Exit(1)
