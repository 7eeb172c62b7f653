"""Every process that Lockstep starts for itself: one of this installation's modules, which ends with its parent.

The child's standard input is a pipe into which nobody ever writes. However the parent ends, also by SIGKILL, the system
closes its end of that pipe, and the child ends within a moment, with all that it has started in its session. A thread
that waits for the end of the pipe sees to that everywhere; on Linux the kernel does it by itself, even in the middle of
a call that never gives the interpreter back.

    child = ChildProcess("lockstep.envs.foreign.worker", descriptors=[theirs.fileno()])
    ...
    child.end()

A child that is forgotten ends with its object. Nothing here needs POSIX: where there are no sessions and no inherited
descriptors, a child has a console group of its own and inherits handles.
"""

import os
import runpy
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from lockstep.compute.output import lasting_output

_HOME = Path(__file__).parents[2]


def command(module: str, *words: str) -> list[str]:
    """Return the command that runs a module of ours with the Python that runs this one.

    `python -m` alone looks into the working folder first, and that may be a stranger's: a `json.py` in a run folder
    would be run instead of Python's own.
    """
    return [sys.executable, "-P", "-m", module, *words]


def environment() -> dict[str, str]:
    """Return this process's environment variables, with the places where it finds its modules, in the same order."""
    places = [*(path for path in sys.path if path), str(_HOME)]
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(places)),
    }


class ChildProcess:
    """A process that runs a module with arguments. Its session is its own, so Ctrl-C reaches the parent alone."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str] = (),
        *,
        descriptors: Sequence[int] = (),
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """descriptors: open files, or sockets, that the child may use; their numbers follow its arguments. variables:
        of its environment, besides this process's.
        """
        options: dict[str, Any]
        if sys.platform == "win32":
            for descriptor in descriptors:
                os.set_handle_inheritable(descriptor, True)
            options = {"close_fds": False, "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        else:
            options = {"pass_fds": descriptors, "start_new_session": True}
        self.process = subprocess.Popen(
            command("lockstep.compute.child_process", module, *arguments, *map(str, descriptors)),
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            env={**environment(), **(variables or {})},
            **options,
        )
        self._end = weakref.finalize(self, _kill, self.process)

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    def poll(self) -> int | None:
        """Its exit code, or None while it lives."""
        return self.process.poll()

    def wait(self, seconds: float | None = None) -> int | None:
        """Its exit code, or None where it lives on after so many seconds. None waits for ever."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def interrupt(self) -> None:
        """Ask it to save and stop, as Ctrl-C would."""
        with suppress(OSError):  # it has just ended
            if sys.platform == "win32":
                self.process.send_signal(signal.CTRL_BREAK_EVENT)
            else:
                self.process.send_signal(signal.SIGINT)

    def end(self, patience: float = 0.0) -> int:
        """Kill it, unless it ends by itself within so many seconds. Returns its exit code."""
        if patience > 0:
            self.wait(patience)
        self._end()
        return self.process.returncode


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """A process and its group, while its number is still its own: before anybody has asked how it ended."""
    if process.returncode is None:
        with suppress(OSError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    process.wait()


def _end_with_parent() -> None:
    """Let this process end with its parent from now on; whoever reads the standard input finds it empty."""
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_wait_for_the_end, args=(lifeline,), name="lifeline", daemon=True).start()
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # a kernel that does not know how, as in some sandboxes
            fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpid())
            fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
            fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


def _wait_for_the_end(lifeline: int) -> None:
    os.read(lifeline, 1)
    if sys.platform != "win32":
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    _end_with_parent()
    if sys.platform != "win32":  # Ray, for one, starts its workers with Ctrl-C blocked, and children inherit that
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    sys.argv = sys.argv[1:]
    with lasting_output():
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
