"""`python -m lockstep` and the `lockstep` command."""

import sys


def run() -> None:
    """Hand the command line to the verbs, and their exit code to the shell."""
    from lockstep.cli import main

    sys.exit(main())


if __name__ == "__main__":
    run()
