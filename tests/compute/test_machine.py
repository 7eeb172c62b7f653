"""What a run will need is worked out before it is taken, and compared with what there really is."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from lockstep.cli import main
from lockstep.compute import machine as memory
from lockstep.compute.machine import available_bytes, is_alive, resident_mib
from lockstep.config.load import load_config
from lockstep.envs.registry import make_env
from lockstep.experience.rollout import collect
from lockstep.spec import episode_bytes
from lockstep.training.command import check
from lockstep.training.estimate import check_memory, needed_bytes
from lockstep.training.session import Session
from tests.training.faults import TINY, wait_for
from tests.training.test_session import advanced, config

HUGE = 10**13


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([f"replay.buffer_size={HUGE}", f"t_max={10**15}"], f"Make replay.buffer_size={HUGE} smaller"),
        ([f"num_envs={HUGE}"], f"Make collection.num_envs={HUGE} smaller"),
        ([f"replay.batch_size={HUGE}"], "never hold a batch_size"),
        (["hidden_dim=10000000"], "Make network.hidden_dim=10000000 smaller"),
        ([f"hidden_dim={10**15}"], "networks too large for any machine"),
        ([f"hypernet_embed_dim={10**15}"], "of it for networks"),
        ([f"hidden_dim={10**18}"], f"at most {10**15}"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_allocated_or_written(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = resident_mib()
    assert main(["train", "smoke", *TINY, *words, "--no-doctor", "-q", "--out", str(tmp_path / "run")]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert err.count("\n") == 1
    assert not (tmp_path / "run").exists()
    assert resident_mib() - before < 200


def test_a_resumed_run_is_checked_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(["train", "smoke", *TINY, "t_max=80", "--no-doctor", "-q", "--out", str(run)]) == 0
    monkeypatch.setattr("lockstep.training.estimate.available_bytes", lambda: 1_000.0)
    assert main(["resume", str(run), "t_max=160"]) == 2
    assert "of memory" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["probe-two-step", "rware-tiny-2ag-v2", "tests.envs.foreign.games:Unequal"])
def test_the_replay_takes_as_much_as_was_worked_out(key: str) -> None:
    made = config(env={"key": key}, replay={"buffer_size": 40, "batch_size": 16})
    session = Session(made)
    for _ in range(5):
        session.feed.take(collect(session.env, session.policy))
    (store,) = session.feed.stores().values()
    masks = session.env.available_actions() is not None
    assert store.num_bytes() == 40 * episode_bytes(session.spec, masks=masks)
    assert needed_bytes(made, session.spec, masks=masks)["replay"] >= store.num_bytes()


def test_the_doctor_still_examines_a_replay_that_does_not_fit() -> None:
    too_large = load_config("solve", [f"replay.buffer_size={HUGE}", f"t_max={10**15}"])
    check(too_large, replay_must_fit=False)


def test_the_presets_fit_into_two_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    from lockstep.config.presets import PRESETS

    monkeypatch.setattr("lockstep.training.estimate.available_bytes", lambda: 2.0 * 2**30)
    for name in PRESETS:
        made = load_config(name)
        env = make_env(made.env, 1, 0)
        check_memory(made, env.spec, masks=env.available_actions() is not None)


def test_memory_that_runs_out_later_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def takes_too_much(self: Any, *arguments: Any) -> None:
        torch.empty(2**60, dtype=torch.uint8)

    monkeypatch.setattr(Session, "advance", takes_too_much)
    run = tmp_path / "run"
    assert main(["train", "smoke", *TINY, "--no-doctor", "-q", "--out", str(run)]) == 2
    err = capsys.readouterr().err
    assert f"Memory ran out in {run}" in err
    assert f"`lockstep resume {run}` continues" in err


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


MACHINE = {"proc/meminfo": "MemTotal: 900 kB\nMemAvailable: 800 kB\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (MACHINE, 800 * 1024),
        (  # version 2: a limit further up counts, and files that can be forgotten are free
            {
                **MACHINE,
                "proc/self/cgroup": "0::/a/b\n",
                "cgroup/a/b/memory.max": "max\n",
                "cgroup/a/b/memory.current": "5\n",
                "cgroup/a/b/memory.stat": "inactive_file 5\n",
                "cgroup/a/memory.max": "9000\n",
                "cgroup/a/memory.current": "5000\n",
                "cgroup/a/memory.stat": "anon 1\ninactive_file 1000\n",
            },
            5000,
        ),
        (  # version 1
            {
                **MACHINE,
                "proc/self/cgroup": "5:cpu:/x\n4:memory:/x\n",
                "cgroup/memory/x/memory.limit_in_bytes": "7000\n",
                "cgroup/memory/x/memory.usage_in_bytes": "6000\n",
                "cgroup/memory/x/memory.stat": "inactive_file 1\ntotal_inactive_file 2000\n",
            },
            3000,
        ),
        (  # inside a container the path leads nowhere, and the group is the root
            {
                **MACHINE,
                "proc/self/cgroup": "0::/somewhere/else\n",
                "cgroup/memory.max": "4000\n",
                "cgroup/memory.current": "4500\n",
                "cgroup/memory.stat": "inactive_file 0\n",
            },
            0,
        ),
        ({}, None),
    ],
)
def test_memory_is_what_the_machine_and_its_groups_leave(
    files: dict[str, str], expected: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, files)
    monkeypatch.setattr(memory, "PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path / "cgroup")
    assert available_bytes() == expected


def test_a_real_group_with_a_limit_is_seen() -> None:
    """In a group of its own, where this process may make one."""
    from tests.training.faults import memory_group

    with memory_group(64 * 2**20) as inside:
        said = inside("from lockstep.compute.machine import available_bytes; print(available_bytes())")
    assert 0 < float(said) <= 64 * 2**20


def test_an_advanced_session_needs_what_it_holds() -> None:
    session = advanced(config(), 10)
    needed = needed_bytes(session.config, session.spec, masks=False)
    assert sum(store.num_bytes() for store in session.feed.stores().values()) <= needed["replay"]


WIDE = ["env.key=tests.envs.foreign.games:Wide", "env.arguments={}", "env.time_limit=20", "t_max=4000"]
"""1.5 MB an episode; 200 of them are played."""


def copied_words(sentence: str) -> list[str]:
    """The overrides in backticks."""
    return next(part for part in sentence.split("`") if part.startswith("replay.buffer_size=")).split()


@pytest.mark.parametrize("free", [2.0 * 2**30, 1.0 * 2**30])
def test_a_replay_that_does_not_fit_is_refused_with_one_that_does(
    free: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lockstep.training.estimate.available_bytes", lambda: free)
    monkeypatch.setattr("lockstep.training.estimate.can_reserve", lambda size: size < 2**32)
    words = [*TINY, *WIDE, "replay.buffer_size=5000"]
    assert main(["train", "smoke", *words, "--no-doctor", "-q", "--out", "nowhere"]) == 2
    sentence = capsys.readouterr().err
    assert sentence.count("\n") == 1
    assert "replay.buffer_size=5000" in sentence
    check(load_config("smoke", [*words, *copied_words(sentence)]))


def test_the_doctor_foresees_what_a_training_is_refused_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both go by one estimate; the doctor is no traceback, and its remedy trains."""
    words = [*TINY, *WIDE, f"replay.buffer_size={HUGE}"]
    assert main(["doctor", "smoke", *words, "--json"]) == 0
    diagnosis = json.loads(capsys.readouterr().out)
    (finding,) = [finding for finding in diagnosis["findings"] if finding["name"] == "replay-does-not-fit"]
    made = load_config("smoke", words)
    env = make_env(made.env, 1, 0)
    masks = env.available_actions() is not None
    assert finding["numbers"]["replay_bytes"] == needed_bytes(made, env.spec, masks=masks)["replay"]
    check(load_config("smoke", [*words, *finding["remedies"][0]["overrides"]]))


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="only Linux tells")
def test_a_process_that_nobody_has_asked_about_yet_is_over() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        state = Path(f"/proc/{ended.pid}/stat")
        wait_for(lambda: ") Z " in state.read_text())
        assert not is_alive(ended.pid)
    assert is_alive(os.getpid())
