"""The verbs that show what there is: environments, presets, configurations, runs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from lockstep.cli.app import (
    Json,
    MaybeSource,
    Run,
    TheirConfig,
    TheirEnvConfig,
    Words,
    app,
    complete_words,
    print_table,
    say,
)


@app.command()
def envs(
    filter_: Annotated[str | None, typer.Argument(metavar="[FILTER]", help="List the keys that contain this.")] = None,
    as_json: Json = False,
) -> None:
    """Say how worlds are named, or list those whose key contains FILTER."""
    from dataclasses import asdict

    from lockstep.cli.envs_page import print_page
    from lockstep.envs.registry import list_envs

    if filter_ is None and not as_json:
        print_page()
        return
    rows = [asdict(row) for row in list_envs(filter_)]
    if as_json:
        print(json.dumps(rows))
        return
    ours = [row for row in rows if row["agents"] is not None]
    others = [{"by other people, for example": row["key"], "": row["world"]} for row in rows if row["agents"] is None]
    if ours:
        print_table(ours)
    if others:
        print()
        print_table(others)


@app.command()
def presets(as_json: Json = False) -> None:
    """List presets."""
    from lockstep.config.presets import PRESETS, summary

    rows = [{"preset": name, "what it is": summary(name)} for name in PRESETS]
    print(json.dumps(rows)) if as_json else print_table(rows)


@app.command()
def config(
    source: MaybeSource = None,
    words: Words = None,
    theirs: TheirConfig = None,
    their_env: TheirEnvConfig = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what every setting means.")] = False,
    as_json: Json = False,
) -> None:
    """Print the resolved configuration as TOML, ready to be saved and trained.

    Of EPyMARL's config.json (sacred's) it tells what was taken, what means nothing here, and what is different.
    """
    from lockstep.config.load import dump_toml, explain_toml, load_config, understood
    from lockstep.config.sacred import as_typed, read_sacred
    from lockstep.config.words import parse_words

    source, words = as_typed(source, words, theirs, their_env)
    if source.endswith(".json") and not as_json:
        told = read_sacred(Path(source))
        resolved = understood(Path(source), told, parse_words(words))
        say(f"# From {source}, which EPyMARL was run with.\n{told.listing()}")
    else:
        resolved = load_config(source, words)
    said = resolved.model_dump_json() if as_json else (explain_toml if explain else dump_toml)(resolved)
    say(said.rstrip("\n"))


@app.command()
def runs(
    filters: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORD|key=value]...",
            autocompletion=complete_words,
            help="Only runs that all of these fit: a part of what the table or a tag says, or a setting.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the runs in this folder, the newest last, with what came of them."""
    from lockstep.cli.runs_table import listed_runs, print_runs

    rows = listed_runs(filters or [])
    print(json.dumps(rows)) if as_json else print_runs(rows, filtered=bool(filters))


@app.command()
def note(
    run: Run,
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="The note; an empty one removes it.")] = None,
    name: Annotated[str | None, typer.Option(help="A name, by which the run is found, too.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A word to find it by; several; -WORD removes one.")] = None,
) -> None:
    """Write down what a run was about, or name it; tables and reports show it."""
    from lockstep.runs.directory import RunDirectory
    from lockstep.runs.notes import read_notes, write_notes

    found = RunDirectory.find(run)
    asked = text is not None or name is not None or bool(tag)
    notes = write_notes(found, name=name, note=text, tags=tag or []) if asked else read_notes(found)
    told = [notes.name, notes.note, *(f"#{tag}" for tag in notes.tags)]
    say(f"{found.path}: {' · '.join(filter(None, told)) or 'nothing is written down'}")
