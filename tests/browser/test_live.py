"""The live page in a real browser: it shows, follows, survives, and asks nobody else."""

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import which
from typing import Any
from urllib.parse import urlsplit

import pytest

from lockstep.show.live.app import Live
from lockstep.show.live.folder import Findings, Folder
from lockstep.show.live.guard import Access
from lockstep.show.live.serve import Server, listen
from tests.runs.folders import append, evaluation
from tests.show.live.recorded import recorded_run, recording

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = which("chromium") or which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
PATIENCE_MS = 60_000
FIRST_PATIENCE_MS = 200_000
"""Where machine code may have to be made first."""
PIXELS = "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"


class Visit:
    """An open page, and everything it did."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url
        self.problems: list[str] = []
        self.asked: list[str] = []
        self.expects_failures = False
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(url)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning") and not (self.expects_failures and "ERR_" in message.text):
            self.problems.append(message.text)

    def sees(self, selector: str, text: str | re.Pattern[str], patience_ms: int = PATIENCE_MS) -> None:
        """Wait until it is there."""
        playwright.expect(self.page.locator(selector)).to_have_text(text, timeout=patience_ms)

    def text(self, selector: str) -> str:
        return str(self.page.locator(selector).inner_text())

    def number(self, selector: str) -> int:
        """The first number in a text."""
        return int(re.findall(r"\d+", self.text(selector))[0])


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Serves folders until the test is over, and its pages are closed."""
    with ExitStack() as servers:
        yield lambda root, **options: servers.enter_context(served(root, **options))


@pytest.fixture
def visit(chromium: Any, serve: Callable[..., str]) -> Iterator[Callable[..., Visit]]:
    """Opens pages; in the end, none may have complained or asked anybody but its own server."""
    visits: list[Visit] = []

    def open_page(url: str, width: int = 1280, height: int = 900, **options: Any) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        visits.append(Visit(context.new_page(), url))
        return visits[-1]

    yield open_page
    for visited in visits:
        visited.page.context.close()
        assert visited.problems == []
        assert {urlsplit(asked).netloc for asked in visited.asked} == {urlsplit(visited.url).netloc}


@contextmanager
def served(root: Path, port: int = 0, findings: Findings | None = None) -> Iterator[str]:
    sock = listen("127.0.0.1", port)
    access = Access.on("127.0.0.1", sock.getsockname()[1])
    server = Server(Live(Folder(root, findings=findings), access), sock)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield access.url
    finally:
        server.stop()
        thread.join(timeout=60)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    recorded_run(tmp_path / "runs" / "first")
    return tmp_path / "runs"


def test_a_finished_run_is_shown_and_its_team_plays(
    root: Path, serve: Callable[..., str], visit: Callable[..., Visit]
) -> None:
    url = serve(root)
    shown = visit(url)
    shown.sees("h1", "first")
    shown.sees("#standing", "finished")
    shown.sees("#facts div:first-child dd", re.compile(r"2\.00 ± 0\.500"))
    playwright.expect(shown.page.locator(".chart:visible canvas")).to_have_count(7)
    shown.sees("#clock", re.compile(r"^(5|6|7|8) of 40$"))
    assert shown.page.locator("#world").evaluate(PIXELS) > 20
    assert shown.page.title() == "2.00 · first"


def test_everything_can_be_done_from_the_keyboard(
    root: Path, serve: Callable[..., str], visit: Callable[..., Visit]
) -> None:
    url = serve(root)
    shown = visit(url)
    shown.sees("#clock", re.compile(r"^[1-9]\d* of 40$"))
    press = shown.page.keyboard.press
    press("Space")
    shown.sees("#play", "Play")
    before = shown.number("#clock")
    press("ArrowRight")
    assert shown.number("#clock") == before + 1
    press("ArrowLeft")
    press("ArrowLeft")
    assert shown.number("#clock") == before - 1
    shown.sees("#age", "newest")
    press(",")
    shown.sees("#age", "1 of 2")
    shown.sees("#caption", re.compile("after 100 steps"))
    press(".")
    shown.sees("#age", "newest")
    theme = shown.page.locator("html").get_attribute("data-theme")
    press("t")
    assert shown.page.locator("html").get_attribute("data-theme") != theme
    press("x")
    shown.sees("#axis", "over steps")
    reached = set()
    for _ in range(12):
        press("Tab")
        reached.add(shown.page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"axis", "theme", "play", "step", "moment", "BUTTON"} <= reached


@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_narrow_screen_needs_no_sideways_scrolling(
    width: int, root: Path, serve: Callable[..., str], visit: Callable[..., Visit]
) -> None:
    url = serve(root)
    shown = visit(url, width=width, height=800, has_touch=True)
    shown.sees("#clock", re.compile(r"^[1-9]\d* of 40$"))
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.page.locator("#world").bounding_box()["width"] <= width


def test_who_wants_no_motion_gets_none(root: Path, serve: Callable[..., str], visit: Callable[..., Visit]) -> None:
    url = serve(root)
    shown = visit(url, reduced_motion="reduce")
    shown.sees("#play", "Play")
    shown.sees("#clock", "0 of 40")


