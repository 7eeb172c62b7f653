"""Same seed, same actions: the official package's observations, rewards and endings, to the byte."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstep.envs.registry import make_vec
from lockstep.envs.rware.config import IMAGE_LAYERS
from lockstep.envs.rware.drivers import DRIVERS
from lockstep.envs.rware.kinds import KINDS
from lockstep.envs.rware.official import OfficialWarehouses
from lockstep.envs.rware.simulator import Simulator
from lockstep.envs.rware.verify import VerifyReport, verify


def both(key: str, num_envs: int, seed: int, **arguments: Any) -> tuple[Simulator, OfficialWarehouses]:
    ours = make_vec(key, num_envs, seed=seed, **arguments)
    official = make_vec(key, num_envs, seed=seed, engine="official", **arguments)
    assert isinstance(ours, Simulator)
    assert isinstance(official, OfficialWarehouses)
    return ours, official


def agree(ours: Simulator, official: OfficialWarehouses, driver: str, steps: int, rng: np.random.Generator) -> None:
    """Step both, resetting lanes as they end, and compare everything there is."""
    assert np.array_equal(ours.reset(), official.reset())
    for _ in range(steps):
        actions = np.array([DRIVERS[driver](warehouse, rng) for warehouse in official.warehouses])
        if ours.config.msg_bits:
            bits = rng.integers(2, size=(*actions.shape, ours.config.msg_bits))
            actions = np.concatenate([actions[..., None], bits], axis=-1)
        a, b = ours.step(actions), official.step(actions)
        assert a.obs.tobytes() == b.obs.tobytes()
        assert np.array_equal(a.reward, b.reward)
        assert np.array_equal(a.terminated, b.terminated)
        assert np.array_equal(a.truncated, b.truncated)
        over = a.terminated | a.truncated
        if over.any():
            assert np.array_equal(ours.reset(mask=over), official.reset(mask=over))
    for lane in range(ours.num_envs):
        assert ours.snapshot(lane) == official.snapshot(lane)


def test_lane_i_is_the_official_environment_reset_with_seed_plus_i() -> None:
    import gymnasium
    import rware  # noqa: F401

    ours = make_vec("rware-tiny-2ag-v2", 3, seed=40)
    obs = ours.reset()
    for lane in range(3):
        warehouse = gymnasium.make("rware-tiny-2ag-v2", disable_env_checker=True).unwrapped
        seen, _ = warehouse.reset(seed=40 + lane)
        assert np.array_equal(obs[lane], np.stack(seen))


@pytest.mark.parametrize("normalised", [False, True])
def test_dictionaries_are_flattened_as_gymnasium_does_it(normalised: bool) -> None:
    ours, official = both(
        "rware-tiny-2ag-v2", 1, seed=4, observation_type="dict", normalised_coordinates=normalised, msg_bits=1
    )
    agree(ours, official, "delivering", 60, np.random.default_rng(1))


@pytest.mark.parametrize("driver", DRIVERS)
def test_tiny_with_two_robots_agrees_through_many_episodes(driver: str, fresh_seed: int) -> None:
    ours, official = both("rware-tiny-2ag-v2", 2, fresh_seed, time_limit=60)
    agree(ours, official, driver, 200, np.random.default_rng(fresh_seed))


@pytest.mark.parametrize("driver", ["delivering", "crowding", "everybody_on"])
def test_a_crowd_of_nineteen_agrees(driver: str, fresh_seed: int) -> None:
    ours, official = both("rware-tiny-19ag-hard-v2", 1, fresh_seed)
    agree(ours, official, driver, 150, np.random.default_rng(fresh_seed))


@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_of_warehouses_agree(kind: str, fresh_seed: int) -> None:
    report = verify(steps=800, seed=fresh_seed, kinds=(kind,))
    assert report.difference is None, report.difference.text()
    assert report.steps == 800


@st.composite
def drawn_floors(draw: st.DrawFn) -> dict[str, Any]:
    height, width = draw(st.integers(2, 6)), draw(st.integers(2, 6))
    cells = [draw(st.sampled_from("xx..g")) for _ in range(height * width)]
    for cell, kind in zip(draw(st.permutations(range(height * width))), "xxg", strict=False):
        cells[cell] = kind
    shelves = cells.count("x")
    arguments: dict[str, Any] = {
        "layout": "\n".join("".join(cells[y * width : (y + 1) * width]) for y in range(height)),
        "n_agents": draw(st.integers(1, min(20, height * width))),
        "request_queue_size": draw(st.integers(1, shelves - 1)),
        "sensor_range": draw(st.integers(1, 3)),
        "msg_bits": draw(st.integers(0, 2)),
        "reward_type": draw(st.sampled_from(["global", "individual", "two_stage"])),
        "max_steps": draw(st.integers(1, 40)),
        "max_inactivity_steps": draw(st.none() | st.integers(1, 20)),
        "normalised_coordinates": draw(st.booleans()),
        "observation_type": draw(st.sampled_from(["flattened", "flattened", "image", "image_dict"])),
        "image_observation_directional": draw(st.booleans()),
    }
    layers = IMAGE_LAYERS if height == width else tuple(one for one in IMAGE_LAYERS if "agent_" not in one)
    arguments["image_observation_layers"] = tuple(draw(st.lists(st.sampled_from(layers), min_size=1, max_size=7)))
    return arguments


@settings(max_examples=60)
@given(drawn_floors(), st.integers(0, 2**32), st.sampled_from(list(DRIVERS)))
def test_any_floor_and_any_rules_agree(arguments: dict[str, Any], seed: int, driver: str) -> None:
    ours, official = both("rware-tiny-2ag-v2", 1, seed, **arguments)
    agree(ours, official, driver, 40, np.random.default_rng(seed))


def test_verify_reports_the_first_difference_with_both_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Simulator.step

    def wrong(self: Simulator, actions: Any, mask: Any = None) -> Any:
        found = real(self, actions, mask)
        if self._lanes.clocks[0, 0] == 7:
            found.reward[0, 0] += 1.0
        return found

    monkeypatch.setattr(Simulator, "step", wrong)
    report = verify("rware-tiny-2ag-v2", steps=50, seed=3, kinds=("registered",))
    assert report.difference is not None
    assert (report.difference.what, report.difference.step) == ("The reward", 7)
    text = report.text()
    assert "official" in text
    assert "lockstep" in text
    assert '"differences": 1' in report.to_json()


def test_verify_with_the_same_seed_compares_the_same() -> None:
    def counts(report: VerifyReport) -> list[tuple[int, int, int]]:
        return [(row.steps, row.deliveries, row.conflicts) for row in report.kinds]

    first, second = (verify(steps=600, seed=5, kinds=("registered", "layouts")) for _ in range(2))
    assert counts(first) == counts(second)
