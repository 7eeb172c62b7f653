"""What a page is told: at once all there is, later only what is new."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from lockstep.errors import UserError
from lockstep.runs.metrics import METRICS
from lockstep.runs.reader import RunReader
from lockstep.show.live import folder as folder_module
from lockstep.show.live.app import LOOKS_PER_LIST, MOST_RUNS, Follower, Live
from lockstep.show.live.curves import CURVES
from lockstep.show.live.folder import Folder
from lockstep.show.live.guard import Access
from tests.runs.folders import append, evaluation
from tests.show.live.recorded import recorded_run, recording


@pytest.fixture(autouse=True)
def _always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "FRESH_SECONDS", -1.0)


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.split("\n\n"):
        if block.startswith("event: "):
            kind, _, data = block.removeprefix("event: ").partition("\ndata: ")
            found.append((kind, json.loads(data)))
    return found


def client(root: Path) -> TestClient:
    return TestClient(Live(Folder(root), Access("127.0.0.1", 8127)).app, base_url="http://127.0.0.1:8127")


def test_the_first_look_tells_everything_and_the_next_nothing(tmp_path: Path) -> None:
    recorded_run(tmp_path / "a")
    follower = Follower(Folder(tmp_path), ["a"])
    told = events(follower.look())
    assert [kind for kind, _ in told] == ["runs", "facts", "curves"]
    facts, curves = told[1][1], told[2][1]
    assert (facts["run"], facts["standing"], facts["selected_return"], facts["recorded"]) == (
        "a",
        "finished",
        2,
        [100, 200],
    )
    assert {change["curve"] for change in curves["curves"]} == {curve.metric for curve in CURVES}
    assert events(follower.look()) == []


def test_new_rows_evaluations_and_recordings_are_told_alone(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "a")
    follower = Follower(Folder(tmp_path), ["a"])
    follower.look()
    append(run.evaluations, evaluation(300, 3.0))
    append(run.recordings, recording(300))
    facts, curves = (data for _, data in events(follower.look()))
    assert (facts["test_return_mean"], facts["recorded"]) == (3.0, [100, 200, 300])
    assert [(change["curve"], change["from"], change["mid"]) for change in curves["curves"]] == [
        ("test_return_mean", 2, [3])
    ]


def test_the_list_of_runs_follows_the_folder(tmp_path: Path) -> None:
    recorded_run(tmp_path / "a")
    follower = Follower(Folder(tmp_path), ["a"])
    follower.look()
    recorded_run(tmp_path / "b")
    told = [event for _ in range(LOOKS_PER_LIST) for event in events(follower.look())]
    assert [kind for kind, _ in told] == ["runs"]
    assert [row["run"] for row in told[0][1]] == ["b", "a"]


def test_a_run_that_is_deleted_is_told_once(tmp_path: Path) -> None:
    recorded_run(tmp_path / "a")
    follower = Follower(Folder(tmp_path), ["a"])
    follower.look()
    shutil.rmtree(tmp_path / "a")
    assert events(follower.look()) == [("gone", {"run": "a"})]
    assert events(follower.look()) == []


def test_numbers_that_json_has_not_are_left_out(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "a")
    append(run.evaluations, evaluation(300, math.inf, std=math.nan))
    append(run.metrics, {"env_steps": 300, "wall_seconds": math.inf, "updates": math.inf})
    facts = dict(events(Follower(Folder(tmp_path), ["a"]).look()))["facts"]
    assert facts["selected_return"] == 2.0
    assert math.isfinite(facts["wall_seconds"])


def test_findings_are_told_where_there_are_any(tmp_path: Path) -> None:
    recorded_run(tmp_path / "a")

    def findings(record: RunReader) -> list[dict[str, Any]]:
        mean = record.evaluations.last("test_return_mean")
        return [{"severity": "note", "title": f"mean {mean}", "evidence": "", "meaning": "", "remedies": []}]

    told = dict(events(Follower(Folder(tmp_path, findings=findings), ["a"]).look()))
    assert told["findings"]["findings"][0]["title"] == "mean 2.0"
    assert "findings" not in dict(events(Follower(Folder(tmp_path), ["a"]).look()))


def test_a_page_learns_what_the_curves_mean(tmp_path: Path) -> None:
    recorded_run(tmp_path / "runs" / "a")
    start = client(tmp_path / "runs").get("/api/start").json()
    assert (start["folder"], start["shown"]) == ("runs", ["a"])
    assert start["curves"][0]["formula"] == METRICS["test_return_mean"].formula


def test_a_film_is_asked_for_by_its_number(tmp_path: Path) -> None:
    recorded_run(tmp_path / "a")
    browser = client(tmp_path)
    assert browser.get("/api/film?run=a&number=1").json()["env_steps"] == 200
    for number in ("2", "-1", "x", "", "1e3", "9" * 30, "¹"):
        answer = browser.get("/api/film", params={"run": "a", "number": number})
        assert answer.status_code == 404
        assert "number" in answer.json()["error"]


def test_what_draws_a_kind_of_world_is_its_familys(tmp_path: Path) -> None:
    recorded_run(tmp_path / "a")
    browser = client(tmp_path)
    kind = browser.get("/api/film?run=a&number=1").json()["kind"]
    answer = browser.get(f"/static/scene/{kind}.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert f"SCENES.{kind} = class extends Scene" in answer.text
    for unknown in ("chess", "..%2f..%2fapp", "%00"):
        assert browser.get(f"/static/scene/{unknown}.js").status_code == 404


def test_a_page_shows_a_few_runs_and_not_none(tmp_path: Path) -> None:
    recorded_run(tmp_path / "a")
    for names in ([], ["a"] * (MOST_RUNS + 1)):
        assert client(tmp_path).get("/api/stream", params={"run": names}).status_code == 404


def test_a_name_a_folder_or_a_path_is_found(tmp_path: Path) -> None:
    recorded_run(tmp_path / "runs" / "first")
    recorded_run(tmp_path / "runs" / "second")
    root = tmp_path / "runs"
    assert Folder.find(str(root)).shown_first() == ["second"]
    assert Folder.find(str(root / "first")).shown_first() == ["first"]
    assert Folder.find("latest", root).shown_first() == ["second"]
    assert Folder.find("fir", root).shown_first() == ["first"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="neither a run nor a folder of runs"):
        Folder.find(str(tmp_path / "empty"))
