"""Particle games are told and shown, also where only some agents learn; programmed teams earn more than chance."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lockstep.acting.policy import RandomPolicy
from lockstep.cli import main
from lockstep.config.schema import EnvConfig
from lockstep.doctor.world import check_env
from lockstep.drawing.palette import THEMES
from lockstep.envs.particles.draw import SIDE, ParticlePainter
from lockstep.envs.particles.games import GAMES
from lockstep.envs.particles.plane import ParticleScene
from lockstep.envs.particles.scene import plane_text
from lockstep.envs.registry import family_of, feature_names, make_env, make_vec, try_out
from lockstep.errors import UserError
from lockstep.experience.evaluate import evaluate
from lockstep.experience.rollout import collect
from lockstep.show.film import frames
from lockstep.teams.record import Player, record_episode

TAG = "mpe:simple_tag_v3"
FAMILY = family_of(TAG)


def random_policy(env: Any, seed: int = 1) -> RandomPolicy:
    return RandomPolicy(env.spec.num_actions, np.random.default_rng(seed))


@pytest.mark.parametrize("name", GAMES)
def test_a_game_keeps_the_promises_of_the_protocol(name: str) -> None:
    promises = check_env(lambda lanes, seed: make_vec(f"mpe:{name}", lanes, seed, 8))
    assert [promise for promise in promises if promise.outcome == "broken"] == []


@pytest.mark.parametrize("name", ["simple_speaker_listener_v4", "simple_reference_v3"])
def test_a_programmed_team_says_where_to_go_and_goes_there(name: str) -> None:
    env = make_vec(f"mpe:{name}", 20)
    team = FAMILY.heuristic(env)
    assert team is not None
    planned, chance = (evaluate(policy, env, 20, seed=1).mean for policy in (team, random_policy(env)))
    assert planned > 0.5 * chance, "it costs less than half"
    batch = collect(env, team, seed=3)
    row = FAMILY.facts(env, batch.actions.numpy(), 3)
    assert row["test_reached_share"] > 0.9


@pytest.mark.parametrize("name", ["simple_tag_v3", "simple_adversary_v3", "simple_push_v3"])
@pytest.mark.parametrize("side", ["agent", "adversary"])
def test_a_programmed_side_earns_more_than_a_random_one(name: str, side: str) -> None:
    against = "adversary*" if side == "agent" else "agent_*"
    earned = []
    for others in ("random", "heuristic"):
        env = make_env(EnvConfig(key=f"mpe:{name}", team=(against,), others=others), 40, 0)
        earned.append(evaluate(random_policy(env), env, 40, seed=1).by_agent[f"{side}_0"])
    assert earned[1] > earned[0]


def test_the_heuristic_team_wants_to_see_everything() -> None:
    with pytest.raises(UserError, match="leave num_agent_neighbors"):
        FAMILY.heuristic(make_vec(TAG, 1, num_agent_neighbors=2))


def test_two_sides_are_no_team_until_it_is_said_who_learns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    trial = try_out(EnvConfig(key=TAG))
    assert trial is not None
    assert "env.team=adversary_*" in trial.remarks[0].sentence
    assert try_out(EnvConfig(key="mpe:simple_spread_v3")) is None
    words = [f"env.key={TAG}", "num_envs=2", "t_max=100", "evaluation.episodes=2", "logging.tensorboard=false"]
    assert main(["train", "report-week1", *words, "--out", "both"]) == 0
    assert "env.team=adversary_* lets only that side learn" in capsys.readouterr().err
    team = ["env.team=adversary*", "env.others=heuristic"]
    assert main(["train", "report-week1", *words, *team, "--out", "hunters"]) == 0
    assert "lets only that side learn" not in capsys.readouterr().err
    (row, *_) = (json.loads(line) for line in (tmp_path / "hunters" / "eval.jsonl").read_text().splitlines())
    assert {f"test_return_mean_of_{name}" for name in ("adversary_2", "agent_0")} <= row.keys()
    assert main(["train", "report-week1", *words, "env.team=agent_0", "env.others=hunters", "--out", "prey", "-q"]) == 0


def test_who_learns_comes_first_where_others_play_too() -> None:
    env = make_env(EnvConfig(key=TAG, team=("agent_0",)), 1, 0)
    recording = record_episode(env, Player(random_policy(env), "chance"), 2)
    first = recording.moments[0]
    assert first.adversaries == (1, 2, 3)
    assert len({picture.size for picture in frames(recording, "dark")}) == 1
    told = json.loads(json.dumps(recording.to_json()))
    assert (told["kind"], told["adversaries"], told["obstacle"]) == ("particles", [1, 2, 3], 0.2)
    assert len(told["steps"][0]["actions"]) == 1


def test_what_agents_say_is_told_and_written_above_them() -> None:
    env = make_vec("mpe:simple_speaker_listener_v4", 1)
    recording = record_episode(env, Player(random_policy(env), "chance"), 2)
    assert recording.moments[0].words == ("", "")
    last = recording.moments[-1]
    assert (last.words[0] in "ABC", last.words[1]) == (True, "")
    assert f"1 says {last.words[0]}" in plane_text(last, "light", 1.5).plain
    silent = ParticleScene(((0.0, 0.0),), (), (0.1,), words=("",))
    speaking = ParticleScene(((0.0, 0.0),), (), (0.1,), words=("B",))
    pictures = [np.asarray(ParticlePainter(1.5, SIDE).floor(plane)) for plane in (silent, speaking)]
    rows, _ = np.nonzero((pictures[0] != pictures[1]).any(-1))
    assert len(rows) > 0
    assert rows.max() < SIDE / 2 - 0.1 / 3 * SIDE, "above the agent"


@pytest.mark.parametrize("theme", THEMES)
def test_obstacles_adversaries_and_caught_prey_show(theme: str) -> None:
    plane = ParticleScene(
        ((0.0, 0.0), (0.1, 0.0), (0.8, 0.8)), ((-0.8, 0.0),), (0.075, 0.05, 0.05), (0,), (), obstacle_size=0.2
    )
    assert [plane.shines(agent) for agent in range(3)] == [False, True, False]
    picture, colors = ParticlePainter(1.5, SIDE, theme).floor(plane), THEMES[theme]

    def at(x: float, y: float) -> tuple[int, ...]:
        return tuple(np.asarray(picture)[int((1.5 - y) / 3 * SIDE), int((x + 1.5) / 3 * SIDE)].tolist())

    def rgb(color: str) -> tuple[int, ...]:
        return tuple(bytes.fromhex(color[1:]))

    assert at(-0.8, 0.15) == rgb(colors.shelf)
    assert at(0.1 + 0.09, 0.0) == rgb(colors.flash)
    assert at(0.8, 0.8) == rgb(colors.robots[2])
    assert "▒▒ obstacles  adversaries: 1" in plane_text(plane, theme, 1.5).plain


def test_actions_have_the_names_of_their_game() -> None:
    names = {name: scene.action_names for name in GAMES if (scene := FAMILY.scene(make_vec(f"mpe:{name}", 1)))}
    assert names["simple_tag_v3"] == ("stay", "left", "right", "down", "up")
    assert names["simple_speaker_listener_v4"][1] == "left or say B"
    assert names["simple_reference_v3"][5 * 2 + 3] == "say C, down"


def test_numbers_have_names_where_all_agents_see_the_same() -> None:
    names = feature_names(TAG)
    assert (len(names), names[:3], names[-2:]) == (
        16,
        ("own_velocity_x", "own_velocity_y", "own_x"),
        ("prey_velocity_x", "prey_velocity_y"),
    )
    with pytest.raises(UserError, match="no names"):
        feature_names("mpe:simple_push_v3")


def test_facts_count_touches_and_what_is_reached() -> None:
    env = make_vec(TAG, 10)
    batch = collect(env, random_policy(env), seed=3)
    assert set(FAMILY.facts(env, batch.actions.numpy(), 3)) == {"test_touch_share", "test_caught_share"}
    spread = make_vec("mpe:simple_spread_v3", 10)
    team = FAMILY.heuristic(spread)
    assert team is not None
    planned = FAMILY.facts(spread, collect(spread, team, seed=3).actions.numpy(), 3)
    assert planned["test_reached_share"] > 0.9
    push = make_vec("mpe:simple_push_v3", 10)
    row = FAMILY.facts(push, collect(push, random_policy(push), seed=3).actions.numpy(), 3)
    assert {"test_reached_share", "test_guessed_share"} <= row.keys()
    assert FAMILY.facts(make_vec(TAG, 1, engine="official"), batch.actions.numpy(), 3) == {}
