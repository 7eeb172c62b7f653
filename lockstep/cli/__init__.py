"""Cli is the command line: a file for each kind of verb, a verb a few lines; what is heavy is imported inside it."""

import errno
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from lockstep import __version__

# Importing a file makes its verbs known; `lockstep --help` shows them in the order of these lines.
# isort: off
from lockstep.cli import train, sweep, search, watch, show, doctor, report, exchange, reproduce, browse
from lockstep.cli import trust, check, selftest

# isort: on
from lockstep.cli.app import INTERRUPTED, USER_ERROR, app, say
from lockstep.compute.output import lasting_output
from lockstep.errors import UserError

DISK_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO)

FIRST_STEPS = """\
Lockstep trains teams of robots that share a warehouse, shows them, and says
why they do not learn.

  lockstep demo             a trained team at work, in the browser
  lockstep train smoke      a small warehouse, learnt in half a minute
  lockstep train solve      rware-tiny-2ag-v2, past the published result

Afterwards, of the run that was begun last:

  lockstep report latest    what came of it, on a page
  lockstep render latest    the team at work, filmed
  lockstep doctor latest    what it did not learn, and why

  lockstep --help     every command      lockstep COMMAND --help   one of them
  lockstep envs       the worlds         lockstep presets          what is ready"""
"""What somebody is told who typed the name alone."""

__all__ = [
    "app",
    "browse",
    "check",
    "doctor",
    "exchange",
    "main",
    "report",
    "reproduce",
    "search",
    "selftest",
    "show",
    "sweep",
    "train",
    "trust",
    "watch",
]


@app.callback(invoke_without_command=True)
def _main(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if version:
        print(f"lockstep {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(FIRST_STEPS)


def main(arguments: Sequence[str] | None = None) -> int:
    """The `lockstep` command. Returns the exit code: 0, 2 for a user's mistake, 128 + its number for a signal.

    Output that nobody reads any more stops nothing; output that a full device did not take is a mistake in the end.
    """
    with lasting_output():
        code, stdout = _run(arguments), sys.stdout
        if stdout is not None:
            stdout.flush()
        lost = getattr(stdout, "lost", None)
        if code == 0 and isinstance(lost, OSError) and lost.errno not in (errno.EPIPE, errno.EIO):
            say(f"lockstep: standard output could not be written ({lost.strerror}); all else was done.", error=True)
            return USER_ERROR
        return code


def _run(arguments: Sequence[str] | None) -> int:
    run: Callable[..., Any] = typer.main.get_command(app).main
    try:
        code = run(args=None if arguments is None else list(arguments), prog_name="lockstep", standalone_mode=False)
    except UserError as error:
        say(f"lockstep: {error}", error=True)
        return USER_ERROR
    except typer.TyperException as error:
        say(f"lockstep: {error.format_message().rstrip('.')}. `lockstep --help` shows the commands.", error=True)
        return USER_ERROR
    except (KeyboardInterrupt, typer.Abort):
        print("lockstep: interrupted.", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        if error.filename is None and error.errno not in DISK_FAULTS:
            raise  # not a file's: a mistake of ours, or of somebody's environment
        about = "" if error.filename is None else f"{error.filename}: "
        say(f"lockstep: {about}{error.strerror}. Choose another place, or make room there.", error=True)
        return USER_ERROR
    return code if isinstance(code, int) else 0
