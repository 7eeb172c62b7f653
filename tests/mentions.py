"""What documents mention in the letters of code is there: our files and folders, names of classes, and tests.

`test_lease.py::test_a_frozen_holder_…` is a test of a file, `…` the rest of its name; `algorithms/fast/` a folder.
"""

import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
TEST = re.compile(r"(?:(?P<file>[\w/]+\.py)::)?(?P<name>…?\w+…?)")
FILE = re.compile(r"[\w./-]+\.py")
FOLDER = re.compile(r"(?P<first>\w+)/(?:[\w.-]+/)*")
CLASS = re.compile(r"(?P<name>[A-Z][a-z]+(?:[A-Z]\w*)+)(?:[.(].*)?")
OF_OTHERS = {
    "simple_spread.py": "mpe2",
    "json.py": "an example of what may lie in somebody's folder",
    "numpy.py": "an example of what may lie in somebody's folder",
    "PettingZooWrapper": "TorchRL",
    "GymWrapper": "TorchRL",
    "test_return_mean_of_adversary_0": "a number that is named by an agent",
}
"""What is mentioned and not ours, and whose it is."""


def astray(document: Path) -> list[str]:
    """Whatever a document mentions outside of its blocks that is not there."""
    return [said for said in TEXT.findall(BLOCK.sub("", document.read_text())) if not _is_there(said)]


def _is_there(said: str) -> bool:
    files, folders, words = _known()
    if said in OF_OTHERS:
        return True
    if (test := TEST.fullmatch(said)) and (test["file"] or test["name"].startswith("test_")) and "test" in said:
        name = re.compile(r"def " + test["name"].replace("…", r"\w*") + r"\(")
        there = [path for path in files if path.startswith("tests/") and path.endswith(test["file"] or ".py")]
        return test["name"] in words or any(name.search((ROOT / path).read_text()) for path in there)
    if FILE.fullmatch(said):
        return any(f"/{path}".endswith(f"/{said}") for path in files)
    if (folder := FOLDER.fullmatch(said)) and {folder["first"], f"lockstep/{folder['first']}"} & folders:
        return any(f"/{path}/".endswith(f"/{said}") for path in folders)
    named = CLASS.fullmatch(said)
    return named is None or named["name"] in words


@cache
def _known() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The files and folders that are tracked, and every word of our Python."""
    told = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    folders = {parent.as_posix() for path in told.stdout.splitlines() for parent in Path(path).parents}
    files = frozenset(path for path in told.stdout.splitlines() if path.endswith(".py"))
    words = {word for path in files for word in re.findall(r"\w+", (ROOT / path).read_text())}
    return files, frozenset(folders), frozenset(words)
