"""`python -m lockstep` and the `lockstep` command."""

import io
import os
import sys


def run() -> None:
    """Hand the command line to the verbs, and their exit code to the shell."""
    # Torch's idle threads must sleep, not spin: two runs side by side on two cores would slow each other ten times.
    # OpenMP reads this once, when torch is first imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    # A file's name may hold bytes that are no text; to print it must not be the end.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    from lockstep.cli import main

    sys.exit(main())


if __name__ == "__main__":
    run()
