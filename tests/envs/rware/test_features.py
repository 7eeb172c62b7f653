"""Layouts as people have them, names for what robots see, and robots that talk while they move."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from rware.warehouse import ObservationType, RewardType, Warehouse

import lockstep
from lockstep.cli import main
from lockstep.config.load import load_config
from lockstep.config.schema import EnvConfig
from lockstep.envs.registry import make_env, make_vec, try_out
from lockstep.envs.rware.config import warehouse_config
from lockstep.errors import UserError

DRAWING = "..x..\n.xxx.\n..g..\n"


def package(bits: int) -> Warehouse:
    return Warehouse(3, 8, 1, 2, bits, 1, 2, None, 100, RewardType.INDIVIDUAL, observation_type=ObservationType.DICT)


def flattened(space: Any, path: tuple[Any, ...]) -> Any:
    """An observation of zeros but for the one at `path`."""

    def zero(part: Any) -> Any:
        if isinstance(part, spaces.Dict):
            return {name: zero(inner) for name, inner in part.items()}
        if isinstance(part, spaces.Tuple):
            return tuple(zero(inner) for inner in part)
        return 0 if isinstance(part, spaces.Discrete) else np.zeros(part.shape, part.dtype)

    nested = place = zero(space)
    for step in path[:-1]:
        place = place[step]
    if path:
        place[path[-1]][0] = 1
    return spaces.flatten(space, nested)


@pytest.mark.parametrize("bits", [0, 2])
def test_names_are_those_of_the_packages_own_dictionaries(bits: int) -> None:
    names = lockstep.feature_names("rware-tiny-2ag-v2", msg_bits=bits)
    space = package(bits).observation_space[0]
    assert len(names) == len(set(names)) == spaces.flatdim(space)
    at = {name: number for number, name in enumerate(names)}
    for name, path in {
        "carrying_shelf": ("self", "carrying_shelf"),
        "on_highway": ("self", "on_highway"),
        "cell(-1,-1).has_agent": ("sensors", 0, "has_agent"),
        "cell(1,-1).has_shelf": ("sensors", 2, "has_shelf"),
        "cell(0,0).shelf_requested": ("sensors", 4, "shelf_requested"),
        "cell(1,1).shelf_requested": ("sensors", 8, "shelf_requested"),
    }.items():
        # In the nested form it is 1 and everything else 0; flattened, it is where the name says.
        assert flattened(space, path)[at[name]] == 1
        assert flattened(space, path).sum() == flattened(space, ()).sum() + 1
    assert (at["x"], at["y"]) == (0, 1)
    assert names.index("direction_left") == names.index("direction_up") + 2


def test_images_are_named_by_layer_and_cell() -> None:
    names = lockstep.feature_names("rware-tiny-2ag-v2", observation_type="image_dict", sensor_range=2)
    config = warehouse_config("rware-tiny-2ag-v2", observation_type="image_dict", sensor_range=2)
    assert len(names) == len(set(names)) == config.obs_dim
    assert names[4:7] == ("on_highway", "carrying_shelf", "shelves.cell(-2,-2)")
    with pytest.raises(UserError, match="have no names here"):
        lockstep.feature_names("CartPole-v1")


@pytest.mark.parametrize(
    "text",
    [
        DRAWING.replace("\n", "\r\n"),
        DRAWING.replace("\n", "\\n"),
        "\ufeff" + DRAWING.replace(".", " . "),
        "# my floor\n\n..x..\t# shelves\n\t.xxx.\n\n..g..",
    ],
    ids=["windows", "typed", "spaces", "comments"],
)
def test_a_floor_is_read_however_it_is_written(text: str) -> None:
    plain = make_vec("rware-tiny-2ag-v2", 1, seed=1, layout=DRAWING, request_queue_size=1)
    assert np.array_equal(
        make_vec("rware-tiny-2ag-v2", 1, seed=1, layout=text, request_queue_size=1).reset(), plain.reset()
    )
    assert warehouse_config("rware-tiny-2ag-v2", layout=text, request_queue_size=1).layout == DRAWING.strip()


def test_a_floor_is_read_from_a_file_once_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "floor.txt"
    file.write_text(DRAWING)
    config = load_config("smoke", [f"layout=@{file}"])
    assert config == load_config("smoke", [f"env.arguments.layout=@{file}"])
    assert config.env.arguments["layout"] == DRAWING
    with pytest.raises(UserError, match=r"nowhere.txt cannot be read"):
        load_config("smoke", ["env_args.layout=@nowhere.txt"])
    with pytest.raises(UserError, match="Line 1 of the layout contains"):  # no file may name another
        warehouse_config("rware-tiny-2ag-v2", layout=f"@{file}")


@pytest.mark.parametrize(
    ("drawing", "sentence"),
    [
        (DRAWING, None),
        (
            ".....\n.xxx.\n.xxx.\n.xxx.\n..g..",
            "1 of 9 shelves can be brought to no goal (first: line 3, column 3)",
        ),
        ("g.x\n..x\ng..", None),
        ("gx.x.\nxx.x.\n..g..", "the goal in line 1, column 1 has no corridor beside it"),
    ],
)
def test_what_nobody_can_serve_is_told_before_training(drawing: str, sentence: str | None) -> None:
    arguments = {"layout": drawing, "request_queue_size": 1}
    trial = try_out(EnvConfig(key="rware-tiny-2ag-v2", arguments=arguments))
    assert (trial is None) if sentence is None else (trial is not None and sentence in trial.remarks[0].sentence)


def test_robots_that_talk_choose_one_action(tmp_path: Path) -> None:
    task = EnvConfig(key="rware-tiny-2ag-v2", time_limit=10, arguments={"msg_bits": 2})
    ours, plain = make_env(task, 2, 5), make_vec("rware-tiny-2ag-v2", 2, 5, 10, msg_bits=2)
    assert ours.spec.num_actions == 20
    ours.reset()
    plain.reset()
    rng = np.random.default_rng(0)
    for _ in range(10):
        moves = rng.integers(20, size=(2, 2))
        parts = np.stack([moves // 4, moves // 2 % 2, moves % 2], axis=-1)
        assert all(np.array_equal(one, two) for one, two in zip(ours.step(moves), plain.step(parts), strict=True))
    words = ["env.arguments.msg_bits=1", "t_max=200", "warmup_env_steps=0", "test_interval=200", "test_nepisode=2"]
    run = str(tmp_path / "run")
    assert main(["train", "smoke", *words, "--no-doctor", "-q", "--out", run]) == 0
    assert main(["evaluate", run, "--episodes", "2", "--engine", "official"]) == 0