def test_runs_are_laid_over_each_other_and_the_address_remembers(
    root: Path, serve: Callable[..., str], visit: Callable[..., Visit]
) -> None:
    recorded_run(root / "second", moments=(100, 200, 400))
    url = serve(root)
    shown = visit(url)
    shown.sees("h1", "second")
    shown.page.get_by_role("checkbox", name="Show first").check()
    shown.sees(".chart:first-child output", re.compile(r"4\.00.*2\.00"))
    shown.page.reload()
    shown.sees(".chart:first-child output", re.compile(r"4\.00.*2\.00"))
    shown.page.get_by_role("button", name="first", exact=True).click()
    shown.sees("h1", "first")
    shown.sees(".chart:first-child output", re.compile(r"2\.00.*4\.00"))


def test_a_long_warm_up_does_not_fill_the_axis(
    root: Path, serve: Callable[..., str], visit: Callable[..., Visit]
) -> None:
    """It begins shortly before learning does, if every shown run would spend more than half of it on random play."""
    shown = visit(serve(root))
    script = """async ([warmups, end]) => {
      const runs = warmups.map((warmup) => ({ facts: { warmup_env_steps: warmup } }));
      return (await import("/static/curves.js")).firstStep(runs, end); }"""
    for warmups, end, first in (
        ([10_000_000], 11_000_000, 9_940_000),
        ([10_000_000], 30_000_000, 0),
        ([10_000_000, 0], 11_000_000, 0),
        ([10_000_000], 10_000_000, 0),
    ):
        assert shown.page.evaluate(script, [warmups, end]) == first


def test_what_is_written_while_one_looks_appears(
    root: Path, serve: Callable[..., str], visit: Callable[..., Visit]
) -> None:
    url = serve(root)
    shown = visit(url)
    shown.sees("#facts div:first-child dd", re.compile(r"2\.00"))
    shown.page.locator("#step").fill("38")  # which pauses near the end
    shown.sees("#clock", "38 of 40")
    append(root / "first" / "eval.jsonl", evaluation(300, 3.0))
    append(root / "first" / "recordings.jsonl", recording(300))
    shown.sees("#facts div:first-child dd", re.compile(r"3\.00"))
    shown.page.locator("#play").click()
    shown.sees("#caption", re.compile("after 300 steps"))


def test_the_page_outlives_its_server(root: Path, visit: Callable[..., Visit]) -> None:
    with served(root) as url:
        shown = visit(url)
        shown.sees("#standing", "finished")
        shown.expects_failures = True
    shown.sees("#standing", re.compile("connection lost"))
    append(root / "first" / "eval.jsonl", evaluation(300, 3.0))
    with served(root, port=urlsplit(url).port or 0):
        shown.sees("#standing", "finished")
        shown.sees("#facts div:first-child dd", re.compile(r"3\.00"))


def test_findings_are_shown_as_text_and_only_where_there_are_any(
    root: Path, serve: Callable[..., str], visit: Callable[..., Visit]
) -> None:
    finding = {
        "severity": "warning",
        "title": "<b>Epsilon</b> ends early",
        "evidence": "3 rewards before",
        "meaning": "Too few to learn from.",
        "remedies": [{"overrides": ["epsilon_anneal_time=5e6"], "why": "explores longer"}],
    }
    url = serve(root)
    shown = visit(url)
    shown.sees("#standing", "finished")
    playwright.expect(shown.page.locator("#findings")).to_be_hidden()
    url = serve(root, findings=lambda record: [finding])
    shown = visit(url)
    shown.sees("#findings b", "<b>Epsilon</b> ends early")
    shown.page.locator("#findings summary").press("Enter")
    shown.sees("#findings code", "epsilon_anneal_time=5e6")


def test_a_real_training_is_followed_through_death_and_resumption(
    tmp_path: Path, serve: Callable[..., str], visit: Callable[..., Visit]
) -> None:
    words = ["warmup_env_steps=20_000", "log_interval=2_000", "test_interval=8_000", "save_model_interval=8_000"]
    command = [sys.executable, "-m", "lockstep"]
    train = [*command, "train", "smoke", *words, "test_nepisode=20", "num_threads=1", "-q", "--out", "runs/smoke"]
    training = subprocess.Popen(train, cwd=tmp_path)
    try:
        while not (tmp_path / "runs" / "smoke" / "config.toml").exists():
            assert training.poll() is None
        url = serve(tmp_path / "runs")
        shown = visit(url)
        shown.sees("#standing", re.compile("training|random warm-up"))
        shown.sees("#facts div:first-child dd", re.compile(r"\d\.\d+ ± "), FIRST_PATIENCE_MS)
        shown.sees("#clock", re.compile(r"^[1-9]\d* of 40$"))
        first = shown.number("#facts .wide dd")
        playwright.expect(shown.page.locator("#age")).to_be_visible(timeout=PATIENCE_MS)
        training.kill()
        training.wait()
        shown.sees("#standing", re.compile("its process is gone"))
        assert shown.number("#facts .wide dd") > first
        training = subprocess.Popen([*command, "resume", "runs/smoke", "-q"], cwd=tmp_path)
        shown.sees("#standing", "training")
    finally:
        training.kill()
        training.wait()
