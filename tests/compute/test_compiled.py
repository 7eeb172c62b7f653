"""Compiled or not, from whatever cache: the same numbers, and a word on stderr where there is a wait."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lockstep

TRAJECTORY = """
import hashlib
import numpy as np
from lockstep.envs.registry import make_vec
digest = hashlib.sha256()
for arguments in ({}, {"msg_bits": 1}, {"observation_type": "image_dict"}):
    env = make_vec("rware-tiny-12ag-v2", 2, seed=5, num_threads=1, time_limit=25, **arguments)
    digest.update(env.reset().tobytes())
    rng = np.random.default_rng(1)
    for _ in range(25):
        actions = rng.choice(5, size=(2, 12), p=[0.05, 0.6, 0.1, 0.1, 0.15])
        step = env.step(np.stack([actions, actions % 2], axis=-1) if "msg_bits" in arguments else actions)
        digest.update(step.obs.tobytes() + step.reward.tobytes())
    digest.update(env.reset().tobytes())
print(digest.hexdigest())
"""
ROOT = Path(lockstep.__file__).parents[1]


def run(code: str, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | changes
    command, home = [sys.executable, "-c", code], environment["PYTHONPATH"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=home, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_without_the_compiler_the_numbers_are_the_same() -> None:
    assert run(TRAJECTORY, NUMBA_DISABLE_JIT="1").stdout == run(TRAJECTORY).stdout


RESET = "from lockstep.envs.registry import make_vec; make_vec('rware-tiny-2ag-v2', 1).reset()"


def test_a_cold_start_says_that_it_compiles_and_a_warm_one_is_quiet(tmp_path: Path) -> None:
    cold = run(RESET, NUMBA_CACHE_DIR=str(tmp_path))
    warm = run(RESET, NUMBA_CACHE_DIR=str(tmp_path))
    assert "Compiling the warehouse simulator" in cold.stderr
    assert warm.stderr == ""
    assert next(tmp_path.rglob("*.nbc"))


def test_an_install_that_cannot_be_written_to_uses_the_users_cache(tmp_path: Path) -> None:
    """The package's cache directory is taken by a file, as root may write into any directory."""
    shutil.copytree(ROOT / "lockstep", tmp_path / "lockstep", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "lockstep" / "__pycache__").write_text("in the way")
    where = "from lockstep.compute.compiled import code_home; print(code_home())"
    done = run(where, PYTHONPATH=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "user"), NUMBA_CACHE_DIR="")
    assert done.stdout.startswith(str(tmp_path / "user" / "lockstep"))


WHERE = """
from lockstep.compute.compiled import code_directory
import lockstep.envs.rware._playing, lockstep.envs.particles._kernel
print(code_directory("lockstep.envs.rware._playing").name, code_directory("lockstep.envs.particles._kernel").name)
"""


@pytest.mark.parametrize(
    ("file", "change", "playing_changes", "particles_change"),
    [
        ("envs/rware/_right_of_way.py", "\n", True, False),  # called by what is called by playing
        ("envs/random_streams.py", "\n", True, True),  # shared by both worlds
        ("acting/forward.py", "WIDTH = 16\n", True, False),  # a constant of a module that playing calls
        ("config/presets.py", "\n", False, False),
    ],
)
def test_machine_code_is_made_anew_where_it_depends_on_what_changed(
    file: str, change: str, playing_changes: bool, particles_change: bool, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "lockstep", tmp_path / "lockstep", ignore=shutil.ignore_patterns("__pycache__"))
    before = run(WHERE, PYTHONPATH=str(tmp_path)).stdout.split()
    with (tmp_path / "lockstep" / file).open("a") as source:
        source.write(change)
    after = run(WHERE, PYTHONPATH=str(tmp_path)).stdout.split()
    assert [one != other for one, other in zip(before, after, strict=True)] == [playing_changes, particles_change]


def test_nothing_is_compiled_before_a_simulator_is_made() -> None:
    code = "import sys, lockstep, lockstep.envs.registry; print('numba' in sys.modules, 'torch' in sys.modules)"
    assert run(code).stdout.split() == ["False", "False"]
