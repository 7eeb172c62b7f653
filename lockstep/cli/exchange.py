"""The verb that takes over what another program trained."""

from pathlib import Path
from typing import Annotated

import typer

from lockstep.cli.app import Quiet, Trust, Words, app, say
from lockstep.shell import command_line


@app.command("import")
def import_(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="results/models/TOKEN", help="EPyMARL's, or one of the checkpoints in it.")
    ],
    words: Words = None,
    step: Annotated[int | None, typer.Option(help="Which checkpoint; default the newest.")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="sacred's config.json; default the one beside the models.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run directory; default runs/epymarl-NAME-sSEED-TIME.")] = None,
    trust: Trust = False,
    quiet: Quiet = False,
) -> None:
    """Make a run of a team that EPyMARL trained: to be judged, shown, reported on, and trained on."""
    from lockstep.teams.epymarl import import_checkpoint

    imported = import_checkpoint(checkpoint, step, config, words or [], out, trusted=trust)
    if quiet:
        return
    say(f"{imported.run.path}: EPyMARL's team after {imported.env_steps:,} env steps")
    for remark in imported.remarks:
        say(f"  {remark}")
    say(f"\n  {command_line('evaluate', imported.run.path, '--engine', 'official')}")
