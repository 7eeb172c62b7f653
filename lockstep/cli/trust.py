"""The verb that lets a folder name code from now on."""

from pathlib import Path
from typing import Annotated

import typer

from lockstep import trust as consent
from lockstep.cli.app import Run, app, say
from lockstep.errors import UserError
from lockstep.shell import command_line


@app.command()
def trust(
    run: Run,
    forget: Annotated[bool, typer.Option("--forget", help="Ask again, as before.")] = False,
) -> None:
    """Let what a run, or the files in a folder, name as their environment run from now on, without --trust."""
    from lockstep.config.load import load_config
    from lockstep.envs.registry import names_code
    from lockstep.runs.directory import RunDirectory

    folder = Path(run) if Path(run).is_dir() else RunDirectory.find(run).path
    if forget:
        print(f"{folder} is asked about again." if consent.forget_folder(folder) else f"{folder} was not trusted.")
        return
    found = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            found[path.name] = load_config(str(path)).env
        except UserError:
            continue  # not every TOML file is a configuration
    consent.remember_folder(folder)
    say(
        f"Code that the files in {folder} name may run from now on; "
        f"`{command_line('trust', folder, '--forget')}` ends it."
    )
    for name, task in found.items():
        if names_code(task.key):
            given = ", ".join(f"{argument}={value!r}" for argument, value in task.arguments.items())
            print(f"  {name} names {task.key} ({given or 'without arguments'})")
