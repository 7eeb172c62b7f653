"""The documentation's site can be made of what is there, and says what the code says."""

import inspect
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from textwrap import indent

import pytest
from PIL import Image

import lockstep
from lockstep.algorithms import actor_critic, q_learning
from lockstep.config.knobs import knobs
from lockstep.networks import mixers
from website import reference
from website.check import broken
from website.notebook import run
from website.pages import ROOT, anchors, configuration, documents, in_order, links, on_the_site, place, text

DOCUMENTS = documents()
LESSONS = ROOT / "docs" / "learn"
MADE = ("commands", "findings", "metrics", "presets", "python", "run-folder", "settings")
"""Pages of the reference, which the code writes."""
SHORT = ', "t_max=4_000", "warmup_env_steps=1_000", "test_interval=2_000", "test_nepisode=4"'
"""What a lesson's trainings are given behind their seed."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_something_that_is_there(document: Path) -> None:
    astray = []
    for link in links(document):
        heading = link.anchor and not re.fullmatch(r"L\d+", link.anchor)
        if not link.file.exists() or (heading and link.anchor not in anchors(text(link.file))):
            astray.append(link.target)
    assert astray == []


def test_every_page_has_one_place_in_the_order_of_pages() -> None:
    """A new page in docs/ is named in website/zensical.toml."""
    ordered = Counter(in_order(configuration()["project"]["nav"]))
    assert ordered == Counter({*map(place, DOCUMENTS), *(f"reference/{name}.md" for name in MADE)})


def test_a_link_to_code_leads_to_its_line_on_the_site_and_code_is_left_alone() -> None:
    found: list[Path] = []
    document = ROOT / "docs" / "learn" / "qmix.md"
    code = "`[a](b.md)`\n```\n[a](b.md)\n```\n"
    markdown = f"[`loss`](../../lockstep/algorithms/q_learning.py#L31) [it](../sweeps.md#on-ray) {code}"
    there = "../source/lockstep/algorithms/q_learning.py.md#__codelineno-0-31"
    assert on_the_site(document, markdown, found.append) == f"[`loss`]({there}) [it](../sweeps.md#on-ray) {code}"
    assert found == [ROOT / "lockstep/algorithms/q_learning.py", ROOT / "docs/sweeps.md"]


@pytest.mark.parametrize(("lesson", "modules"), [("qmix", [q_learning, mixers]), ("mappo", [actor_critic])])
def test_a_lesson_shows_our_code_as_it_is(lesson: str, modules: list[object]) -> None:
    source = "\n".join(inspect.getsource(module) for module in modules)  # type: ignore[arg-type]
    shown = re.findall(r"^```python\n(.*?)^```", (LESSONS / f"{lesson}.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(shown) > 5
    anywhere = (0, 4, 8)  # blocks are shown without their place in a function
    assert [block for block in shown if not any(indent(block, " " * n) in source for n in anywhere)] == []


def test_the_notebook_runs_from_its_first_cell_to_its_last_and_shows_pictures(tmp_path: Path) -> None:
    notebook = LESSONS / "from-python.ipynb"
    short = lambda source: source.replace('"seed=2"', '"seed=2"' + SHORT).replace("episodes=200", "episodes=4")  # noqa: E731
    shown = "".join(shown.markup for _, shown in run(notebook, tmp_path, short))
    assert shown.count("<svg") == 2
    assert 'src="data:image/gif;base64,' in shown
    with Image.open(tmp_path / "team.gif") as film:
        assert film.n_frames == 41  # type: ignore[attr-defined]


def test_the_notebook_is_kept_without_what_it_once_put_out() -> None:
    for notebook in LESSONS.glob("*.ipynb"):
        cells = json.loads(notebook.read_text())["cells"]
        assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells if "outputs" in cell)


def test_the_reference_has_every_setting_command_and_public_name() -> None:
    settings, commands, python = reference.settings(), reference.commands(), reference.python()
    assert [path for path in knobs() if f"`{path}" not in settings] == []
    assert {"lockstep train", "lockstep doctor"} <= set(re.findall(r"^## (.*)$", commands, re.MULTILINE))
    assert set(reference.PUBLIC) == set(lockstep.__all__) - {"__version__"}
    assert [name for name in reference.PUBLIC if f"## {name}\n" not in python] == []


def test_the_reference_explains_every_number_of_a_run() -> None:
    assert "#### `loss` in reward^2 { #loss }" in reference.metrics()
    assert "#### `policy_entropy` in nats { #policy_entropy-ippo }" in reference.metrics()


@pytest.mark.slow
def test_the_whole_site_is_made_without_a_link_astray_and_asks_nobody_for_anything() -> None:
    made = subprocess.run([sys.executable, "-m", "website"], cwd=ROOT, capture_output=True, text=True, timeout=1500)
    assert made.returncode == 0, made.stdout + made.stderr
    assert broken(ROOT / "build" / "site") == []
