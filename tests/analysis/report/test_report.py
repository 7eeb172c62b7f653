"""Reports of tiny runs in every state, their numbers checked against the runs' own files."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lockstep.analysis.groups import group_runs
from lockstep.analysis.report.build import build_report, write_report
from lockstep.analysis.report.document import Document, EmbeddedPage
from lockstep.analysis.report.html import to_html
from lockstep.analysis.report.markdown import to_markdown
from lockstep.analysis.report.results import group_result
from lockstep.analysis.statistics import bootstrap_interval, iqm
from lockstep.errors import UserError
from lockstep.runs.directory import read_rows
from lockstep.runs.reader import RunReader
from lockstep.show.live.film import play_again
from lockstep.show.recording import Recording
from tests.runs.written import written_run
from tests.show.live.recorded import recorded_run, recording

SOLVE: dict[str, Any] = {"preset": "solve", "every": 100_000, "words": ["stop_at_test_return=2.5"]}
WORSE: dict[str, Any] = {**SOLVE, "words": [*SOLVE["words"], "lr=0.1"]}


def markdown(document: Document) -> str:
    return to_markdown(document, "files")


def section(text: str, title: str) -> str:
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


def test_five_seeds_are_summed_up_as_their_files_say(tmp_path: Path) -> None:
    finals = [2.6, 2.7, 2.4, 2.9, 2.8]
    runs = [
        written_run(tmp_path / f"s{seed}", [0.0, 2.6, final], seed=seed, **SOLVE)
        for seed, final in enumerate(finals, start=1)
    ]
    last = [read_rows(run.directory.evaluations)[-1]["test_return_mean"] for run in runs]
    result = group_result(group_runs(runs)[0])
    assert result.scores == tuple(last)
    assert result.mean == pytest.approx(np.mean(last))
    assert result.std == pytest.approx(np.std(last, ddof=1))
    assert result.iqm == pytest.approx((2.6 + 2.7 + 2.8) / 3) == pytest.approx(iqm(last))
    assert result.interval == bootstrap_interval(last)
    assert result.solved == 4
    assert result.steps_to_solved == 200_000  # seed 3 fell back to 2.4 and never had two in a row
    assert [seed.crossing.reached for seed in result.seeds if seed.crossing] == [True, True, False, True, True]
    text = markdown(build_report(runs))
    assert "2.68 ± 0.19" in section(text, "Results")
    assert "4 of 5" in section(text, "Results")
    assert "200k" in section(text, "Results")


def test_a_judged_policy_counts_instead_of_the_last_evaluation(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", [2.0, 2.6], judged=2.44, **SOLVE)
    result = group_result(group_runs([run])[0])
    assert result.scores == (2.44,)
    assert result.score_kind == "best policy judged anew, 1,000 episodes on the official package"
    assert result.solved == 0
    assert "2.44 ± 0.90 (1,000)" in markdown(build_report([run]))


def test_judgements_of_an_older_best_policy_are_passed_over(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", [2.0, 2.6], judged=2.44, **SOLVE)
    best = run.directory.checkpoints / "best"
    best.mkdir(parents=True)
    (best / "manifest.json").write_text('{"env_steps": 300000}')
    assert group_result(group_runs([run])[0]).scores == (2.6,)


def test_seeds_are_compared_alike_where_not_all_are_judged(tmp_path: Path) -> None:
    runs = [
        written_run(tmp_path / "1", [2.6], seed=1, judged=2.1, **SOLVE),
        written_run(tmp_path / "2", [2.7], seed=2, **SOLVE),
    ]
    result = group_result(group_runs(runs)[0])
    assert result.scores == (2.6, 2.7)
    assert result.score_kind == "last evaluation in training, 100 episodes"


def test_one_seed_has_no_interval(tmp_path: Path) -> None:
    result = group_result(group_runs([written_run(tmp_path / "run", [1.0, 2.0])])[0])
    assert (result.interval, result.std) == (None, None)
    assert result.episode_std == pytest.approx(0.5)
    assert result.threshold is None


def test_a_run_that_just_began_is_reported(tmp_path: Path) -> None:
    text = markdown(build_report([written_run(tmp_path / "run", status="running")]))
    assert "has not been evaluated yet" in text
    assert "there is no curve to draw" in text
    assert "This report says what there is" in text


def test_a_crashed_run_says_why(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", [0.5], status="failed", reason="RuntimeError: `disk` | full")
    summary = section(markdown(build_report([run])), "In plain words")
    assert "failed at 1k env steps (`RuntimeError: 'disk' ¦ full`)" in summary


def test_a_run_whose_files_are_torn_is_reported(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", [0.5, 1.5])
    with run.directory.evaluations.open("a") as file:
        file.write('{"env_steps": 3000, "test_return_mean": 9')
    run.directory.info.unlink()
    run.refresh()
    result = group_result(group_runs([run])[0])
    assert result.scores == (1.5,)
    assert "left no word of how it ended" in markdown(build_report([run]))


def test_two_configurations_are_compared(tmp_path: Path) -> None:
    good = [written_run(tmp_path / f"a{seed}", [2.0, 2.8], seed=seed, **SOLVE) for seed in (1, 2)]
    bad = [written_run(tmp_path / f"b{seed}", [0.0, 0.0], seed=seed, **WORSE) for seed in (1, 2)]
    text = markdown(build_report([*bad, *good]))
    assert "| `solve (lr=0.001)` | `solve (lr=0.1)` | 100% | 100% to 100% |" in text
    assert "learned nothing that its test shows: 0.00" in text
    assert "performance-profile.svg" in text


def test_every_setting_is_in_the_table_with_its_words(tmp_path: Path) -> None:
    text = section(
        markdown(build_report([written_run(tmp_path / "run", [1.0], preset="report-final")])), "Configuration"
    )
    assert re.search(
        r"\| `replay.buffer_size` Episodes kept; the oldest leave first. \| \*\*200,000\*\* \| 5,000 \|", text
    )
    assert "| `algorithm.gamma` Discount per step. | 0.99 |" in text


def test_published_values_stand_beside_the_same_task_only(tmp_path: Path) -> None:
    same = markdown(build_report([written_run(tmp_path / "same", [1.0], preset="report-final")]))
    assert "3.25 ± 0.98" in section(same, "Results")
    other = markdown(build_report([written_run(tmp_path / "other", [1.0])]))  # smoke has a floor plan of its own
    assert "3.25 ± 0.98" not in other


def test_the_page_loads_nothing_from_anywhere(tmp_path: Path) -> None:
    page = to_html(build_report([written_run(tmp_path / "run", [1.0, 2.0])]))
    outside = re.findall(r"""(?:src|href)\s*=\s*["'](?!data:|#)([^"']+)|url\((?!data:|#)([^)]+)\)|@import""", page)
    assert outside == []


def test_names_and_titles_cannot_become_markup(tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script>"
    run = written_run(
        tmp_path / "run", [1.0], name=f"x`{nasty}", reason=nasty, command=["lockstep", nasty], commit=nasty
    )
    page = to_html(build_report([run], title=nasty))
    assert nasty not in page
    assert "&lt;script&gt;alert(1)" in page


@dataclass(frozen=True)
class Remedy:
    words: str
    why: str


@dataclass(frozen=True)
class Diagnosis:
    name: str
    severity: str = "problem"
    title: str = "No reward was <b>ever</b> seen"
    evidence: str = "0 of 1,000 episodes earned anything; see return_mean"
    meaning: str = "There is nothing to learn from."
    remedies: tuple[Remedy, ...] = (Remedy("epsilon_anneal_time=5000000", "explores longer"),)


def test_findings_that_seeds_share_are_told_once(tmp_path: Path) -> None:
    runs = [written_run(tmp_path / str(seed), [0.0], seed=seed) for seed in (1, 2, 3)]
    sick = {1, 3}
    document = build_report(runs, examine=lambda run: [Diagnosis("no_reward")] if run.config.seed in sick else [])
    text = section(markdown(document), "Findings")
    assert text.count("problem: No reward") == 1
    assert "(`smoke`, seeds 1 and 3)" in text
    assert "**Try** `epsilon_anneal_time=5000000`: explores longer" in text
    assert "<b>ever</b>" not in to_html(document)


def test_a_healthy_run_is_said_to_be_so(tmp_path: Path) -> None:
    document = build_report([written_run(tmp_path / "run", [1.0])], examine=lambda run: [])
    assert "Nothing was found to be wrong with `smoke`." in markdown(document)


def test_recorded_games_are_embedded(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", [1.0])
    run.directory.media.mkdir()
    (run.directory.media / "demo.gif").write_bytes(b"GIF89a...")
    (run.directory.media / "demo.html").write_text("<p>a player</p>")
    page = to_html(build_report([run]))
    assert "data:image/gif;base64,R0lGODlhLi4u" in page
    assert 'srcdoc="&lt;p&gt;a player&lt;/p&gt;"' in page


def test_the_best_team_can_be_played_with(tmp_path: Path) -> None:
    """By a team where one can be loaded, else by an episode that was recorded while it trained; or not at all."""
    record = RunReader.open(recorded_run(tmp_path / "run").path)

    def replay(run: RunReader) -> Recording:
        return replace(play_again(run.config, recording(100, seed=1))[1], policy="a team with a name")

    def refuse(run: RunReader) -> Recording:
        raise UserError("There is no checkpoint.")

    for asked, shown in ((replay, "a team with a name"), (refuse, "the team after 200 env steps")):
        document = build_report([record], replay=asked)
        (page,) = (block for block in document.files() if isinstance(block, EmbeddedPage))
        assert shown in page.html
        assert "LockstepPlayer" in page.html
        assert "A game of" in to_html(document)
    record.directory.recordings.unlink()
    assert not any(isinstance(block, EmbeddedPage) for block in build_report([record], replay=refuse).files())


def test_html_markdown_and_plots_are_written(tmp_path: Path) -> None:
    document = build_report([written_run(tmp_path / "run", [1.0, 2.0])])
    out = tmp_path / "new" / "story.html"
    assert write_report(document, out) == [out, out.with_suffix(".md"), out.with_name("story_files")]
    for link in re.findall(r"\]\((story_files/[^)]+)\)", out.with_suffix(".md").read_text()):
        assert (out.parent / link).stat().st_size > 100
    plots = {path.name for path in (tmp_path / "new" / "story_files").iterdir()}
    assert {"learning-curve.svg", "learning-curve.png", "task.png", "networks.svg"} <= plots


def test_a_report_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    document = build_report([written_run(tmp_path / "run", [1.0])])
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        write_report(document, tmp_path / "file" / "report.html")
    with pytest.raises(UserError, match=r"must end in \.html"):
        write_report(document, tmp_path / "report.pdf")
