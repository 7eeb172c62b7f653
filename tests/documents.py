"""What documents quote of commands is what the commands print.

In a block marked `console`, a line `$ lockstep presets` is followed by all that the command prints in a terminal of 80
columns. `…` stands for any text of a line, and alone on a line for any lines: what depends on the machine, or is long.
The commands of a document run one after the other, in a folder that holds nothing but the examples.

python -m tests.documents --write        writes anew whatever differs, without `…`
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from website.pages import ROOT, documents

BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
QUOTE = re.compile(r"^\$ (?P<command>.*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)
TERMINAL = {"COLUMNS": "80", "NO_COLOR": "1"}


def quoting() -> list[Path]:
    """The documents that quote a command's output."""
    return [path for path in documents() if path.suffix == ".md" and BLOCK.search(path.read_text())]


def as_printed(document: Path) -> str:
    """The document's text with every quotation that its command contradicts as it is printed today."""

    def anew(quote: re.Match[str]) -> str:
        output = printed(quote["command"])
        return quote[0] if agrees(quote["output"], output) else f"$ {quote['command']}\n{output}"

    with TemporaryDirectory() as place, chdir(place):
        copytree(ROOT / "examples", "examples")
        return BLOCK.sub(lambda block: QUOTE.sub(anew, block[0]), document.read_text())


def printed(command: str) -> str:
    """What a command says, or why it refuses, without blanks at the ends of lines."""
    program, *words = shlex.split(command)
    assert program == "lockstep", command
    environment = {**os.environ, **TERMINAL, "LOCKSTEP_STATE_HOME": str(Path.cwd() / "state")}
    done = subprocess.run(
        [sys.executable, "-m", "lockstep", *words], capture_output=True, text=True, env=environment, check=False
    )
    shown = done.stderr if done.returncode else done.stdout
    return "\n".join(line.rstrip() for line in shown.splitlines()).strip("\n") + "\n"


def agrees(quoted: str, output: str) -> bool:
    """True where the output is what is quoted, with something in the place of each `…`."""
    lines = [
        r"(?:.*\n)*" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n"
        for line in quoted.splitlines()
    ]
    return re.fullmatch("".join(lines), output) is not None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    for document in quoting():
        text = as_printed(document)
        if text != document.read_text():
            print(f"{document} {'written' if write else 'differs'}")
            if write:
                document.write_text(text)


if __name__ == "__main__":
    main()
