"""Someone's first hour: `python -m tests.first_hour` types what the pages let people type, in a folder of its own.

It copies what git tracks into a new folder, installs as README says, and then goes through the blocks marked `sh` of
README, Start, Installing, the lessons, and the page for EPyMARL's users, line by line in one shell, which stops at the
first line that fails. Nothing is left out, and one number is made smaller: see `SMALLER`.
"""

import re
import subprocess
import tempfile
from pathlib import Path
from shutil import copyfile

from tests.teams.test_epymarl import results

ROOT = Path(__file__).parents[1]
PAGES = ("README", "docs/start", "docs/install", "docs/learn/own-world", "docs/learn/doctor", "docs/epymarl")
"""In the order in which they are read."""
SMALLER = {"t_max=2050000": "t_max=20000"}
"""What EPyMARL's users type is an hour of their setup's."""


def lines(page: str) -> list[str]:
    """What a page lets people type."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / f"{page}.md").read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def script() -> str:
    """All of it for one shell, each line said before it runs."""
    typed = [line for page in PAGES for line in lines(page)]
    for words, fewer in SMALLER.items():
        typed = [line.replace(words, fewer) for line in typed]
    parts = [f"cat <<'LINE'\n\n$ {line}\nLINE\n{line}" for line in dict.fromkeys(typed)]
    return "set -eu\n" + "\n".join(parts) + "\n"


def their_results(folder: Path) -> None:
    """What an EPyMARL user has: a folder of results with the names that the page has."""
    token = results(folder, "qmix_ff")
    token.rename(token.with_name(token.name.replace(" ", "_")))


def main() -> None:
    """Go through it. Raises CalledProcessError at the first line that does not work."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "lockstep"
        tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
        for name in tracked.stdout.splitlines():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            copyfile(ROOT / name, home / name)
        their_results(home / "results")
        subprocess.run(["bash", "-c", script()], cwd=home, stdin=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
