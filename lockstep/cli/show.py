"""The verbs that show a team at work."""

from pathlib import Path
from typing import Annotated

import typer

from lockstep import trust as consent
from lockstep.cli.app import (
    MaybeRun,
    Quiet,
    Trust,
    Words,
    World,
    app,
    choices,
    complete_checkpoints,
    run_or_words,
    say,
)
from lockstep.formats import counted


@app.command()
def render(
    run: MaybeRun = None,
    words: Words = None,
    out: Annotated[Path, typer.Option(help="NAME.gif, NAME.mp4, NAME.html, or a folder for PNGs.")] = Path("demo.gif"),
    policy: Annotated[
        str,
        typer.Option(
            autocompletion=choices("trained", "random", "heuristic"),
            help="trained, random, or heuristic (programmed; sees the whole warehouse).",
        ),
    ] = "trained",
    env: World = None,
    step: Annotated[
        str,
        typer.Option(
            autocompletion=complete_checkpoints, help="The checkpoint: best, latest, or a number of env steps."
        ),
    ] = "best",
    episodes: Annotated[int, typer.Option(min=1, help="Episodes, one after the other.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the first episode.")] = 1,
    time_limit: Annotated[int | None, typer.Option(min=1, help="Steps an episode; default the run's.")] = None,
    engine: Annotated[
        str,
        typer.Option(autocompletion=choices("lockstep", "official"), help="lockstep, or official: the package itself."),
    ] = "lockstep",
    theme: Annotated[str, typer.Option(autocompletion=choices("light", "dark"), help="light or dark.")] = "light",
    scale: Annotated[float, typer.Option(min=0.25, max=4.0, help="2 doubles the pixels.")] = 1.0,
    fps: Annotated[float, typer.Option(min=1, max=50, help="Steps a second in a film.")] = 8.0,
    trust: Trust = False,
    quiet: Quiet = False,
) -> None:
    """Film a team, or put it into a page that answers questions. Needs no display."""
    from lockstep.show.film import check_request, write

    check_request(out, theme)
    run, rest = run_or_words(run, words)
    if trust and run is not None:
        from lockstep.runs.directory import RunDirectory

        consent.allow(RunDirectory.find(run).path)
    from lockstep.teams.play import play

    recordings = play(
        run,
        policy=policy,
        env_key=env,
        words=rest,
        checkpoint=step,
        episodes=episodes,
        seed=seed,
        time_limit=time_limit,
        engine=engine,
    )
    write(recordings, out, theme, scale, fps)
    if not quiet:
        total = sum(recording.returns()[-1] for recording in recordings)
        say(f"{out}: {counted(len(recordings), 'episode')} of {recordings[0].policy}, return {total:g}")


@app.command()
def demo(
    world: Annotated[
        str,
        typer.Argument(metavar="[rware|foraging]", autocompletion=choices("rware", "foraging"), help="Where it plays."),
    ] = "rware",
    terminal: Annotated[bool, typer.Option("--terminal", help="Play as text, here.")] = False,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser; else its path is printed.")] = True,
    no_open: Annotated[bool, typer.Option("--no-open", hidden=True)] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the episode; default a good one.")] = None,
) -> None:
    """Watch a trained team that comes with Lockstep."""
    from lockstep.teams.demo import play_demo

    recording = play_demo(seed, family=world)
    if terminal:
        from lockstep.show.terminal import play_in_terminal

        play_in_terminal(recording, fps=8)
        return
    import webbrowser
    from tempfile import mkdtemp

    from lockstep.show.film import write

    page = Path(mkdtemp(prefix="lockstep-")) / "demo.html"
    write([recording], page, playing=True)
    if no_open or not browser or not webbrowser.open(page.as_uri()):
        say(str(page))
