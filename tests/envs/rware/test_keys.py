"""A key means to us what it means to the official package."""

import itertools
from typing import Any

import gymnasium
import pytest

from lockstep.envs.registry import list_envs, make_vec
from lockstep.envs.rware.config import WarehouseConfig, warehouse_config
from lockstep.envs.rware.keys import registered_keys, warehouse_arguments
from lockstep.envs.rware.layout import layout_from_sizes, layout_from_text
from lockstep.envs.rware.official import make_official, official_arguments
from lockstep.errors import UserError


def differing(key: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments that the package registers under the key and that ours do not equal."""
    ours = official_arguments(warehouse_config(key))
    return {name: value for name, value in kwargs.items() if ours[name] != value}


def test_every_key_that_importing_rware_registers_means_the_same() -> None:
    import rware

    rware.image_registration()
    specs = [one for name, one in gymnasium.registry.items() if name.startswith("rware-")]
    assert len(specs) >= 228 * 5
    refused = []
    for spec in specs:
        try:
            assert differing(spec.id, dict(spec.kwargs)) == {}, spec.id
        except UserError:
            refused.append(spec.id)
    broken = ("1ag-hard", "tiny-16ag-easy", "tiny-17ag-easy", "tiny-18ag-easy", "tiny-19ag-easy")
    assert all(any(word in key for word in broken) for key in refused), refused
    assert set(registered_keys()) == {spec.id for spec in specs if "img" not in spec.id} - set(refused)


@pytest.mark.slow
def test_every_key_of_the_full_registration_means_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are millions: every 997th is looked at."""
    import rware

    seen = itertools.count()
    checked = []

    def register(id: str, entry_point: str, kwargs: dict[str, Any]) -> None:
        if next(seen) % 997 == 0:
            try:
                assert differing(id, kwargs) == {}, id
                checked.append(id)
            except UserError:
                floor = layout_from_sizes(kwargs["shelf_columns"], kwargs["shelf_rows"], kwargs["column_height"])
                assert not 0 < kwargs["request_queue_size"] < len(floor.shelf_cells), id

    monkeypatch.setattr(rware, "register", register)
    rware.full_registration()
    assert len(checked) > 2_000


@pytest.mark.parametrize("rows", [1, 2, 4])
@pytest.mark.parametrize("columns", [3, 5, 9])
@pytest.mark.parametrize("height", [1, 2, 8])
def test_floors_made_from_sizes_are_the_packages(rows: int, columns: int, height: int) -> None:
    from rware.warehouse import Warehouse

    floor = layout_from_sizes(columns, rows, height)
    config = WarehouseConfig(shelf_columns=3, shelf_rows=1, n_agents=1, request_queue_size=1)
    arguments = official_arguments(config) | {"shelf_columns": columns, "shelf_rows": rows, "column_height": height}
    official = Warehouse(**arguments)
    assert official.highways.tolist() == floor.highways.tolist()
    assert official.goals == list(floor.goals)


def test_a_drawing_is_read_as_the_package_reads_it() -> None:
    drawing = """
        X . x g
        . G x .
    """
    config = WarehouseConfig(layout=drawing, n_agents=1, request_queue_size=1)
    official = make_official(config)
    assert official.highways.tolist() == config.floor.highways.tolist()
    assert official.goals == list(config.floor.goals) == [(3, 0), (1, 1)]


def test_prefixes_of_gymnasium_are_understood() -> None:
    assert warehouse_arguments("rware:rware-tiny-2ag-v2") == warehouse_arguments("rware-tiny-2ag-v2")
    assert warehouse_arguments("lockstep/rware-tiny-2ag-v2") == warehouse_arguments("rware-tiny-2ag-v2")


def test_enumerations_may_be_given_as_the_packages_own_members() -> None:
    from rware.warehouse import ImageLayer, ObservationType, RewardType

    config = warehouse_config(
        "rware-tiny-2ag-v2",
        reward_type=RewardType.TWO_STAGE,
        observation_type=ObservationType.IMAGE,
        image_observation_layers=[ImageLayer.GOALS, ImageLayer.AGENTS],
    )
    assert (config.reward_type, config.observation_type) == ("two_stage", "image")
    assert config.image_observation_layers == ("goals", "agents")


BAD = [
    ("rware-tiny-25ag-v2", {}, "25 robots"),
    ("rware-tiny-2ag-v3", {}, "did you mean 'rware-tiny-2ag-v2'"),
    ("rware-huge-2ag-v2", {}, "lockstep envs"),
    ("rwear-tiny-2ag-v2", {}, "did you mean 'rware-tiny-2ag-v2'"),
    ("CartPole-v9", {}, "lockstep envs"),
    ("probe-nothing", {}, "probe-"),
    ("rware-tiny-1ag-hard-v2", {}, "request no shelf"),
    ("rware-tiny-16ag-easy-v2", {}, "another shelf to request next"),
    ("rware-Nd-tiny-2ag-v2", {}, "images only"),
    ("rware-7s-tiny-2ag-v2", {}, "7 cells of sight"),
    ("rware-1x4-8h-2ag-2req-indiv-v2", {}, "odd numbers"),
    ("rware-tiny-2ag-v2", {"n_agents": -1}, "n_agents=-1"),
    ("rware-tiny-2ag-v2", {"n_agents": 2.5}, "whole number"),
    ("rware-tiny-2ag-v2", {"n_agents": 111}, "do not fit"),
    ("rware-tiny-2ag-v2", {"n_agent": 3}, "did you mean n_agents"),
    ("rware-tiny-2ag-v2", {"colour": 3}, "known are"),
    ("rware-tiny-2ag-v2", {"sensor_range": 0}, "at least 1"),
    ("rware-tiny-2ag-v2", {"sensor_range": 400}, "absurd"),
    ("rware-tiny-2ag-v2", {"max_steps": -5}, "max_steps=-5"),
    ("rware-tiny-2ag-v2", {"time_limit": 0}, "time_limit=0"),
    ("rware-tiny-2ag-v2", {"time_limit": 5, "max_steps": 5}, "two names"),
    ("rware-tiny-2ag-v2", {"reward_type": "shared"}, "global, individual, two_stage"),
    ("rware-tiny-2ag-v2", {"observation_type": "dicts"}, "flattened"),
    ("rware-tiny-2ag-v2", {"normalised_coordinates": 1.5}, "true or false"),
    ("rware-tiny-2ag-v2", {"shelf_columns": 4}, "odd"),
    ("rware-tiny-2ag-v2", {"layout": 7}, "drawing"),
    ("rware-tiny-2ag-v2", {"layout": "xx.\nx."}, "Line 2"),
    ("rware-tiny-2ag-v2", {"layout": "xx?g"}, "'?'"),
    ("rware-tiny-2ag-v2", {"layout": "xx.."}, "no goal"),
    ("rware-tiny-2ag-v2", {"layout": "...g"}, "no shelf"),
    ("rware-tiny-2ag-v2", {"layout": "x" * 20_000 + "g"}, "too large"),
    ("rware-img-tiny-2ag-v2", {"image_observation_layers": ["agent_load"]}, "square"),
    ("rware-img-tiny-2ag-v2", {"image_observation_layers": []}, "at least one of"),
    ("rware-tiny-2ag-v2", {"engine": "jax"}, "engine='jax'"),
    ("rware-tiny-2ag-v2", {"seed": -1}, "seed=-1"),
    ("rware-tiny-2ag-v2", {"num_threads": 0}, "num_threads=0"),
]


@pytest.mark.parametrize(("key", "arguments", "word"), BAD)
def test_what_cannot_be_made_is_refused_in_a_sentence(key: str, arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(UserError) as refusal:
        make_vec(key, 2, **arguments)
    sentence = str(refusal.value)
    assert word in sentence
    assert "\n" not in sentence
    assert len(sentence) < 300


@pytest.mark.parametrize("num_envs", [0, -3, 2.0, True, "4"])
def test_a_wrong_number_of_lanes_is_refused(num_envs: Any) -> None:
    with pytest.raises(UserError, match="num_envs="):
        make_vec("rware-tiny-2ag-v2", num_envs)


def test_the_list_shows_what_can_be_made() -> None:
    rows = list_envs("rware-tiny-2ag")
    assert [row.key for row in rows] == ["rware-tiny-2ag-easy-v2", "rware-tiny-2ag-v2", "rware-tiny-2ag-hard-v2"]
    assert (rows[1].agents, rows[1].obs_dim, rows[1].time_limit) == (2, 71, 500)
    assert any(row.key.startswith("probe-") for row in list_envs())
    assert list_envs("imgdict-Nd-large")
    with pytest.raises(UserError, match="No environment"):
        list_envs("pong")


def test_ragged_spaces_in_drawings_do_not_matter() -> None:
    assert layout_from_text("x x\n. g").highways.tolist() == layout_from_text("xx\n.g\n").highways.tolist()
