"""Every allowed value of every setting works or is refused in a sentence: the schema is walked, nothing is listed.

Each setting takes its literals, its bounds and what lies beside them, one at a time; then many change at once. Every
configuration is checked, built, plays and learns twice. Where it is compiled, the gradient is the page's.
"""

import random
from collections.abc import Iterator
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
import pytest
import torch
from pydantic import BaseModel

from lockstep.algorithms.learner import DivergedError
from lockstep.algorithms.registry import algorithm_of, build
from lockstep.cli import main
from lockstep.config.load import validated, with_changes
from lockstep.config.schema import RunConfig
from lockstep.config.schema.algorithms import DEFAULT, SECTIONS
from lockstep.errors import UserError
from lockstep.training.command import check
from lockstep.training.session import Session

FLOOR = ".....\n.x.x.\n..g.."
BASE: dict[str, Any] = {
    "env.key": "rware-tiny-2ag-v2",
    "env.time_limit": 6,
    "env.arguments": {"layout": FLOOR, "request_queue_size": 1},
    "collection.num_envs": 2,
    "exploration.epsilon_finish": 0.5,
    "network.hidden_dim": 4,
    "network.mixing_embed_dim": 3,
    "network.hypernet_embed_dim": 5,
    "replay.batch_size": 2,
    "replay.buffer_size": 5,
    "training.num_threads": 1,
    "evaluation.episodes": 2,
}
"""A world and networks so small that hundreds of runs take seconds."""
MODERATE = 8
"""Up to here, a count may be played out; a greater one takes long because it says so."""
COMBINATIONS = 30


def settings(algorithm: str) -> Iterator[tuple[str, list[Any]]]:
    """Every setting that an algorithm has, by its dotted path, and values to try. Texts have none: what they name is
    tested elsewhere."""
    for section, field in RunConfig.model_fields.items():
        if isinstance(field.default, BaseModel):
            model = SECTIONS[algorithm] if section == "algorithm" else type(field.default)
            fields = {f"{section}.{name}": inner for name, inner in model.model_fields.items()}
        else:
            fields = {section: field}
        for path, one in fields.items():
            values = list(candidates(one.annotation, one.metadata))
            if values and path != "algorithm.name":
                yield path, values


