"""Commands as people can type them."""

import shlex
import subprocess
import sys


def command_line(*words: object) -> str:
    """`lockstep` and these words, each quoted as the shells of this system want it: to be copied into a terminal."""
    return " ".join(map(quoted, ["lockstep", *words]))


def quoted(word: object) -> str:
    """One word of a command."""
    text = str(word)
    return subprocess.list2cmdline([text]) if sys.platform == "win32" else shlex.quote(text)
