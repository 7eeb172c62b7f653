"""Real environments train with the command that trains warehouses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lockstep.cli import main
from lockstep.envs.registry import make_vec

SPEAKER_LISTENER = "mpe2.simple_speaker_listener_v4:parallel_env"
WORLDS = {
    SPEAKER_LISTENER: (2, 11, 5, 25),
    "mpe:simple_crypto_v3": (3, 8, 4, 25),
    "pz-mpe-simple-crypto-v3": (3, 8, 4, 25),
    "CartPole-v1": (1, 4, 2, 500),
}


@pytest.mark.parametrize(("key", "shapes"), WORLDS.items())
def test_a_world_says_its_shapes_and_repeats_itself(key: str, shapes: tuple[int, ...]) -> None:
    env = make_vec(key, 2, seed=5)
    assert (env.spec.num_agents, env.spec.obs_dim, env.spec.num_actions, env.spec.time_limit) == shapes
    first = env.reset().copy()
    assert env.reset(seed=5).tolist() == first.tolist()


def test_the_list_shows_how_others_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["envs", "mpe:"]) == 0
    assert "by other people" in capsys.readouterr().out
    assert main(["envs", "mpe:", "--json"]) == 0
    rows = {row["key"]: row["agents"] for row in json.loads(capsys.readouterr().out)}
    assert rows["mpe:simple_spread_v3"] == 3
    assert rows["mpe:simple_crypto_v3"] is None


def test_speakers_have_three_words_and_listeners_five_moves() -> None:
    env = make_vec(SPEAKER_LISTENER, 1)
    env.reset()
    available: Any = env.available_actions()
    assert available[0].sum(-1).tolist() == [3, 5]


def test_archers_and_knights_die_before_the_others() -> None:
    env = make_vec("pettingzoo:butterfly/knights_archers_zombies_v11", 1, seed=2, time_limit=300)
    env.reset()
    rng, over = np.random.default_rng(1), False
    left = []
    while not over:
        available: Any = env.available_actions()
        left.append(int((available[0].sum(-1) == 1).sum()))
        step = env.step((rng.random(available.shape) * available).argmax(-1))
        over = bool((step.terminated | step.truncated)[0])
    assert left[0] == 0
    assert left == sorted(left)
    assert left[-1] == 1


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(SPEAKER_LISTENER, "qmix"), (SPEAKER_LISTENER, "iql"), ("mpe:simple_speaker_listener_v4", "qmix")],
)
def test_the_same_command_trains_it_and_resumes_exactly(
    key: str, algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [
        f"env.key={key}",
        f"algorithm.name={algorithm}",
        "collection.num_envs=2",
        "replay.batch_size=4",
        "evaluation.episodes=2",
        "evaluation.every_env_steps=100",
        "checkpoint.every_env_steps=100",
        "logging.every_env_steps=100",
        "logging.tensorboard=false",
        "training.num_threads=1",
    ]
    whole, half = [*words, "training.max_env_steps=400"], [*words, "training.max_env_steps=200"]
    assert main(["train", "report-week1", *whole, "--out", "whole", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["updates"] > 0
    assert main(["train", "report-week1", *half, "--out", "half", "-q"]) == 0
    config = (tmp_path / "half" / "config.toml").read_text()
    (tmp_path / "half" / "config.toml").write_text(config.replace("max_env_steps = 200", "max_env_steps = 400"))
    assert main(["resume", "half", "-q"]) == 0
    ends = [json.loads((tmp_path / run / "metrics.jsonl").read_text().splitlines()[-1]) for run in ("whole", "half")]
    assert {name: ends[0][name] for name in ("env_steps", "loss", "return_mean")} == {
        name: ends[1][name] for name in ("env_steps", "loss", "return_mean")
    }
