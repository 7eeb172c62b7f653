"""macOS and Windows lack some of what Linux has: nothing of that is needed to import, to train, or to read a run."""

import ctypes
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lockstep.cli import main
from lockstep.compute import machine
from lockstep.compute.machine import cores, is_alive
from lockstep.runs.directory import RunDirectory
from lockstep.shell import command_line
from tests.cli.test_cli import TINY_RUN

MISSING = {
    "macOS": ("for name in ('sched_getaffinity', 'sched_setaffinity', 'memfd_create'): delattr(os, name)",),
    "Windows": (
        "for name in ('sched_getaffinity', 'sched_setaffinity', 'memfd_create', 'nice', 'sysconf'): delattr(os, name)",
        "for name in ('O_DIRECTORY', 'O_NOFOLLOW', 'fork', 'killpg', 'setsid', 'getpgid'): delattr(os, name)",
        "for name in ('SIGHUP', 'SIGKILL', 'SIGSTOP', 'SIGCONT', 'SIGUSR1'): delattr(signal, name)",
        "for name in ('fcntl', 'resource', 'termios', 'pwd', 'grp'): sys.modules[name] = None",
    ),
}
"""What a system does not have, as the lines that take it from this one."""

OTHERS = "gymnasium, matplotlib.pyplot, numba, pettingzoo, PIL.Image, rich.console, scipy, starlette, typer, uvicorn"
BEGINNING = (
    "import os, pathlib, signal, subprocess, sys, torch._dynamo, torch.utils.tensorboard",
    f"import {OTHERS}",  # they look at the system when they are imported, and are not what is tried here
)


def without(system: str, *lines: str, folder: Path) -> str:
    """What a process prints in which these lines run after the system's features are gone. Fails where it fails."""
    nowhere = ("import lockstep.compute.machine as machine", "machine.PROC = pathlib.Path('/nowhere')")
    script = "\n".join((*BEGINNING, *MISSING[system], *nowhere, *lines))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


TRAIN = [*TINY_RUN, "num_threads=1", "--out", "a run/größe", "--quiet", "--no-doctor"]


@pytest.mark.parametrize("system", MISSING)
def test_every_module_is_imported_and_a_training_runs_goes_on_and_is_read(system: str, tmp_path: Path) -> None:
    words = repr(["train", "smoke", *TRAIN])
    out = without(
        system,
        "from lockstep.cli import main",
        f"assert main({words}) == 0",
        "assert main(['resume', 'a run/größe', 't_max=800', '--quiet']) == 0",
        "assert main(['evaluate', 'a run/größe', '--episodes', '5']) == 0",
        "assert main(['export', 'a run/größe', '--out', 'numbers']) == 0",
        "assert main(['doctor', 'a run/größe']) == 0",
        "import importlib, pkgutil, lockstep",
        "for found in pkgutil.walk_packages(lockstep.__path__, 'lockstep.'):",
        "    found.name.endswith(('__main__', 'worker', '_gru_kernel')) or importlib.import_module(found.name)",
        folder=tmp_path,
    )
    assert "judged return" in out
    run = RunDirectory(tmp_path / "a run" / "größe")
    assert run.has_ended
    assert not list(run.path.rglob("*.writing"))


def test_what_needs_a_stopped_process_says_so(tmp_path: Path) -> None:
    out = without(
        "Windows",
        "sys.stderr = sys.stdout",
        "from lockstep.cli import main",
        "assert main(['selftest', 'resume', '--kills', '1']) == 2",
        folder=tmp_path,
    )
    assert out.startswith("lockstep: `lockstep selftest resume` stops processes")


def test_without_system_locks_a_living_process_still_holds_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    run = RunDirectory.create(tmp_path / "run", "smoke", 1, "")
    with run.locked():
        script = (
            "import sys; sys.modules['fcntl'] = None; from pathlib import Path\n"
            "from lockstep.runs.directory import RunDirectory\n"
            f"with RunDirectory(Path({str(run.path)!r})).locked(): pass"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert f"Process {os.getpid()} is already training" in done.stderr
    with run.locked():
        pass


class Kernel:
    """What is asked of Windows about processes: 7 lives, 8 has ended, 9 is somebody else's."""

    error = 0

    def OpenProcess(self, rights: int, inherit: bool, pid: int) -> int:  # noqa: N802
        self.error = 5 if pid == 9 else 87
        return pid if pid in (7, 8) else 0

    def GetLastError(self) -> int:  # noqa: N802
        return self.error

    def WaitForSingleObject(self, process: int, milliseconds: int) -> int:  # noqa: N802
        return 0x102 if process == 7 else 0

    def CloseHandle(self, process: int) -> None:  # noqa: N802
        pass


def test_nobody_is_sent_a_signal_to_ask_whether_he_lives_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "windll", type("Windll", (), {"kernel32": Kernel()})(), raising=False)
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("that would be Ctrl-C"))
    assert [is_alive(pid) for pid in (7, 8, 9, 10)] == [True, False, True, False]


