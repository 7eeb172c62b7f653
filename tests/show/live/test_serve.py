"""The server on a real socket: streams what happens, ends when told."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from lockstep.errors import UserError
from lockstep.show.live import patience
from lockstep.show.live.app import MOST_STREAMS, Follower, Live
from lockstep.show.live.folder import Folder
from lockstep.show.live.guard import Access
from lockstep.show.live.serve import Server, listen
from tests.runs.folders import append, evaluation
from tests.show.live.recorded import recorded_run
from tests.training.faults import wait_for


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


def test_no_more_streams_than_are_allowed_open_at_once(tmp_path: Path) -> None:
    recorded_run(tmp_path / "a")
    with served(tmp_path) as (live, url):
        address = (urlsplit(url).hostname or "", urlsplit(url).port or 0)
        asked = []
        for _ in range(60):
            asked.append(socket.create_connection(address, timeout=60))
            asked[-1].sendall(b"GET /api/stream?run=a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answers = [int(one.recv(12).split()[1]) for one in asked]
        assert answers.count(200) == MOST_STREAMS
        assert answers.count(503) == 60 - MOST_STREAMS
        for one in asked:
            one.close()
        wait_for(lambda: live.streams == 0)
        assert httpx2.get(f"{url}api/stream?run=nowhere", timeout=60).status_code == 404
        assert live.streams == 0


def test_who_asks_for_nothing_or_takes_nothing_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr("lockstep.show.live.app.SECONDS", 0.0)
    monkeypatch.setattr(Follower, "look", lambda self: ": something long\n" * 10_000)
    recorded_run(tmp_path / "a")
    with served(tmp_path) as (live, url):
        address = (urlsplit(url).hostname or "", urlsplit(url).port or 0)
        silent, slow, deaf = (socket.create_connection(address, timeout=60) for _ in range(3))
        slow.sendall(b"GET /api/start HTTP/1.1\r\nHo")
        deaf.sendall(b"GET /api/stream?run=a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        wait_for(lambda: live.streams == 1)
        for one in (silent, slow):
            with suppress(ConnectionResetError):
                assert one.recv(100) == b""
        wait_for(lambda: live.streams == 0)
        with httpx2.stream("GET", f"{url}api/stream?run=a", timeout=60) as answer:
            taken = 0
            for part in answer.iter_bytes():
                taken += len(part)
                if taken > 50_000_000:
                    break
        for one in (silent, slow, deaf):
            one.close()


CROWD = """
import resource, sys, threading, time
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from pathlib import Path
from lockstep.show.live.app import Live
from lockstep.show.live.folder import Folder
from lockstep.show.live.guard import Access
from lockstep.show.live.serve import Server, listen
sock = listen("127.0.0.1", 0)
print(sock.getsockname()[1], flush=True)
Server(Live(Folder(Path(sys.argv[1])), Access.on("127.0.0.1", sock.getsockname()[1])), sock).run()
"""


def test_a_crowd_neither_stops_the_server_nor_keeps_a_processor_busy(tmp_path: Path) -> None:
    recorded_run(tmp_path / "a")
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", CROWD, str(tmp_path)], stdout=pipe, stderr=pipe) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            crowd = []
            for _ in range(150):
                with suppress(OSError):
                    crowd.append(socket.create_connection(("127.0.0.1", port), timeout=60))
            before = used_seconds(process.pid)
            threading.Event().wait(1.0)
            assert used_seconds(process.pid) - before < 0.5
            for one in crowd:
                one.close()
            assert httpx2.get(f"http://127.0.0.1:{port}/api/start", timeout=60).json()["shown"] == ["a"]
        finally:
            process.kill()
        assert process.stderr is not None
        assert process.stderr.read() == b""


def used_seconds(pid: int) -> float:
    """Of a processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
