"""The command line: one file per kind of verb, each verb a few lines; what is heavy is imported inside it."""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from lockstep import __version__

# Importing them makes their verbs known.
from lockstep.cli import browse, check, doctor, report, reproduce, selftest, train, watch
from lockstep.cli.app import INTERRUPTED, USER_ERROR, app
from lockstep.errors import UserError

__all__ = ["app", "browse", "check", "doctor", "main", "report", "reproduce", "selftest", "train", "watch"]


@app.callback(invoke_without_command=True)
def _main(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"lockstep {__version__}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> int:
    """The `lockstep` command. Returns the exit code: 0, 2 for a user's mistake, 130 when interrupted."""
    run: Callable[..., Any] = typer.main.get_command(app).main
    try:
        code = run(args=None if arguments is None else list(arguments), prog_name="lockstep", standalone_mode=False)
    except UserError as error:
        print(f"lockstep: {error}", file=sys.stderr)
        return USER_ERROR
    except typer.TyperException as error:
        print(f"lockstep: {error.format_message().rstrip('.')}. `lockstep --help` shows the commands.", file=sys.stderr)
        return USER_ERROR
    except (KeyboardInterrupt, typer.Abort):
        print("lockstep: interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return code if isinstance(code, int) else 0
