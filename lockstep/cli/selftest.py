"""The verb that lets a user break things on purpose."""

import json
from typing import Annotated

import typer

from lockstep.cli.app import Json, app
from lockstep.errors import UserError


@app.command()
def selftest(
    part: Annotated[str, typer.Argument(metavar="resume", help="What to test on this machine.")],
    kills: Annotated[int, typer.Option(help="How often to kill a training.")] = 30,
    seed: Annotated[int, typer.Option(help="Of the training and of the moments.")] = 1,
    as_json: Json = False,
) -> None:
    """Kill trainings at random moments, resume them, and look for a single difference."""
    if part != "resume":
        raise UserError(f"There is no self-test {part!r}; write `lockstep selftest resume`.")
    from rich.console import Console

    from lockstep.training.kill_test import selftest_resume

    with Console(stderr=True).status("starting") as status:
        report = selftest_resume(kills, seed, progress=status.update)
    print(json.dumps(report.row()) if as_json else report.text())
    if report.difference is not None:
        raise typer.Exit(1)
