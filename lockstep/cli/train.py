"""The verbs that train and judge a team."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lockstep import trust as consent
from lockstep.cli.app import (
    Json,
    MaybeRun,
    MaybeSource,
    Quiet,
    Run,
    TheirConfig,
    TheirEnvConfig,
    Trust,
    Words,
    World,
    app,
    choices,
    complete_checkpoints,
    run_or_words,
    say,
)
from lockstep.errors import UserError
from lockstep.runs.headline import JUDGED, result_text


@app.command()
def train(
    source: MaybeSource = None,
    words: Words = None,
    theirs: TheirConfig = None,
    their_env: TheirEnvConfig = None,
    out: Annotated[Path | None, typer.Option(help="The run directory; default runs/PRESET-sSEED-TIME.")] = None,
    resume_if_there: Annotated[
        bool, typer.Option("--resume-if-there", help="Go on with the run in --out, if there is one: for requeued jobs.")
    ] = False,
    no_doctor: Annotated[bool, typer.Option("--no-doctor", help="Do not look at the task first.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it learning in the browser.")] = False,
    trust: Trust = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a team, then confirm it on the official package."""
    from lockstep.config.load import dump_toml, load_config
    from lockstep.config.sacred import as_typed
    from lockstep.runs.directory import RunDirectory

    source, words = as_typed(source, words, theirs, their_env)
    if trust:
        consent.allow(Path(source))
    config = load_config(source, words)
    if resume_if_there and out is None:
        raise UserError("--resume-if-there needs to know where: give --out FOLDER, the same one every time.")
    from lockstep.training import command

    config = command.prepare(config, lambda sentence: None if quiet or as_json else typer.echo(sentence, err=True))
    there = command.same_run(out, config) if resume_if_there and out is not None else None
    if there is not None and there.has_ended:
        if as_json or not quiet:
            print(json.dumps(command.ended_row(there)) if as_json else command.ended_text(there))
        return
    from lockstep.cli.doctor import announce, watching

    run = there or RunDirectory.create(out, Path(source).stem, config.seed, dump_toml(config))
    pace = None if there or no_doctor or quiet or as_json else announce(config, [source, *words])
    if watch:
        from lockstep.cli.watch import watch_beside

        watch_beside(run.path, quiet=quiet or as_json)
    look = None if quiet or as_json else watching(run)
    if there is None:
        outcome = command.train(config, run, quiet=quiet or as_json, look=look, pace=pace)
    else:
        outcome = command.resume(run, quiet=quiet or as_json, look=look)
    _finish(outcome, as_json=as_json, quiet=quiet)


@app.command()
def resume(
    run: Run,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[key=value]...",
            autocompletion=choices("t_max=", "max_seconds=", "stop_at_test_return="),
            help="t_max, max_seconds or stop_at_test_return: a new end.",
        ),
    ] = None,
    changed: Annotated[bool, typer.Option("--changed", help="Go on although settings were changed since.")] = False,
    trust: Trust = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Continue a run exactly where it stopped, or a finished one to a new end."""
    from lockstep.cli.doctor import watching
    from lockstep.runs.directory import RunDirectory
    from lockstep.training import command

    found = RunDirectory.find(run)
    if trust:
        consent.allow(found.path)
    look = None if quiet or as_json else watching(found)
    outcome = command.resume(found, words or [], quiet=quiet or as_json, look=look, changed=changed)
    _finish(outcome, as_json=as_json, quiet=quiet)


@app.command()
def evaluate(
    run: MaybeRun = None,
    words: Words = None,
    episodes: Annotated[int, typer.Option(help="Episodes to play.")] = 100,
    engine: Annotated[
        str,
        typer.Option(
            autocompletion=choices("lockstep", "official"),
            help="lockstep, or official: the package the task comes from.",
        ),
    ] = "lockstep",
    checkpoint: Annotated[
        str, typer.Option(autocompletion=complete_checkpoints, help="best, latest, or a number of env steps.")
    ] = "best",
    policy: Annotated[
        str,
        typer.Option(
            autocompletion=choices("trained", "random", "heuristic"),
            help="trained; or random or heuristic, for comparison.",
        ),
    ] = "trained",
    choice: Annotated[
        str | None,
        typer.Option(
            autocompletion=choices("greedy", "sampled"),
            help="greedy: agents do what they value most. sampled: an action drawn by the chances that they give. By "
            "default as [evaluation] says; both where training draws.",
        ),
    ] = None,
    env: World = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Judge a run's best policy on episodes it has never seen, or a programmed team in any world."""
    from lockstep.runs.directory import RunDirectory

    run, rest = run_or_words(run, words)
    if engine not in ("lockstep", "official"):
        raise UserError(f"--engine {engine} is unknown; it must be lockstep or official.")
    if policy not in ("trained", "random", "heuristic"):
        raise UserError(f"--policy {policy} is unknown; it must be trained, random or heuristic.")
    if choice not in (None, "greedy", "sampled"):
        raise UserError(f"--choice {choice} is unknown; it must be greedy or sampled.")
    if choice is not None and policy != "trained":
        raise UserError(f"--choice {choice} is for a trained policy; leave it away with --policy {policy}.")
    if (run is None) == (env is None) or (run is None and policy == "trained"):
        raise UserError(
            "Name a run, or a world with --env KEY and --policy random or heuristic; one of the two, not both."
        )
    found = None if run is None else RunDirectory.find(run)
    if trust and found is not None:
        consent.allow(found.path)
    from lockstep.config.load import load_config
    from lockstep.envs.registry import family_of, task_name
    from lockstep.teams.judge import evaluate_reference, judge, judge_every_way
    from lockstep.teams.play import world_alone

    played: Literal["lockstep", "official"] = "official" if engine == "official" else "lockstep"
    config = world_alone(str(env), rest) if found is None else load_config(str(found.config))
    if found is not None and policy == "trained":
        row = (
            judge_every_way(found, episodes, played, checkpoint)
            if choice is None
            else judge(found, episodes, played, checkpoint, choice="greedy" if choice == "greedy" else "sampled").row()
        )
        name = f"{found.path.name}, {row['env_steps']:,} env steps"
    else:
        row = {"policy": policy, "engine": engine, **evaluate_reference(config, policy, episodes, played).row()}
        name = (
            f"{policy} team, {task_name(config.env)}"
            if found is None
            else f"{policy} team where {found.path.name} plays"
        )
    if as_json:
        print(json.dumps(row))
    else:
        others = [inner for inner in row.values() if isinstance(inner, dict)]
        for each in (row, *others):
            kind = f"{each['choice']} " if "choice" in each else ""
            mean, std, played_episodes = (each[one] for one in ("test_return_mean", "test_return_std", "episodes"))
            say(f"{name}: {JUDGED} {result_text(mean, std, played_episodes, engine, kind)}")
            rate = family_of(config.env.key).rate(
                config.env.key, config.env.arguments, mean / each["test_ep_length_mean"]
            )
            if rate:
                say(f"  {rate}")


def _finish(outcome: Any, *, as_json: bool, quiet: bool) -> None:
    """Print how a training ended, and leave with its exit code."""
    if as_json:
        print(json.dumps(outcome.row()))
    elif not quiet:
        say(outcome.text())
    if outcome.result.stopped_because == "interrupted":
        raise typer.Exit(128 + outcome.result.stopped_by_signal)  # as shells count: 130 for Ctrl-C, 143 for SIGTERM
