"""The live page's server: one page, its files, and a stream of what is new. Reads run directories; writes nothing."""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from lockstep.algorithms.registry import metrics
from lockstep.errors import UserError
from lockstep.runs.cleaning import one_line
from lockstep.show import player
from lockstep.show.live.curves import CURVES, Seen
from lockstep.show.live.folder import Folder
from lockstep.show.live.guard import Access, Guard

SECONDS = 1.0
"""Between two looks at the files."""
LOOKS_PER_LIST = 5
"""Looks at the shown runs for every look at all the others."""
MOST_RUNS = 8
"""Shown in one page."""
MOST_STREAMS = 32
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Live:
    """The application, and how many pages are open."""

    def __init__(self, folder: Folder, access: Access) -> None:
        self.folder = folder
        self.streams = 0
        self._static = {
            file.name: file.read_bytes()
            for file in (
                *(files("lockstep.show.live") / "static").iterdir(),
                files("lockstep.show.player") / player.SCENE,
            )
            if "." + file.name.rpartition(".")[2] in KINDS
        }
        self.app = Starlette(
            routes=[
                Route("/", self._page),
                Route("/static/{name}", self._file),
                Route("/static/scene/{kind}.js", self._scene),
                Route("/api/start", self._start),
                Route("/api/film", self._film),
                Route("/api/stream", self._stream),
            ],
            middleware=[Middleware(Guard, access=access)],
            exception_handlers={UserError: _refuse},
        )

    async def _page(self, request: Request) -> Response:
        return self._named("index.html")

    async def _file(self, request: Request) -> Response:
        return self._named(request.path_params["name"])

    async def _scene(self, request: Request) -> Response:
        """What draws one kind of world. Its family is known by then: its film was asked for first."""
        return Response(player.scene_script(request.path_params["kind"]), media_type=KINDS[".js"])

    def _named(self, name: str) -> Response:
        if name not in self._static:
            return PlainTextResponse("There is no such file.\n", 404)
        return Response(self._static[name], media_type=KINDS["." + name.rpartition(".")[2]])

    async def _start(self, request: Request) -> Response:
        """What a page needs to know once."""
        curves = [
            {"metric": curve.metric, "title": curve.title, "own": curve.own, **_explained(curve.metric)}
            for curve in CURVES
        ]
        shown = await run_in_threadpool(self.folder.shown_first)
        start = {"folder": one_line(self.folder.root.name), "shown": shown, "most": MOST_RUNS, "curves": curves}
        return JSONResponse({**start, "themes": player.themes()})

    async def _film(self, request: Request) -> Response:
        number = request.query_params.get("number", "")
        if not number.isascii() or not number.isdecimal() or len(number) > 9:
            raise UserError(f"number={number[:20]!r} must be the number of a recorded episode, counted from 0.")
        name = request.query_params.get("run", "")
        return JSONResponse(await run_in_threadpool(self.folder.film, name, int(number)))

    async def _stream(self, request: Request) -> Response:
        names = request.query_params.getlist("run")
        if not 1 <= len(names) <= MOST_RUNS:
            raise UserError(f"A page shows 1 to {MOST_RUNS} runs, not {len(names)}.")
        if self.streams >= MOST_STREAMS:
            return PlainTextResponse(f"{MOST_STREAMS} pages are open already; close one.\n", 503)
        self.streams += 1  # before anything is awaited: many may ask at once
        try:
            await run_in_threadpool(lambda: [self.folder.facts(name) for name in names])  # refuses unknown names
        except BaseException:
            self.streams -= 1
            raise
        return _Counted(self, Follower(self.folder, names))


class _Counted(StreamingResponse):
    """A stream that is counted until it has ended, also if it never began."""

    def __init__(self, live: Live, follower: "Follower") -> None:
        super().__init__(_looks(follower), media_type="text/event-stream")
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._live.streams -= 1


async def _looks(follower: "Follower") -> AsyncIterator[str]:
    while True:
        yield await run_in_threadpool(follower.look)
        await asyncio.sleep(SECONDS)


class Follower:
    """What one page has been told about the runs it shows."""

    def __init__(self, folder: Folder, names: list[str]) -> None:
        self._folder = folder
        self._seen: dict[str, dict[str, Seen]] = {name: {} for name in dict.fromkeys(names)}
        self._judged: dict[str, dict[str, Seen]] = {}
        self._told: dict[str, Any] = {}
        self._looks = 0

    def look(self) -> str:
        """Everything new as server-sent events; a mere comment where nothing is."""
        events = []
        thorough = self._looks % LOOKS_PER_LIST == 0
        self._looks += 1
        if thorough:
            events += self._if_new("runs", self._folder.summaries())
        for name, seen in self._seen.items():
            try:
                curves = self._folder.changes(name, seen)
                events += self._if_new(f"facts {name}", self._folder.facts(name))
                if curves:
                    events.append(_event("curves", {"run": name, "curves": curves}))
                if thorough:
                    events += self._findings(name)
            except UserError:
                events += self._if_new(f"gone {name}", {"run": name})
        return "".join(events) or ": nothing new\n\n"

    def _findings(self, name: str) -> list[str]:
        """Worked out anew only if there are new numbers."""
        if self._judged.get(name) == self._seen[name]:
            return []
        self._judged[name] = dict(self._seen[name])
        found, topic = self._folder.findings_of(name), f"findings {name}"
        return self._if_new(topic, {"run": name, "findings": found}) if found or topic in self._told else []

    def _if_new(self, topic: str, data: Any) -> list[str]:
        if self._told.get(topic) == data:
            return []
        self._told[topic] = data
        return [_event(topic.partition(" ")[0], data)]


def _event(kind: str, data: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps(_plain(data), separators=(',', ':'), allow_nan=False)}\n\n"


def _plain(data: Any) -> Any:
    """Without what JSON does not have: infinite numbers and those that are none."""
    if isinstance(data, dict):
        return {name: _plain(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def _explained(name: str) -> dict[str, str]:
    metric = metrics()[name]
    return {"unit": metric.unit, "formula": metric.formula, "healthy": metric.healthy}


async def _refuse(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 404)
