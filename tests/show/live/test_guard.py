"""Who is refused, and that everybody else is not."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from lockstep.show.live.app import Live
from lockstep.show.live.folder import Folder
from lockstep.show.live.guard import LONGEST_REQUEST, Access
from tests.show.live.recorded import recorded_run

TOKEN = "correct horse battery staple"
HERE = Access("127.0.0.1", 8127)
OPEN = Access("192.0.2.7", 8127, TOKEN)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work") / "runs"
    recorded_run(folder / "first")
    (folder.parent / "secret.html").write_text("secret")
    (folder / "notes").mkdir()
    return folder


def client(root: Path, access: Access, host: str = "127.0.0.1:8127") -> TestClient:
    return TestClient(Live(Folder(root), access).app, base_url=f"http://{host}", follow_redirects=False)


@pytest.mark.parametrize("host", ["127.0.0.1:8127", "localhost:8127", "[::1]:8127", "127.0.0.2"])
def test_this_machines_names_are_known(host: str, root: Path) -> None:
    assert client(root, HERE, host).get("/").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8127", "192.0.2.7", "localhost.evil.example", "", "["])
def test_a_name_that_is_not_ours_is_refused(host: str, root: Path) -> None:
    answer = client(root, HERE).get("/api/start", headers={"Host": host})
    assert answer.status_code == 421
    assert "first" not in answer.text


def test_another_pages_request_is_refused(root: Path) -> None:
    browser = client(root, HERE)
    for origin in ("http://evil.example", "http://127.0.0.1:9999", "https://127.0.0.1:8127", "null"):
        assert browser.get("/api/start", headers={"Origin": origin}).status_code == 403
    assert browser.get("/api/start", headers={"Origin": "http://127.0.0.1:8127"}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_written(method: str, root: Path) -> None:
    assert client(root, HERE).request(method, "/api/start").status_code == 405


def test_a_huge_query_is_refused(root: Path) -> None:
    browser = client(root, HERE)
    path = "/api/start?x="
    assert browser.get(path + "x" * (LONGEST_REQUEST - len("/api/startx="))).status_code == 200
    assert browser.get(path + "x" * LONGEST_REQUEST).status_code == 414


@pytest.mark.parametrize("path", ["", "/", "/api/start", "/api/film?run=first&number=0", "/static/live.js"])
def test_without_the_token_nothing_is_shown(path: str, root: Path) -> None:
    for wrong in ("", "wrong", TOKEN[:-1], TOKEN + "x", "ü"):
        browser = client(root, OPEN, "192.0.2.7:8127")
        answer = browser.get(path, params={"token": wrong} if wrong else None)
        assert answer.status_code == 401
        assert "lockstep watch" in answer.text


def test_the_token_opens_once_and_leaves_the_address(root: Path) -> None:
    browser = client(root, OPEN, "192.0.2.7:8127")
    answer = browser.get("/", params={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    assert browser.get("/api/start").status_code == 200


def test_a_wrong_cookie_is_no_token(root: Path) -> None:
    browser = client(root, OPEN, "192.0.2.7:8127")
    for cookie in ("lockstep-8127=wrong", "lockstep-8127=", "=;;,", "lockstep-1=" + TOKEN):
        assert browser.get("/", headers={"Cookie": cookie}).status_code == 401


def test_with_a_token_addresses_are_known_and_strange_names_are_not(root: Path) -> None:
    for host, status in (("10.0.0.3:8127", 401), ("[2001:db8::1]:8127", 401), ("evil.example", 421)):
        assert client(root, OPEN, host).get("/").status_code == status


def test_other_addresses_get_a_token_and_this_machine_needs_none() -> None:
    assert Access.on("127.0.0.1", 1).token is None
    assert Access.on("::1", 1).token is None
    assert Access.on("localhost", 1).url == "http://localhost:1/"
    for host in ("0.0.0.0", "::", "192.0.2.7", "127.0.0.1.example"):
        assert len(Access.on(host, 1).token or "") >= 32
    assert Access.on("192.0.2.7", 1).token != Access.on("192.0.2.7", 1).token


@pytest.mark.parametrize(
    "path",
    [
        "/static/../index.html",
        "/static/..%2f..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/static/app.py",
        "/static/uPlot.LICENSE.txt",
        "/runs/first/config.toml",
    ],
)
def test_only_the_pages_own_files_are_served(path: str, root: Path) -> None:
    assert client(root, HERE).get(path).status_code == 404


@pytest.mark.parametrize("name", ["../secret", "..", ".", "", "notes", "first/", "first/../first", "/etc", "first\x00"])
def test_only_runs_of_the_folder_are_read(name: str, root: Path) -> None:
    browser = client(root, HERE)
    for answer in (
        browser.get("/api/film", params={"run": name, "number": "0"}),
        browser.get("/api/stream", params={"run": name}),
    ):
        assert answer.status_code == 404
        assert answer.json()["error"].startswith("There is no run")


def test_every_answer_forbids_frames_scripts_and_requests_elsewhere(root: Path) -> None:
    for path in ("/", "/static/live.js", "/api/start", "/nowhere"):
        headers = client(root, HERE).get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
