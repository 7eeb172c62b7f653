from pathlib import Path

import pytest

from lockstep.analysis.groups import group_runs
from lockstep.analysis.report.build import build_report
from lockstep.analysis.report.document import Document
from lockstep.analysis.report.markdown import to_markdown
from lockstep.analysis.report.results import GroupResult, group_result
from lockstep.config.presets import PRESETS
from lockstep.reproduce.baselines import Baseline, baselines, random_baseline
from lockstep.reproduce.plan import OURS, Reproduction
from lockstep.reproduce.story import story, verdict, week1_section, week2_title
from lockstep.runs.reader import RunReader
from tests.runs.written import written_run

PLAN = Reproduction("week2", "full", "vectorized", seeds=1, episodes_per_update=8, with_ours=True)
BASELINES = [Baseline("random", 0.0033, 0.06, 100_000), Baseline("heuristic", 6.26, 0.6, 1_000)]


def result(path: Path, final: float, preset: str = "report-final") -> GroupResult:
    return group_result(group_runs([written_run(path, [0.0, final], preset=preset)])[0])


@pytest.mark.parametrize(
    ("published", "reached", "words"),
    [
        (3.25, 3.1, "solved, as published"),
        (3.25, 1.2, "published as solved; here 0 of 1 seeds are"),
        (0.0, 0.01, "learns nothing, as published"),
        (0.0, 1.4, "published as learning nothing; here it reaches 1.40"),
    ],
)
def test_a_verdict_tells_whichever_way_it_falls(tmp_path: Path, published: float, reached: float, words: str) -> None:
    assert verdict(published, result(tmp_path / "run", reached), PLAN) == words


@pytest.mark.parametrize(
    ("final", "ours", "claim"),
    [
        (0.0, 0.0, "trained again"),
        (3.1, 0.0, "reproduced"),
        (0.0, 5.0, "surpassed"),
        (3.1, 5.0, "reproduced and surpassed"),
    ],
)
def test_the_title_claims_what_the_numbers_say(tmp_path: Path, final: float, ours: float, claim: str) -> None:
    results = [result(tmp_path / "final", final), result(tmp_path / "ours", ours, preset=OURS)]
    assert week2_title(results) == f"QMIX in the warehouse: the published experiment, {claim}"


def test_what_learns_against_what_was_published_is_explained(tmp_path: Path) -> None:
    def run(seed: int, final: float) -> RunReader:
        path = tmp_path / f"changed-s{seed}"
        return written_run(path, [0.0, 0.04, final], preset="report-changed", seed=seed, every=1_000_000)

    changed = group_result(group_runs([run(1, 0.0), run(2, 0.25)])[0])
    assert verdict(0.0, changed, PLAN) == "published as learning nothing; here 1 of 2 seeds earns up to 0.25"
    text = to_markdown(Document("Week 2", "", story(PLAN, [changed], BASELINES)), "files")
    assert "published as learning nothing; here seed 2 came to 0.25 (it rises from 3M env steps on).**" in text
    assert "that the replay of 5,000 ever held are 160 and 1,000 (2 seeds, in order)" in text


def test_a_small_scale_judges_nothing(tmp_path: Path) -> None:
    small = Reproduction("week2", "smoke", "vectorized", seeds=1, episodes_per_update=8, with_ours=True)
    assert verdict(3.25, result(tmp_path / "run", 0.0), small) == "not comparable at this scale"


def test_the_report_sets_published_ours_and_random_side_by_side(tmp_path: Path) -> None:
    runs = [
        written_run(tmp_path / "default", [0.0, 0.0], preset="report-default"),
        written_run(tmp_path / "final", [2.6, 3.1], preset="report-final", every=1_000_000),
        written_run(tmp_path / "ours", [2.6, 2.7], preset="master", every=300_000, seconds=30),
    ]
    text = to_markdown(build_report(runs, "Week 2", lambda results: story(PLAN, results, BASELINES)), "files")
    assert "| `report-final` | 3.25 ± 0.98 | 3.10 | 0.50 | 200k | 40 | 1 of 1 | solved, as published |" in text
    assert "| `report-default` | 0.00 ± 0.00 | 0.00 | 0.50 | 20k | 40 | 0 of 1 | learns nothing, as published |" in text
    assert "| `master` | 2.70 | 300k | 30 s | 600k | 1.0 min |" in text
    assert "| random | 0.0033 (100,000 episodes) |" in text
    assert "| heuristic, sees everything, programmed | 6.26 (1,000 episodes) |" in text
    assert "| recurrent MAPPO, published: 21.5 to 22.5 in 500 steps, a fifth of it | 4.4 |" in text
    assert "8 episodes are played before each update instead of one" in text


def test_a_missing_configuration_leaves_its_row_out(tmp_path: Path) -> None:
    sections = story(PLAN, [result(tmp_path / "run", 3.0)], BASELINES)
    assert [section.anchor for section in sections] == ["reproduction"]


def test_week_1_stands_in_every_convention(tmp_path: Path) -> None:
    def run(seed: int, final: float) -> RunReader:
        words = ["algorithm.name=vdn"]
        path = tmp_path / f"vdn-s{seed}"
        return written_run(
            path, [-80.0, final], preset="report-week1", words=words, seed=seed, judged=final, name="week1-vdn"
        )

    results = [group_result(group) for group in group_runs([run(1, -27.0), run(2, -36.0)])]
    section = week1_section(Reproduction("week1"), results, [Baseline("random", -81.0, 23.0, 1_000)])
    text = to_markdown(Document("Week 1", "", [section]), "files")
    assert "| VDN, 2 seeds | −31.50 ± 6.36 | −10.50 | −63.0 | −138.0 | 2k | 2.0 min |" in text
    assert "| random | −81.00 | −27.00 | −162.0 | −237.0 |" in text
    assert "Seeds above what is published for the same algorithm: VDN 1 of 2." in text
    assert "](files/week1.svg)" in text


def test_baselines_are_measured_once(tmp_path: Path) -> None:
    config = PRESETS["smoke"]()
    measured = random_baseline(config, episodes=2_000)
    assert measured.episodes == 2_000
    assert 0.0 < measured.mean < 0.5
    run = written_run(tmp_path / "run", preset="smoke").directory
    found = baselines(run, tmp_path / "baselines.json")
    assert [baseline.name for baseline in found] == ["random", "heuristic"]
    assert found[1].mean > 20 * found[0].mean
    (tmp_path / "baselines.json").write_text('[{"name": "random", "mean": 1.0, "std": 0.0, "episodes": 7}]')
    assert baselines(run, tmp_path / "baselines.json") == [Baseline("random", 1.0, 0.0, 7)]
