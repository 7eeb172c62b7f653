"""The server on a real socket: streams what happens, ends when told."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from lockstep.errors import UserError
from lockstep.show.live.app import MOST_STREAMS, Live
from lockstep.show.live.folder import Folder
from lockstep.show.live.guard import Access
from lockstep.show.live.serve import Server, listen
from tests.runs.folders import append, evaluation
from tests.show.live.recorded import recorded_run


@contextmanager
def served(root: Path) -> Iterator[tuple[Live, str]]:
    sock = listen("127.0.0.1", 0)
    access = Access.on("127.0.0.1", sock.getsockname()[1])
    live = Live(Folder(root), access)
    server = Server(live, sock)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield live, access.url
    finally:
        server.stop()
        thread.join(timeout=30)
        assert not thread.is_alive()


def test_an_open_page_hears_of_an_evaluation(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "a")
    with served(tmp_path) as (live, url), httpx2.stream("GET", f"{url}api/stream?run=a", timeout=60) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        facts = (json.loads(line[6:]) for line in lines if line.startswith('data: {"run"') and '"standing"' in line)
        assert next(facts)["test_return_mean"] == 2.0
        assert live.streams == 1
        append(run.evaluations, evaluation(300, 3.0))
        assert next(facts)["test_return_mean"] == 3.0


def test_too_many_pages_are_refused(tmp_path: Path) -> None:
    recorded_run(tmp_path / "a")
    with served(tmp_path) as (live, url):
        live.streams = MOST_STREAMS
        assert httpx2.get(f"{url}api/stream?run=a", timeout=60).status_code == 503


def test_a_port_that_is_taken_is_explained() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(UserError, match="does not offer port"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_the_next_free_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with listen("127.0.0.1", 0) as taken:
        monkeypatch.setattr("lockstep.show.live.serve.FIRST_PORT", taken.getsockname()[1])
        with listen("127.0.0.1", None) as next_one:
            assert next_one.getsockname()[1] > taken.getsockname()[1]


@pytest.mark.parametrize(("host", "port"), [("no.such.host.invalid", 0), ("192.0.2.1", 0)])
def test_an_address_that_is_not_ours_is_explained(host: str, port: int) -> None:
    with pytest.raises(UserError, match=host):
        listen(host, port)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_number_that_is_no_port_is_explained(port: int) -> None:
    with pytest.raises(UserError, match="between 0"):
        listen("127.0.0.1", port)


def test_a_server_started_for_a_training_ends_when_both_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lockstep.show.live.serve.ALONE_SECONDS", 1.0)
    recorded_run(tmp_path / "a")
    sock: socket.socket = listen("127.0.0.1", 0)
    live = Live(Folder(tmp_path), Access.on("127.0.0.1", sock.getsockname()[1]))
    server = Server(live, sock)
    server.stop_with(parent=-1)  # nobody's: gone from the beginning
    thread = threading.Thread(target=server.run)
    thread.start()
    thread.join(timeout=60)
    assert not thread.is_alive()
