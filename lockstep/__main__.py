"""`python -m lockstep` and the `lockstep` command."""

import os
import sys


def run() -> None:
    """Hand the command line to the verbs, and their exit code to the shell."""
    # Torch's idle threads must sleep, not spin: two runs side by side on two cores would slow each other ten times.
    # OpenMP reads this once, when torch is first imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    from lockstep.cli import main

    sys.exit(main())


if __name__ == "__main__":
    run()
