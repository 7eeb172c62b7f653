"""The compiled fields are lbforaging's, draw for draw; and they keep the promises of the protocol."""

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockstep.cli import main
from lockstep.envs.foraging.config import ForagingConfig, foraging_config
from lockstep.envs.foraging.official import OfficialForaging, make_official
from lockstep.envs.foraging.simulator import ForagingSimulator
from lockstep.envs.foraging.verify import KINDS, verify
from lockstep.envs.registry import has_official_engine, make_vec
from lockstep.errors import UserError
from lockstep.spec import BYTE_BITS, FLOAT_BITS, EnvSpec
from tests.envs.foraging.fields import EAST, LOAD, NORTH, STAY, WEST, field, places, simulator

KEY = "Foraging-8x8-2p-2f-v3"


def test_no_step_differs_from_the_package(fresh_seed: int) -> None:
    report = verify(steps=1_200, seed=fresh_seed)
    assert report.difference is None, report.difference
    assert report.steps == 1_200
    assert {row.kind for row in report.kinds} == set(KINDS)
    assert sum(row.meals for row in report.kinds) > 0
    assert sum(row.refusals for row in report.kinds) > 0


@pytest.mark.slow
def test_no_step_of_many_differs_from_the_package(fresh_seed: int) -> None:
    report = verify(steps=100_000, seed=fresh_seed)
    assert report.difference is None, report.difference


def levels(count: int) -> st.SearchStrategy[tuple[Any, Any]]:
    """Lowest and highest: one for all, or one for each."""
    pair = st.tuples(st.integers(0, 5), st.integers(0, 5)).map(sorted)
    each = st.lists(pair, min_size=count, max_size=count).map(lambda pairs: tuple(zip(*pairs, strict=True)))
    return st.one_of(pair.map(tuple), each)


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """Constructor arguments of any kind; some of them can only be refused."""
    players, foods = draw(st.integers(1, 8)), draw(st.integers(1, 6))
    (least, most), (lightest, heaviest) = draw(levels(players)), draw(levels(foods))
    rows, columns = draw(st.integers(3, 9)), draw(st.integers(3, 9))
    return {
        "players": players,
        "max_num_food": foods,
        "field_size": (rows, draw(st.sampled_from((rows, columns)))),
        "min_player_level": least,
        "max_player_level": most,
        "min_food_level": lightest,
        "max_food_level": draw(st.sampled_from((None, heaviest))),
        "sight": draw(st.integers(0, 10)),
        "max_episode_steps": draw(st.integers(1, 30)),
        "force_coop": draw(st.booleans()),
        "normalize_reward": draw(st.booleans()),
        "grid_observation": draw(st.booleans()),
        "observe_agent_levels": draw(st.booleans()),
        "penalty": draw(st.sampled_from((0.0, 0.1, 1, -0.25))),
    }


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rules(), st.integers(0, 2**40), st.integers(0, 2**32 - 1))
def test_any_arguments_are_refused_in_a_sentence_or_played_exactly(
    arguments: dict[str, Any], seed: int, chance: int
) -> None:
    try:
        config = foraging_config(KEY, None, arguments)
    except UserError:
        return
    ours, truth = ForagingSimulator(KEY, config, 2, seed), OfficialForaging(KEY, config, 2, seed)
    rng = np.random.default_rng(chance)
    np.testing.assert_array_equal(ours.reset(), truth.reset())
    for _ in range(8):
        actions = rng.choice(6, size=(2, config.players), p=(0.1, 0.15, 0.15, 0.15, 0.15, 0.3))
        a, b = truth.step(actions), ours.step(actions)
        for what, left, right in zip(a._fields, a, b, strict=True):
            np.testing.assert_array_equal(left, right, err_msg=what)
        assert [truth.moment(lane) for lane in (0, 1)] == [ours.moment(lane) for lane in (0, 1)]
        over = a.terminated | a.truncated
        np.testing.assert_array_equal(truth.reset(mask=over), ours.reset(mask=over))


@pytest.mark.parametrize("key", [KEY, "Foraging-2s-10x10-3p-3f-coop-v3", "Foraging-5x5-9p-4f-v3"])
def test_a_key_is_what_gymnasium_makes_of_it(key: str) -> None:
    import gymnasium

    official: Any = gymnasium.make(f"lbforaging:{key}", disable_env_checker=True).unwrapped
    ours = make_vec(key, 1, seed=11)
    assert isinstance(ours, ForagingSimulator)
    mine, theirs = make_official(ours.config), official
    for name in ("field_size", "sight", "max_num_food", "penalty", "force_coop", "_max_episode_steps"):
        assert getattr(mine, name) == getattr(theirs, name)
    for seed in range(3):
        obs, _ = gymnasium.make(f"lbforaging:{key}", disable_env_checker=True).reset(seed=seed)
        np.testing.assert_array_equal(ours.reset(seed=seed)[0], obs)


