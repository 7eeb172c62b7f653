"""The package is small, holds what it needs and nothing else, and says of itself what an index wants to hear."""

import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.dist import ROOT, build, install_and_try, metadata

MOST_BYTES = 1_500_000


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wheel and the source archive."""
    return build(tmp_path_factory.mktemp("dist"))


def test_the_wheel_is_light_and_holds_the_package_alone(built: list[Path]) -> None:
    wheel = built[0]
    assert wheel.stat().st_size < MOST_BYTES
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")}
    tracked = subprocess.run(["git", "ls-files", "lockstep"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert held == set(tracked.stdout.split())


def test_the_source_archive_has_what_builds_tests_and_documents_it(built: list[Path]) -> None:
    with tarfile.open(built[1]) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "Makefile",
        "Dockerfile",
        "constraints.txt",
        "tests/dist.py",
        "docs/start.md",
        "website/zensical.toml",
    } <= held


def test_an_index_takes_its_metadata(built: list[Path]) -> None:
    said = metadata(built[0])
    assert (said.name, str(said.requires_python)) == ("lockstep-marl", ">=3.11")
    assert said.description_content_type == "text/markdown"
    assert {"ray", "robot", "video", "worlds"} <= set(said.provides_extra or ())


def test_every_package_of_the_gate_is_pinned_once_and_nothing_has_an_address() -> None:
    lines = (ROOT / "constraints.txt").read_text().split()
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = {re.split(r"[\[<>=~]", one)[0] for group in extras.values() for one in group} - {"lockstep-marl"}
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in lines}
    assert {name.lower() for name in asked} <= pinned


def test_the_container_is_built_as_its_linter_wants_it() -> None:
    linted = subprocess.run(
        [str(Path(sys.executable).with_name("hadolint")), "Dockerfile"], cwd=ROOT, capture_output=True, text=True
    )
    assert (linted.returncode, linted.stdout) == (0, "")


def test_the_container_is_given_what_it_copies() -> None:
    """.dockerignore lets nothing through that is not named there."""
    copied = re.findall(r"^COPY (.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    let_through = set(re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert {name for line in copied for name in line.split()} == let_through


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_stranger_installs_it_and_trains(built: list[Path]) -> None:
    for package in built:
        install_and_try(package)
