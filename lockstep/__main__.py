"""`python -m lockstep` and the `lockstep` command."""

import io
import os
import signal
import sys
from types import FrameType


def run() -> None:
    """Hand the command line to the verbs, and their exit code to the shell."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupted)

    # Torch's idle threads must sleep, not spin: two runs side by side on two cores would slow each other ten times.
    # OpenMP reads this once, when torch is first imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    # A file's name may hold bytes that are no text; to print it must not be the end.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    from lockstep.cli import main

    sys.exit(main())


def interrupted(number: int, frame: FrameType | None) -> None:
    """Ctrl-C, as Python has it, but in the middle of an import the process ends here.

    Libraries that are being imported forget a KeyboardInterrupt, or turn it into errors of their own.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os._exit(128 + number)
        frame = frame.f_back
    raise KeyboardInterrupt


if __name__ == "__main__":
    run()