def test_this_process_lives_and_a_dead_one_does_not() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert is_alive(os.getpid())
    assert not is_alive(process.pid)


@pytest.mark.parametrize(
    ("files", "bound", "expected"),
    [
        ({}, 8, 8),
        ({"proc/self/cgroup": "0::/a/b\n", "cgroup/a/b/cpu.max": "max 100000\n"}, 8, 8),
        ({"proc/self/cgroup": "0::/a/b\n", "cgroup/a/b/cpu.max": "350000 100000\n"}, 8, 3),
        ({"proc/self/cgroup": "0::/a/b\n", "cgroup/a/cpu.max": "200000 100000\n"}, 8, 2),
        ({"proc/self/cgroup": "0::/a\n", "cgroup/a/cpu.max": "50000 100000\n"}, 8, 1),
        ({"proc/self/cgroup": "0::/a\n", "cgroup/a/cpu.max": "900000 100000\n"}, 2, 2),
        ({"proc/self/cgroup": "0::/a\n", "cgroup/a/cpu.max": "nonsense\n"}, 2, 2),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/x\n3:memory:/x\n",
                "cgroup/cpu/x/cpu.cfs_quota_us": "150000\n",
                "cgroup/cpu/x/cpu.cfs_period_us": "50000\n",
            },
            8,
            3,
        ),
        (
            {
                "proc/self/cgroup": "1:cpu:/\n",
                "cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            8,
            8,
        ),
    ],
)
def test_a_containers_quota_counts(
    files: dict[str, str], bound: int, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(machine, "PROC", tmp_path / "proc")
    monkeypatch.setattr(machine, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(bound)), raising=False)
    assert cores() == expected


def test_where_affinity_is_unknown_all_processors_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    monkeypatch.setattr(machine, "PROC", Path("/nowhere"))
    assert cores() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1


NAMES = ["plain", "two words", "größe", "back\\slash", "don't", "$HOME;ls", "a&b"]


@pytest.mark.parametrize("name", NAMES)
def test_a_command_is_what_a_shell_reads_back(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = command_line("resume", Path(f"runs/{name}"), "t_max=4_000")
    assert shlex.split(typed) == ["lockstep", "resume", f"runs/{name}", "t_max=4_000"]
    monkeypatch.setattr(sys, "platform", "win32")
    assert command_line("resume", "C:\\my runs\\größe") == 'lockstep resume "C:\\my runs\\größe"'


def test_every_printed_command_can_be_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A training's last words, a refusal and a doctor's advice name its folder as a shell wants it."""
    monkeypatch.chdir(tmp_path)
    name = " ".join(NAMES)
    assert main(["train", "smoke", *TINY_RUN, "--out", name, "--no-doctor"]) == 0
    commands = [line.strip() for line in capsys.readouterr().out.splitlines() if line.startswith("  lockstep ")]
    assert len(commands) == 3
    assert all(shlex.split(command)[2] == name for command in commands)
    assert main(["train", "smoke", *TINY_RUN, "--out", name]) == 2
    assert f"`{command_line('resume', name)}`" in capsys.readouterr().err
    assert main(["resume", name, "seed=3"]) == 2
    assert f"`{command_line('train', Path(name) / 'config.toml', 'seed=3')}`" in capsys.readouterr().err


def test_a_terminal_that_cannot_write_a_sign_shows_another(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "lockstep", "train", "smoke", *TINY_RUN, "--no-doctor", "--out", "größe"]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert b"Finished after" in done.stdout


def test_a_process_that_was_spawned_can_play(tmp_path: Path) -> None:
    """The start method of macOS and Windows: nothing is inherited, everything imported anew."""
    script = tmp_path / "spawning.py"
    script.write_text(
        "import multiprocessing\n\n\n"
        "def play(seed):\n"
        "    import lockstep\n"
        "    env = lockstep.make_vec('rware-tiny-2ag-v2', 2, seed=seed)\n"
        "    return float(env.reset().sum())\n\n\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        assert pool.map(play, [3, 3]) == [play(3)] * 2\n",
        encoding="utf-8",
    )
    subprocess.run([sys.executable, str(script)], check=True, timeout=120)
