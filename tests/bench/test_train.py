from pathlib import Path

import pytest

from lockstep.bench.train import bench_train
from lockstep.errors import UserError


def test_a_file_whose_world_may_not_run_is_refused_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "theirs.toml"
    file.write_text('[env]\nkey = "tests.not_there:world"\ntime_limit = 5\n')

    with pytest.raises(UserError, match=r"A training of the benchmark failed: .*tests\.not_there.*Train .* by itself"):
        bench_train(str(file), collections=1, rounds=1)
