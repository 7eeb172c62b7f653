"""The verbs that compare and time."""

import json
from typing import Annotated

import typer

from lockstep.cli.app import Json, app, choices, complete_keys, complete_presets
from lockstep.errors import UserError


def complete_oracles(incomplete: str) -> list[str]:
    """Families with an official package whose name begins so, for the shell."""
    from lockstep.envs.registry import families

    return [family.name for family in families() if family.oracle and family.name.startswith(incomplete)]


@app.command()
def verify(
    world: Annotated[
        str,
        typer.Argument(
            metavar="rware|particles|foraging|...", autocompletion=complete_oracles, help="The family of worlds."
        ),
    ],
    steps: Annotated[int, typer.Option(help="Steps of one environment to compare.")] = 100_000,
    keys: Annotated[str | None, typer.Option(help="Only keys that match this (* and ?) or contain it.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of worlds and drivers; default a fresh one, printed.")] = None,
    as_json: Json = False,
) -> None:
    """Play our simulator and the official package side by side, until they differ or the steps are used up."""
    from lockstep.envs.registry import families

    known = [family for family in families() if family.oracle]
    chosen = next((family for family in known if world in (family.name, *family.also_called)), None)
    if chosen is None:
        ways = " or ".join(f"`lockstep verify {family.name}`" for family in known)
        raise UserError(f"There is no official package to compare {world!r} with; write {ways}.")
    from lockstep.cli.progress import Progress

    with Progress(steps, "step", quiet=as_json) as progress:
        report = chosen.verify(keys, steps, seed, lambda kind, done, _: progress(kind, done))
    print(report.to_json() if as_json else report.text())
    if report.difference is not None:
        raise typer.Exit(1)


def complete_algorithms(incomplete: str) -> list[str]:
    """Names of algorithms that begin so, for the shell."""
    from lockstep.config.schema.algorithms import SECTIONS

    return [name for name in SECTIONS if name.startswith(incomplete)]


@app.command()
def bench(
    part: Annotated[
        str,
        typer.Argument(
            metavar="env|learner|collect|train",
            autocompletion=choices("env", "learner", "collect", "train"),
            help="What to time.",
        ),
    ],
    keys: Annotated[
        list[str] | None, typer.Option(autocompletion=complete_keys, help="env: a key; repeat for several.")
    ] = None,
    preset: Annotated[str, typer.Option(autocompletion=complete_presets, help="train: what to train.")] = "solve",
    rounds: Annotated[int, typer.Option(help="Interleaved rounds; medians are printed.")] = 5,
    seconds: Annotated[float, typer.Option(help="Seconds of every single timing (not of train's).")] = 0.3,
    device: Annotated[str, typer.Option(autocompletion=choices("cpu", "cuda"), help="learner: cpu or cuda.")] = "cpu",
    algorithm: Annotated[
        str,
        typer.Option(autocompletion=complete_algorithms, help="learner, collect, train: another algorithm."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Time the simulator, one update, playing, or whole trainings; what is compared is timed in the same minute."""
    from lockstep.bench import collect, env, learner, train

    match part:
        case "env":
            result, table = env.bench_env(keys, rounds, seconds), env.table
        case "learner":
            result, table = learner.bench_learner(rounds, seconds, 0, device, algorithm), learner.table
        case "collect":
            result, table = collect.bench_collect(rounds, seconds, algorithm=algorithm), collect.table
        case "train":
            result, table = train.bench_train(preset, rounds=rounds, algorithm=algorithm), train.table
        case _:
            raise UserError(f"There is no benchmark {part!r}; choose env, learner, collect or train.")
    print(json.dumps(result) if as_json else table(result))
