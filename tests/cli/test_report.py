from pathlib import Path

import pytest

from lockstep.cli import main
from lockstep.doctor import findings
from lockstep.runs.reader import RunReader
from tests.runs.written import written_run


def test_plot_draws_what_was_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(written_run(tmp_path / str(seed), [0.0, 1.0], seed=seed).directory.path) for seed in (1, 2)]
    out = tmp_path / "curve.png"
    assert main(["plot", *runs, "--metric", "loss", "--over", "minutes", "--out", str(out)]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out == f"wrote {out}\n"


def test_what_is_made_of_several_runs_lies_beside_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(written_run(tmp_path / "runs" / str(seed), [0.0, 1.0], seed=seed).directory.path) for seed in (1, 2)]
    for verb, made in (("plot", "test_return_mean.svg"), ("report", "report.html"), ("export", "export/metrics.csv")):
        assert main([verb, *runs]) == 0
        assert (tmp_path / "runs" / made).is_file()
        assert f"wrote {tmp_path / 'runs' / made}" in capsys.readouterr().out
    assert main(["plot", runs[0], "--metric", "loss"]) == 0
    assert (Path(runs[0]) / "loss.svg").is_file()


def test_a_metric_that_does_not_exist_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = written_run(tmp_path / "run", [1.0]).directory.path
    assert main(["plot", str(run), "--metric", "rewards", "--out", str(tmp_path / "x.svg")]) == 2
    assert "There is no metric 'rewards'" in capsys.readouterr().err
    assert not (tmp_path / "x.svg").exists()


def test_a_report_lies_in_its_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written_run(tmp_path / "run", [1.0]).directory.path
    assert main(["report", str(path), "--title", "A first team"]) == 0
    assert "<title>A first team</title>" in (path / "report.html").read_text()
    assert (path / "report.md").read_text().startswith("# A first team\n")
    assert f"wrote {path / 'report.html'}" in capsys.readouterr().out


def test_a_report_says_what_the_doctor_found(tmp_path: Path) -> None:
    sick = Path(__file__).parents[1] / "doctor" / "recorded" / "nothing-found"
    out = tmp_path / "report.html"
    assert main(["report", str(sick), "--out", str(out)]) == 0
    found = findings(RunReader.find(str(sick)))
    assert "no-reward-ever" in {finding.name for finding in found}
    text = out.with_suffix(".md").read_text()
    assert all(finding.title in text for finding in found)


def test_no_run_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert "is no run directory" in capsys.readouterr().err
