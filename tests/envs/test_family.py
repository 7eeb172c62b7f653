"""Families of worlds: one table from keys to families, and one of one's own that is trained, drawn and listed."""

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from examples.own_family import Corridors
from lockstep.acting.policy import RandomPolicy
from lockstep.cli import main
from lockstep.config.schema import EnvConfig
from lockstep.doctor.world import check_env
from lockstep.envs import family as family_module
from lockstep.envs.family import WorldFamily, register
from lockstep.envs.registry import OTHERS, OURS, family_named, family_of, list_envs, make_env, make_vec
from lockstep.errors import UserError
from lockstep.runs.reader import RunReader
from lockstep.show import player
from lockstep.show.film import frames
from lockstep.show.live.film import film
from lockstep.show.live.terminal import watch_in_terminal
from lockstep.show.recording import Recording
from lockstep.show.terminal import play_in_terminal
from lockstep.teams.play import play
from lockstep.teams.record import Player, record_episode

KEY = "examples.own_family:Corridors/5"
TINY = [
    "train", "smoke", f"env.key={KEY}", "env.arguments={}", "env.time_limit=4", "warmup_env_steps=0", "t_max=64",
    "num_envs=4", "batch_size=4", "test_interval=32", "test_nepisode=4", "hidden_dim=8", "segment_steps=0",
    "num_threads=1", "--no-doctor", "--quiet",
]  # fmt: skip


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> WorldFamily:
    """The example's family, known by its name."""
    monkeypatch.setattr(family_module, "_registered", [])
    family = Corridors()
    register(family)
    return family


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("rware-tiny-2ag-v2", "rware"),
        ("rware:rware-small-4ag-hard-v2", "rware"),
        ("mpe:simple_spread_v3", "particles"),
        ("pz-mpe-simple-spread-v3", "particles"),
        ("Foraging-8x8-2p-2f-v3", "foraging"),
        ("lbforaging:Foraging-2s-8x8-2p-2f-coop-v3", "foraging"),
        ("probe-coin", "probes"),
        ("mpe:simple_tag_v3", "particles"),
        ("pz-mpe-simple-speaker-listener-v4", "particles"),
        ("mpe:simple_crypto_v3", "foreign"),
        ("my_module:parallel_env", "foreign"),
        ("no_such_module:Namespace/Game-v5", "foreign"),
        ("examples.own_family:Corridor/5", "foreign"),  # a class that is no family
        (KEY, "corridors"),
    ],
)
def test_a_key_belongs_to_one_family(key: str, name: str) -> None:
    assert family_of(key).name == name


def test_families_are_found_by_what_they_are_called() -> None:
    assert family_named("mpe") is family_named("particles")
    names = [word for family in (*OURS, *OTHERS) for word in (family.name, *family.also_called)]
    assert len(set(names)) == len(names)
    with pytest.raises(UserError, match="no family of worlds 'chess'; there are: rware"):
        family_named("chess")


def test_a_family_of_ones_own_keeps_the_protocols_promises_and_is_listed() -> None:
    promises = check_env(lambda lanes, seed: make_vec(KEY, lanes, seed, 4))
    assert {promise.name for promise in promises if promise.outcome == "broken"} == set()
    (row,) = list_envs("examples.own_family:Corridors")
    assert (row.agents, row.actions) == (2, 3)


def test_a_registered_family_is_known_by_its_name(registered: WorldFamily) -> None:
    assert family_of("corridors/9") is registered
    assert make_vec("corridors/9", 3).spec.obs_dim == 18
    assert "a corridor" in "".join(row.world for row in list_envs())


def test_what_a_family_does_not_say_is_left_out() -> None:
    family, world = Corridors(), make_vec(KEY, 2)
    assert family.heuristic(world) is None
    assert family.facts(world, np.zeros((2, 4, 2), dtype=np.int64), 0) == {}
    assert family.about(world).paragraphs == ()
    with pytest.raises(UserError, match="no heuristic team for"):
        play(env_key=KEY, policy="heuristic")
    with pytest.raises(UserError, match="no official package to compare corridors with"):
        family.verify(None, 1, None, lambda what, done, total: None)
    with pytest.raises(UserError, match="stepped right here"):
        make_env(EnvConfig(key=KEY, workers=2), 1, 0)


def test_a_world_keeps_the_key_that_it_was_made_for(registered: WorldFamily, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registered, "make", lambda *wanted: make_vec("probe-coin", 1), raising=False)
    with pytest.raises(UserError, match=r"corridors made 'corridors/3' with a spec of 'probe-coin'"):
        make_vec("corridors/3", 1)


def episode() -> Recording:
    env = make_env(EnvConfig(key=KEY, time_limit=4), 1, 3)
    return record_episode(env, Player(RandomPolicy(3, np.random.default_rng(1)), "random"), 3)


def test_a_world_of_text_has_films_pages_and_a_place_in_the_terminal() -> None:
    recording = episode()
    drawn = frames(recording, "dark")
    assert len(drawn) == 5
    assert len({picture.size for picture in drawn}) == 1
    assert np.any(np.asarray(drawn[0]) != np.asarray(drawn[-1]))
    told = json.loads(json.dumps(recording.to_json()))
    assert (told["kind"], told["texts"]) == ("text", list(recording.moments))
    assert "LockstepPlayer" in player.page([recording])
    stream = StringIO()
    play_in_terminal(recording, fps=100, console=Console(file=stream))
    assert recording.moments[0] in stream.getvalue()


def test_a_family_of_ones_own_is_trained_watched_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "run"
    assert main([*TINY, "--out", str(out)]) == 0
    record = RunReader.open(out)
    assert len(record.evaluations["env_steps"]) >= 2
    assert record.num_agents == 2
    shown = film(record.config, json.loads(record.directory.recordings.read_text().splitlines()[-1]))
    assert (shown["kind"], len(shown["texts"])) == ("text", 5)
    stream = StringIO()
    watch_in_terminal(record, Console(file=stream, width=100))
    assert shown["texts"][-1] in stream.getvalue()
    capsys.readouterr()
    assert main(["envs", "examples.own_family:Corridors"]) == 0
    assert "Corridors/7" in capsys.readouterr().out
