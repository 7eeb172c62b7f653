"""The house is open: what HOUSE.md's list promises, read off the source, so that it stays so."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import lockstep
from tests.architecture import rooms, written

ROOT = Path(lockstep.__file__).parent
FILES = sorted(path for path in ROOT.rglob("*.py") if "__pycache__" not in path.parts)
TREES = {path: ast.parse(path.read_text()) for path in FILES}
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def outside(*rooms: str) -> list[Path]:
    return [path for path in FILES if room(path) not in rooms]


def names(path: Path) -> Iterator[tuple[int, str]]:
    """Every name that the code mentions, with attributes behind a dot, and what it imports; no strings."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, f".{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


def mentions(paths: list[Path], pattern: str) -> list[str]:
    found = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{line}: {name}" for path in paths for line, name in names(path) if found.search(name)
    ]


def definitions(path: Path) -> Iterator[Definition]:
    return (node for node in ast.walk(TREES[path]) if isinstance(node, Definition))


def test_nobody_outside_reaches_into_a_learner() -> None:
    paths = outside("algorithms", "networks")
    assert mentions(paths, r"^\.(online|target|mixer|target_mixer)$|build_mixer|build_agent|MixingInputs") == []


def test_only_envs_knows_which_worlds_there_are() -> None:
    assert mentions(outside("envs"), r"^lockstep\.envs\.(rware|particles|foraging|foreign|probes)\b") == []


def test_files_of_a_run_are_opened_by_one_module() -> None:
    """Which waits for nothing: `lockstep.files`. The package's own files are no run's."""
    careless = re.compile(r"\.read_text\(|\.read_bytes\(|\.open\((encoding|\"rb?\")")
    own = re.compile(r"\bPAGES\b|\bfiles\(|joinpath|/proc/|file\.name: file")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in outside("compute", "envs", "config")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if careless.search(line) and not own.search(line)
    ]
    assert [line for line in found if not line.startswith("trust.py:")] == []  # what this user has allowed


def test_only_algorithms_knows_which_algorithms_there_are() -> None:
    """Presets, EPyMARL's words and what others have published are words; everything else asks the registry."""
    said = re.compile(r"\b(qmix|vdn|iql)\b", re.IGNORECASE)
    found = []
    for path in outside("algorithms", "config"):
        texts = {id(node.value) for node in ast.walk(TREES[path]) if isinstance(node, ast.Expr)}  # docstrings
        found += [
            f"{path.relative_to(ROOT)}:{node.lineno}: {node.value[:60]}"
            for node in ast.walk(TREES[path])
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts
            if said.search(node.value)
            and room(path) not in ("networks", "reproduce", "bench")
            and path.name != "published.py"
        ]
    assert found == []


def test_public_class_names_are_unique() -> None:
    classes = Counter(
        node.name
        for path in FILES
        for node in TREES[path].body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert {name: count for name, count in classes.items() if count > 1} == {}


def test_every_package_is_introduced() -> None:
    packages = [path for path in FILES if path.name == "__init__.py"]
    assert [str(path.relative_to(ROOT)) for path in packages if not ast.get_docstring(TREES[path])] == []


def test_every_module_and_everything_public_says_what_it_is() -> None:
    nameless = [str(path.relative_to(ROOT)) for path in FILES if not ast.get_docstring(TREES[path])]
    assert nameless == []


def test_a_docstring_can_be_read_by_itself() -> None:
    """Its first sentence has a subject or a verb of its own: it never begins as the end of somebody else's."""
    begins = re.compile(r"(Of|From|Over|Whose|And|But|The same, )\b")
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {text.partition(chr(10))[0]}"
        for path in FILES
        for node in definitions(path)
        if (text := ast.get_docstring(node)) and begins.match(text)
    ]
    assert found == []


def test_the_architecture_says_what_the_packages_say() -> None:
    """After a change: `python -m tests.architecture --write`."""
    assert written() == rooms().strip()
