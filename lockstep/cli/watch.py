"""The verb that shows runs while they train and after: a page in the browser, or a picture in the terminal."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from lockstep.cli.app import app, complete_runs, sweep_at
from lockstep.compute import child_process
from lockstep.errors import UserError

SHORTEST_TOKEN = 16


@app.command()
def watch(
    run: Annotated[
        str,
        typer.Argument(
            metavar="[RUN|FOLDER]",
            autocompletion=complete_runs,
            help="A run (default: 'latest'), a folder of runs, or a sweep.",
        ),
    ] = "latest",
    terminal: Annotated[bool, typer.Option("--terminal", help="Draw in this terminal instead of a page.")] = False,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser, where there is a display.")] = True,
    host: Annotated[str, typer.Option(help="Address to serve on; any but this machine's own asks for a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int | None, typer.Option(help="Default: the first free one from 8127 on.")] = None,
    token: Annotated[str | None, typer.Option(envvar="LOCKSTEP_TOKEN", help="Default: a new one, printed.")] = None,
    with_parent: Annotated[int | None, typer.Option("--with-parent", hidden=True)] = None,
) -> None:
    """Watch a run learn: curves, the team playing, other runs beside it. Reads only, and never slows the training."""
    if terminal:
        from lockstep.runs.reader import RunReader
        from lockstep.show.live.terminal import watch_in_terminal

        watch_in_terminal(RunReader.find(run))
        return
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise UserError(f"A token of {len(token)} characters can be guessed; use at least {SHORTEST_TOKEN}, or none.")
    from lockstep.doctor import findings
    from lockstep.show.live.folder import Folder

    sweep = sweep_at(run)
    run = run if sweep is None else str(sweep.runs)
    folder = Folder.find(run, findings=lambda record: [finding.row() for finding in findings(record)])
    from lockstep.show.live.app import Live
    from lockstep.show.live.guard import Access
    from lockstep.show.live.serve import Server, listen

    sock = listen(host, port)
    access = Access.on(host, sock.getsockname()[1], token)
    live = Live(folder, access)
    server = Server(live, sock)
    print(access.url, flush=True)
    if with_parent is not None:
        if hasattr(os, "nice"):
            os.nice(10)
        _say_no_more()
        server.stop_with(with_parent)
    elif browser:
        _open(access.url)
    server.run()


def watch_beside(run: Path, *, quiet: bool) -> subprocess.Popen[str]:
    """Start a page for a run that this process is about to train, print its address and open it. Returns the process.

    It is another process with a low priority. It stays while somebody looks at it, and ends by itself after that.
    """
    command = child_process.command("lockstep", "watch", str(run), "--with-parent", str(os.getpid()))
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=child_process.environment(),
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    address = process.stdout.readline().strip()
    if not address:
        raise UserError(process.stderr.read().strip().removeprefix("lockstep: ") or "The page could not be started.")
    if not quiet:
        print(address, flush=True)
    _open(address)
    return process


def _say_no_more() -> None:
    """The process that started this one has read the address, and reads no further."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _open(address: str) -> None:
    """In a browser with a window; one that runs inside the terminal is not wanted, and nobody sees one of a script."""
    windows = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if windows and sys.stdout.isatty():
        import webbrowser

        webbrowser.open(address)
