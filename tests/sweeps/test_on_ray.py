"""A real Ray, begun here for the test: tasks do cells, and whatever is lost with a node goes on elsewhere."""

from pathlib import Path

import pytest

from lockstep.cli import main
from lockstep.errors import UserError
from lockstep.runs.directory import read_rows
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.local import Job, jobs_of, run_sweep
from lockstep.sweeps.on_ray import connected
from lockstep.sweeps.request import read_request
from lockstep.training.kill_test import ending, first_difference
from tests.sweeps.sweeps import tiny_sweep

LONG = ["t_max=120000", "warmup_env_steps=20000", "save_model_interval=6400", "test_interval=40000", "test_nepisode=20"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_sweep_is_done_by_tasks_of_a_cluster_that_is_begun_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = tiny_sweep(tmp_path / "s", ["seed=1..3"])
    assert main(["sweep", str(sweep.path), "--on", "ray", "--at-once", "2"]) == 0
    assert "3 of 3 cells are finished" in capsys.readouterr().out
    assert [sweep.history(cell).attempts for cell in sweep.cells] == [1, 1, 1]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("send_back", [False, True])
def test_what_is_lost_with_a_node_goes_on_elsewhere_and_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, send_back: bool
) -> None:
    from ray.cluster_utils import Cluster

    request = read_request("smoke", [*LONG, "seed=1..2", "num_threads=1"])
    sweep, quiet = (
        SweepFolder.create(tmp_path / name / "sweep", request, request.configurations()) for name in ("s", "quiet")
    )
    assert main(["sweep", str(quiet.path), "--quiet"]) == 0
    if send_back:  # what a node does not know cannot be found by it: its working folder is another
        monkeypatch.chdir(sweep.path.parent)
        sweep = SweepFolder.open(Path("sweep"))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=1)]
    try:
        cluster.wait_for_nodes()

        def lose(jobs: object) -> None:
            if nodes and all(cell.checkpoint for cell in sweep.cells):
                cluster.remove_node(nodes.pop(), allow_graceful=False)

        with connected(cluster.address, None, 1, trust=False, send_back=send_back) as engine:
            assert engine.at_once == 2
            jobs: list[Job] = jobs_of(sweep)
            assert run_sweep(sweep, jobs, engine, lose) is None
        assert nodes == []
        assert all(job.done for job in jobs)
        assert sum(job.history.attempts for job in jobs) >= 3
        began = [row["by"] for file in sweep.attempts.glob("*.jsonl") for row in read_rows(file) if "began" in row]
        assert set(began) == {"ray" if send_back else "local"}
    finally:
        cluster.shutdown()
    for ours, theirs in zip(sweep.cells, quiet.cells, strict=True):
        assert first_difference(ending(theirs.run), ending(ours.run))[0] is None


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_nodes_that_share_no_disk_save_when_interrupted_comes_back(tmp_path: Path) -> None:
    request = read_request("smoke", ["t_max=1e7", *LONG[1:], "num_threads=1"])
    sweep = SweepFolder.create(tmp_path / "sweep", request, request.configurations())
    (cell,) = sweep.cells
    sent: list[int] = []

    def interrupt(jobs: object) -> None:
        if cell.checkpoint:
            sent.append(cell.checkpoint)
            raise KeyboardInterrupt

    with connected(None, 1, 1, trust=False, send_back=True) as engine, pytest.raises(KeyboardInterrupt):
        run_sweep(sweep, jobs_of(sweep), engine, interrupt)
    assert cell.checkpoint > sent[0]
    assert cell.run.read_info()["status"] == "interrupted"
    ended = read_rows(sweep.attempts / "00001.jsonl")[-1]
    assert (ended["how"], ended["env_steps"]) == ("interrupted", cell.checkpoint)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_cluster_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(UserError, match="No Ray cluster could be reached"), connected("auto", None, 1, trust=False):
        pass