def candidates(annotation: Any, metadata: list[Any]) -> Iterator[Any]:
    """Each literal, each bound, and a little beside it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from candidates(inner[0], [*metadata, *inner[1:]])
    elif origin is Literal:
        yield from inner
    elif origin is Union or isinstance(annotation, type(int | None)):
        for one in inner:
            yield from candidates(one, metadata)
    elif annotation is type(None):
        yield None
    elif annotation is bool:
        yield from (False, True)
    elif annotation in (int, float):
        yield from numbers(annotation, metadata)
    elif origin is tuple:
        yield ()
        for value in candidates(inner[0], metadata):
            yield from ((value,), (value, value))


def numbers(kind: type, metadata: list[Any]) -> Iterator[Any]:
    bounds = {
        name: value
        for one in metadata
        for part in (one if isinstance(one, annotated_types.GroupedMetadata) else (one,))
        for name in ("ge", "gt", "le", "lt")
        if (value := getattr(part, name, None)) is not None
    }
    step = 1 if kind is int else 1e-3
    least, most = bounds.get("ge", bounds.get("gt", -2)), bounds.get("le", bounds.get("lt", 2**64))
    inside = [least, least + step, least + 3 * step, most - step, most]
    yield from (kind(value) for value in inside)
    if kind is float:
        yield from (least + 1e-300, (least + min(most, 2.0)) / 2)


def single_changes() -> list[tuple[str, str]]:
    """Algorithms and paths: what they share is changed with the default and one other only."""
    elsewhere = {
        path: name for name in reversed(list(SECTIONS)) for path, _ in settings(name) if path.startswith("algorithm.")
    }
    return [
        (algorithm, path)
        for algorithm in SECTIONS
        for path, _ in settings(algorithm)
        if algorithm in (DEFAULT, elsewhere.get(path))
    ]


def combination(seed: int) -> dict[str, Any]:
    """Settings that change together: of a random handful, those that are allowed one by one, or two at a time."""
    rng = random.Random(seed)
    changes: dict[str, Any] = {"algorithm.name": rng.choice(list(SECTIONS))}
    known = dict(settings(changes["algorithm.name"]))
    moderate = {path: [value for value in values if not is_long(value)] for path, values in known.items()}
    names = rng.sample(sorted(path for path in moderate if moderate[path]), rng.randint(4, 16))
    drawn = [(path, rng.choice(moderate[path])) for path in names if path != "training.num_threads"]
    for together in (1, 2):
        for some in combinations([change for change in drawn if change[0] not in changes], together):
            with suppress(UserError):
                check(configured({**changes, **dict(some)}))
                changes |= dict(some)
    return changes


def configured(changes: dict[str, Any]) -> RunConfig:
    return validated(with_changes({}, {**BASE, **changes}))


def is_long(value: Any) -> bool:
    return isinstance(value, int) and value > MODERATE


def works_or_is_refused(changes: dict[str, Any]) -> None:
    """Raises whatever is no sentence."""
    with suppress(UserError, DivergedError):
        config = configured(changes)
        check(config)
        learn_twice(config, long=any(map(is_long, changes.values())))


def learn_twice(config: RunConfig, *, long: bool) -> None:
    """Two rounds with their updates, and an evaluation; a long one is begun and left."""
    session = Session(config)
    if long:
        return
    for _ in range(MODERATE + 1):
        session.advance()
        if session.learner.updates >= 2:
            break
    if session.feed.ready:
        assert_compiled_as_the_page(session)
    session.evaluate(2)


def assert_compiled_as_the_page(session: Session) -> None:
    """As one learner, as freshly made, sees the batch and another does, to a thousandth of the largest number."""
    fresh: Any = build(session.spec, session.config)
    page = algorithm_of(session.config).page(session.spec, session.config)
    if type(fresh.page) is type(page):
        return
    batch = next(session.feed.batches(session.replay_rng))
    loss, _, gradient = fresh.gradient(batch)
    page_loss, _, page_gradient = page.gradient(fresh.online, fresh.target, batch)
    torch.testing.assert_close(loss, page_loss, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(gradient, page_gradient, rtol=1e-3, atol=1e-3 * page_gradient.abs().max().item())


@pytest.mark.parametrize(("algorithm", "path"), single_changes())
def test_each_value_of_a_setting_works_or_is_refused(algorithm: str, path: str) -> None:
    for value in dict(settings(algorithm))[path]:
        works_or_is_refused({"algorithm.name": algorithm, path: value})


def test_more_steps_of_reward_than_an_episode_has_are_all_of_them() -> None:
    config = configured({"algorithm.n_step": 10**15})
    check(config)
    learn_twice(config, long=False)


@pytest.mark.parametrize("first", range(0, COMBINATIONS, 10))
def test_settings_that_change_together_work_or_are_refused(first: int) -> None:
    for seed in range(first, first + 10):
        works_or_is_refused(combination(seed))


@pytest.mark.slow
def test_a_thousand_combinations_work_or_are_refused() -> None:
    for seed in range(1000, 2000):
        works_or_is_refused(combination(seed))


@pytest.mark.parametrize("name", ["buffer_size", "rewarding_buffer_size"])
def test_a_memory_beyond_the_machine_is_refused_before_there_is_a_run(name: str, tmp_path: Path, capsys: Any) -> None:
    words = ["smoke", f"replay.{name}=1000000000000", "--no-doctor", "--out", str(tmp_path / "run")]
    assert main(["train", *words]) == 2
    assert f"replay.{name}=1000000000000 asks for" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