def test_without_a_seed_players_start_where_nobody_stood() -> None:
    """On nine cells nine players never move: the package asks for free cells while all still stand on theirs."""
    env = simulator("Foraging-3x3-9p-1f-v3", num_envs=2, seed=5)
    env.reset()
    before = [env.moment(lane).players for lane in (0, 1)]
    env.reset()
    assert [env.moment(lane).players for lane in (0, 1)] == before
    env.reset(seed=6)
    assert [env.moment(lane).players for lane in (0, 1)] != before


def test_a_difference_is_found_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    step = ForagingSimulator.step

    def wrong(self: ForagingSimulator, actions: Any, mask: Any = None) -> Any:
        return step(self, (actions + 1) % 6, mask)

    monkeypatch.setattr(ForagingSimulator, "step", wrong)
    report = verify(steps=200, seed=1)
    assert report.difference is not None
    assert "differs in Foraging-" in report.difference
    assert "official" in report.text()


def test_the_command_compares_and_prints(capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("foraging", "lbforaging"):
        assert main(["verify", word, "--steps", "60", "--seed", "3"]) == 0
    assert "60 steps compared (seed 3), no difference" in capsys.readouterr().out
    assert main(["verify", "foraging", "--keys", "grid", "--steps", "60"]) == 0
    assert main(["verify", "foraging", "--keys", "tiny"]) == 2


def test_without_the_package_nothing_is_confirmed_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_official_engine(KEY)
    monkeypatch.setitem(sys.modules, "lbforaging", None)
    monkeypatch.delitem(sys.modules, "lbforaging.foraging", raising=False)
    assert not has_official_engine(KEY)
    with pytest.raises(UserError, match=r"needs the package lbforaging.*pip install 'lockstep-marl\[worlds\]'"):
        make_vec(KEY, 1, engine="official")


def test_a_learner_is_told_the_shapes() -> None:
    far, near = (FLOAT_BITS, FLOAT_BITS, BYTE_BITS), (BYTE_BITS,) * 3
    assert simulator(KEY).spec == EnvSpec(KEY, 2, 12, 6, 50, (*far, *far, *near, *far))
    assert make_vec(f"lbforaging:{KEY}", 1).spec.sizes == (2, 12, 6)
    assert make_vec("Foraging-grid-2s-8x8-3p-2f-v3", 1).spec.sizes == (3, 75, 6)


def test_food_is_shared_out_by_the_levels_of_who_loads_it() -> None:
    env = field(
        """
        . . . . .
        . A1 3 B2 .
        . . . . .
        . . . 1 .
        . . . . .
        """
    )
    step = env.step(np.array([[LOAD, LOAD]]))
    assert step.reward[0].tolist() == pytest.approx([1 * 3 / (3 * 4), 2 * 3 / (3 * 4)])
    assert not step.terminated[0]
    assert env.moment(0).foods == (((3, 3), 1),)


def test_who_loads_too_heavy_food_pays_and_the_other_does_not() -> None:
    env = field(". . . . .\n. A1 3 B2 .\n. . . . .\n. . . . .\n. . . . .", penalty=0.1)
    step = env.step(np.array([[LOAD, STAY]]))
    assert step.reward[0].tolist() == pytest.approx([-0.1, 0.0])


def test_two_who_want_one_cell_both_stay_and_two_may_change_places() -> None:
    drawing = ". . . . .\n. A1 . B1 .\n. . . . .\n. . . 1 .\n. . . . ."
    env = field(drawing)
    env.step(np.array([[EAST, WEST]]))
    assert places(env) == [(1, 1), (1, 3)]
    env = field(drawing.replace("A1 . B1", ". A1 B1"))
    env.step(np.array([[EAST, WEST]]))
    assert places(env) == [(1, 3), (1, 2)]


def test_who_only_fails_to_leave_a_cell_does_not_keep_others_out() -> None:
    """The package's rule, odd as it is: B is held back by C, and A comes to stand on B's cell."""
    env = field(". . . . .\nA1 B1 . C1 .\n. . . . .\n. . . 1 .\n. . . . .")
    env.step(np.array([[EAST, EAST, WEST]]))
    assert places(env) == [(1, 1), (1, 1), (1, 3)]


def test_nobody_walks_over_food_or_the_edge_or_loads_nothing() -> None:
    env = field("A1 . . . .\n. B1 2 . .\n. . . . .\n. . . . .\n. . . . .")
    step = env.step(np.array([[NORTH, EAST]]))
    assert places(env) == [(0, 0), (1, 1)]
    step = env.step(np.array([[LOAD, STAY]]))
    assert step.reward[0].tolist() == [0.0, 0.0]


def test_the_end_of_time_is_a_truncation_and_the_last_meal_a_termination() -> None:
    drawing = ". . . . .\n. A1 1 . .\n. . . . .\n. . . . .\n. . . . ."
    step = field(drawing, time_limit=1).step(np.array([[STAY]]))
    assert (step.terminated[0], step.truncated[0]) == (False, True)
    step = field(drawing, time_limit=1).step(np.array([[LOAD]]))
    assert (step.terminated[0], step.truncated[0]) == (True, False)
    assert step.reward.sum() == 1.0


def test_players_see_what_lies_within_their_sight() -> None:
    env = field(". . . . .\n. A1 . . .\n. . . 2 .\n. . . . .\n. . . . B2", sight=1)
    seen = env.step(np.array([[STAY, STAY]])).obs[0]
    assert seen[0].tolist() == [-1, -1, 0, 1, 1, 1, -1, -1, 0]
    env = field(". . . . .\n. A1 . . .\n. . . 2 .\n. . . . .\n. . . . B2", sight=2)
    seen = env.step(np.array([[STAY, STAY]])).obs[0]
    assert seen[0].tolist() == [2, 3, 2, 1, 1, 1, 4, 4, 2]  # at the edge players are seen further off than food
    assert seen[1].tolist() == [0, 1, 2, 2, 2, 2, -1, -1, 0]


def test_lanes_outside_the_mask_stay_as_they_are() -> None:
    env = simulator(KEY, num_envs=2, seed=7)
    env.reset()
    before = env.get_state()
    step = env.step(np.full((2, 2), EAST), np.array([True, False]))
    after = env.get_state()
    assert all(np.array_equal(before[name][1], after[name][1]) for name in before)
    assert after["steps"].tolist() == [1, 0]
    assert step.reward[1].tolist() == [0.0, 0.0]


def test_a_state_continues_exactly() -> None:
    env, rng = simulator(KEY, num_envs=3, seed=5), np.random.default_rng(1)
    actions = rng.integers(6, size=(5, 3, 2))
    env.reset()
    state = env.get_state()
    first = [env.step(one).obs.copy() for one in actions]
    env.reset()
    env.set_state(state)
    assert [env.step(one).obs.tolist() for one in actions] == [obs.tolist() for obs in first]
    with pytest.raises(UserError, match="does not fit"):
        simulator(KEY, num_envs=2).set_state(state)


def test_a_seed_belongs_to_a_lane() -> None:
    assert np.array_equal(simulator(KEY, 2, seed=10).reset()[1], simulator(KEY, 1, seed=11).reset()[0])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"players": 0}, "players=0 must be a whole number from 1"),
        ({"max_num_food": 0}, "max_num_food=0"),
        ({"field_size": 8}, "rows and columns"),
        ({"field_size": (2, 8)}, "from 3 to"),
        ({"field_size": (8, 5)}, "swaps rows and columns"),
        ({"min_player_level": 3}, "min_player_level=3 is above max_player_level=2"),
        ({"min_player_level": (1, 1, 1)}, "3 levels for 2"),
        ({"min_food_level": 3}, "give max_food_level"),
        ({"sight": -1}, "sight=-1"),
        ({"sight": 0, "grid_observation": True}, "sight=0"),
        ({"sight": 1_000, "grid_observation": True}, "lower sight"),
        ({"penalty": "much"}, "must be a number"),
        ({"force_coop": 1}, "must be true or false"),
        ({"field_size": (3, 3), "players": 10, "sight": 1}, "find no place"),
        ({"max_foods": 3}, "no argument of a field of food"),
        ({"maximum_num_food": 3}, "did you mean max_num_food"),
        ({"time_limit": 5, "max_episode_steps": 5}, "two names of one thing"),
    ],
)
def test_impossible_rules_are_refused(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        simulator(KEY, **arguments)


@pytest.mark.parametrize("key", ["Foraging-8x8-2p-2f-v2", "Foraging-8x8-2p-2f-2s-v3", "lbforaging:Foraging-8x8"])
def test_a_wrong_key_is_answered_with_the_nearest(key: str) -> None:
    with pytest.raises(UserError, match="did you mean 'Foraging-.*v3'"):
        make_vec(key, 1)


def test_impossible_steps_are_refused_and_change_nothing() -> None:
    env = simulator(KEY)
    with pytest.raises(UserError, match="reset it before"):
        env.step(np.zeros((1, 2), dtype=int))
    env.reset()
    before = env.get_state()
    for actions, sentence in (([[0, 6]], "Action 6"), ([[0]], "1 x 2"), ([[0.0, 0.0]], "whole numbers")):
        with pytest.raises(UserError, match=sentence):
            env.step(np.array(actions))
    assert all(np.array_equal(before[name], value) for name, value in env.get_state().items())


def test_rules_are_plain_values() -> None:
    assert ForagingConfig(field_size=[8, 8]).field_size == (8, 8)  # type: ignore[arg-type]
    assert ForagingConfig(min_player_level=[1, 2], max_player_level=[2, 2]).min_player_level == (1, 2)  # type: ignore[arg-type]
