"""Any habits at once: the numbers of a plain loop over the same game, or one sentence; never anything else."""

import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstep.envs.registry import make_vec
from lockstep.errors import UserError
from tests.envs.foreign.odd import FAULTS, Habits, Plain

HERE = "tests.envs.foreign.odd"
LENGTH = 4


def told(name: str, seed: int, own_state: bool = False, **habits: Any) -> list[dict[str, Any]]:
    """Two random episodes as Lockstep tells them, the second from another seed."""
    env = make_vec(f"{HERE}:{name}", 1, seed, own_state=own_state, **habits)
    rng, rows = np.random.default_rng(7), []
    for start in (None, seed + 100):
        obs, over, heard, earned = env.reset(start), False, None, None
        while True:
            allowed: Any = env.available_actions()
            state = env.state()
            rows.append(
                {
                    "obs": obs[0].tolist(),
                    "allowed": allowed[0].tolist(),
                    "state": None if state is None else state[0].tolist(),
                    "reward": earned,
                    "over": heard,
                }
            )
            if over:
                break
            step = env.step((rng.random(allowed.shape) * allowed).argmax(-1))
            obs, earned = step.obs, step.reward[0].tolist()
            heard = (bool(step.terminated[0]), bool(step.truncated[0]))
            over = any(heard)
    env.close()
    return rows


def reference(seed: int, own_state: bool = False, **words: Any) -> list[dict[str, Any]]:
    """The same by a plain loop over the game itself."""
    habits = Habits(**words)
    rng, rows = np.random.default_rng(7), []
    for start in (seed, seed + 100):
        chance = {"global": np.random.RandomState(start), "python": random.Random(start)}
        game = Plain(habits)
        game.begin(chance.get(habits.seeding, np.random.default_rng(start)))
        before = [True] * habits.agents
        earned, heard = None, None
        while True:
            here = [game.here(agent) for agent in range(habits.agents)]
            allowed = np.array([game.allowed(one) if here[one] else np.arange(6) == 0 for one in range(habits.agents)])
            sight = np.where(np.array(before)[:, None], game.numbers, 0.0).astype(np.float32)
            rows.append(
                {
                    "obs": sight.tolist(),
                    "allowed": allowed.tolist(),
                    "state": np.full(3, game.numbers[0].sum(), dtype=np.float32).tolist() if own_state else None,
                    "reward": earned,
                    "over": heard,
                }
            )
            if game.over:
                break
            actions = (rng.random((1, *allowed.shape)) * allowed).argmax(-1)[0]
            before = here
            game.move({agent: int(actions[agent]) for agent in range(habits.agents) if here[agent]})
            rewards = game.earned.astype(np.float32)
            if habits.rewards == "team":
                rewards = np.array([np.float32(game.earned.sum()), *[0.0] * (habits.agents - 1)], dtype=np.float32)
            earned = rewards.tolist()
            ended = game.over and habits.end == "terminated"
            heard = (ended, game.over and not ended)
    return rows


def test_the_game_is_told_as_it_is() -> None:
    assert told("Odd", 3) == reference(3)


@pytest.mark.parametrize(
    "habits",
    [
        {"end": "terminated"},
        {"end": "limit"},
        {"end": "limit", "results": 4},
        {"end": "terminated", "results": 4},
        {"flags": "all"},
        {"flags": "all", "end": "limit"},
        {"flags": "scalar", "end": "terminated"},
        {"flags": "silent", "end": "terminated"},
        {"leaving": True},
        {"leaving": True, "end": "terminated"},
        {"reset": "alone"},
        {"seeding": "call"},
        {"seeding": "global"},
        {"seeding": "python"},
        {"rewards": "arrays"},
        {"rewards": "team"},
        {"rewards": "omitted"},
        {"observation": "bytes"},
        {"observation": "dictionary"},
        {"observation": "tuple"},
        {"observation": "wrapped"},
        {"observation": "bare"},
        {"actions": "multi"},
        {"actions": "tuple"},
        {"actions": "dictionary"},
        {"masks": "observation"},
        {"masks": "observation", "observation": "wrapped", "mask_name": "avail_actions"},
        {"masks": "infos"},
        {"masks": "infos", "actions": "multi", "mask_name": "available_actions"},
        {"masks": "common", "mask_name": "avail_actions"},
        {"masks": "call"},
        {"manners": "prints"},
        {"manners": "moves"},
    ],
    ids=str,
)
def test_a_habit_changes_no_number(habits: dict[str, Any]) -> None:
    assert told("Odd", 3, **habits) == reference(3, **habits)


def test_a_state_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(UserError, match=r"has no state of its own.*leave env.state at joined"):
        told("Odd", 3, own_state=True)


