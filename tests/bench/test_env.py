"""The benchmark measures what it says. How fast is no test's business."""

import json

import pytest

from lockstep.bench.env import bench_env, table
from lockstep.errors import UserError


def test_the_result_is_json_with_a_row_for_every_key() -> None:
    keys = ["rware-tiny-2ag-v2", "rware-tiny-4ag-v2"]
    result = json.loads(json.dumps(bench_env(keys, rounds=1, seconds=0.01, num_envs=16)))
    assert [row["key"] for row in result["rows"]] == keys
    first = result["rows"][0]
    assert first["obs_bytes_per_step"] == 2 * 71 * 4
    assert first["cells"] == 110
    assert first["one_thread_ratio"] == pytest.approx(first["one_thread"] / first["official"])
    assert keys[1] in table(result)


def test_fields_whose_episodes_end_early_are_timed_too() -> None:
    (row,) = bench_env(["Foraging-5x5-2p-1f-v3"], rounds=1, seconds=0.01, num_envs=16)["rows"]
    assert (row["cells"], row["agents"], row["obs_bytes_per_step"]) == (25, 2, 2 * 9 * 4)


def test_a_wrong_key_is_refused_before_anything_is_timed() -> None:
    with pytest.raises(UserError, match="rware-tiny-99ag-v2"):
        bench_env(["rware-tiny-2ag-v2", "rware-tiny-99ag-v2"])