@pytest.mark.parametrize("place", ["call", "infos", "observation"])
def test_a_state_of_its_own_is_what_the_mixer_sees(place: str) -> None:
    assert told("Odd", 3, own_state=True, state=place) == reference(3, own_state=True, state=place)


@pytest.mark.parametrize(
    "habits", [{"flags": "list", "end": "terminated"}, {"end": "limit"}, {"masks": "common"}], ids=str
)
def test_agents_in_tuples_are_told_alike(habits: dict[str, Any]) -> None:
    assert told("OddGym", 3, **habits) == reference(3, **habits)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("nan", "step 1, r0: nan came, which is no finite number"),
        ("nothing", "step 1, r0: nan came, which is no finite number"),
        ("wide", r"step 1, r0: an array of shape \(5,\) came, where float32 of shape \(4,\), 0 to 1 is expected"),
        ("short mask", "step 1, r0: its mask has 4 entries for 6 actions"),
        ("no action", "step 1, r0: its mask allows no action at all"),
        ("none reward", "step 2, r0: its reward is None, not one number"),
        ("nan reward", "step 2, r0: its reward is nan, not a finite number"),
        ("gone", "step 1, the team: nobody was sent an observation, and it is not over"),
        ("strange flags", "step 1, the team: one of the terminations is 'no'"),
    ],
)
def test_what_is_no_number_is_a_sentence_with_agent_and_step(fault: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        told("Odd", 3, fault=fault, masks="infos")


def test_what_a_world_prints_and_where_it_goes_is_its_own_affair(capfd: pytest.CaptureFixture[str]) -> None:
    before = Path.cwd()
    told("Odd", 3, manners="prints")
    assert capfd.readouterr().out == ""
    told("Odd", 3, manners="moves")
    assert Path.cwd() == before


def test_our_own_global_generators_are_left_alone() -> None:
    np.random.seed(5)
    random.seed(5)
    expected = np.random.RandomState(5).random(), random.Random(5).random()
    told("Odd", 3, seeding="global")
    told("Odd", 3, seeding="python")
    assert (np.random.random(), random.random()) == expected


_habits = st.fixed_dictionaries(
    {},
    optional={
        "agents": st.integers(1, 3),
        "length": st.integers(1, 6),
        "end": st.sampled_from(["truncated", "terminated", "limit"]),
        "flags": st.sampled_from(["each", "all", "silent", "scalar"]),
        "leaving": st.booleans(),
        "reset": st.sampled_from(["both", "alone"]),
        "seeding": st.sampled_from(["reset", "call", "global", "python"]),
        "results": st.sampled_from([4, 5]),
        "rewards": st.sampled_from(["floats", "arrays", "team", "omitted"]),
        "observation": st.sampled_from(["box", "bytes", "dictionary", "tuple", "wrapped", "bare"]),
        "actions": st.sampled_from(["discrete", "multi", "tuple", "dictionary"]),
        "masks": st.sampled_from(["none", "observation", "infos", "common", "call"]),
        "mask_name": st.sampled_from(["action_mask", "avail_actions", "available_actions"]),
        "manners": st.sampled_from(["good", "prints", "moves"]),
        "fault": st.sampled_from(["none", "none", "none", *FAULTS]),
    },
)


@given(habits=_habits, seed=st.integers(0, 1000), own_state=st.booleans())
@settings(deadline=None, max_examples=150)
def test_any_habits_at_once_are_the_plain_game_or_a_sentence(
    habits: dict[str, Any], seed: int, own_state: bool
) -> None:
    if own_state:
        habits["state"] = ("call", "infos", "observation")[seed % 3]
    if _cannot_be_known(habits):
        return
    if habits.get("fault", "none") == "none":
        assert told("Odd", seed, own_state, **habits) == reference(seed, own_state, **habits)
        return
    with suppress(UserError):  # where the episode is long enough for it to show
        told("Odd", seed, own_state, **habits)


def _cannot_be_known(habits: dict[str, Any]) -> bool:
    """Where the world does not tell what the game knows."""
    one_flag = habits.get("flags", "each") in ("all", "silent", "scalar") or habits.get("results") == 4
    truncated = habits.get("end", "truncated") == "truncated"
    if truncated and (habits.get("flags") == "silent" or habits.get("results") == 4):
        return True  # nobody says that it was a limit
    if habits.get("leaving") and (one_flag or habits.get("rewards") == "team"):
        return True  # nobody says that one has left
    if habits.get("leaving") and habits.get("length") == 1:
        return True  # it would have left before it came
    if habits.get("masks") == "observation" and habits.get("observation") == "bare":
        return True
    if habits.get("reset") == "alone" and "infos" in (habits.get("state"), habits.get("masks")):
        return True  # at the start there are no infos
    if habits.get("reset") == "alone" and habits.get("masks") == "common":
        return True
    return habits.get("state") == "observation" and habits.get("observation") == "bare"
