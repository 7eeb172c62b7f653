"""Who may look: only readers, under a name that is ours, from our own pages, with the token if there is one.

A page of another site cannot read a server on this machine, unless its name is made to point here (DNS rebinding): then
the Host header carries that name, and is refused. Requests that pages of other sites send carry their Origin.
"""

import hmac
import ipaddress
import secrets
import socket
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LONGEST_REQUEST = 2048
"""Bytes of path and query together."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Access:
    """Where the page is served, and the word that opens it."""

    host: str
    port: int
    token: str | None = None
    """None: none is asked for, which is only right on this machine."""

    @classmethod
    def on(cls, host: str, port: int, token: str | None = None) -> "Access":
        """With a token wherever other machines can reach `host`: the given one, or a new one."""
        if is_loopback(host):
            return cls(host, port, token)
        return cls(host, port, token or secrets.token_urlsafe(24))

    @property
    def url(self) -> str:
        """What to type into a browser on this machine, or on another one where that can reach it."""
        host = socket.gethostname() if self.host in ("0.0.0.0", "::") else self.host
        name = f"[{host}]" if ":" in host else host
        return f"http://{name}:{self.port}/" + (f"?token={self.token}" if self.token else "")

    def knows(self, host: str | None) -> bool:
        """Whether a Host header's name is ours. An address is, since nobody can make one point elsewhere."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if self.token is None:
            return is_loopback(name)
        return is_loopback(name) or _is_address(name) or name in {self.host.lower(), socket.gethostname().lower()}

    def opens(self, word: str | None) -> bool:
        """Whether this is the token."""
        return self.token is None or (word is not None and hmac.compare_digest(word.encode(), self.token.encode()))

    @property
    def cookie(self) -> str:
        """The cookie's name: one for every port, since browsers keep cookies of one host together."""
        return f"lockstep-{self.port}"


class Guard:
    """ASGI middleware that answers everything which `Access` does not allow, and adds headers to the rest."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        answer = self._refusal(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await (self._app if answer is None else answer)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """What to answer instead of passing the request on."""
        access, headers = self._access, Headers(scope=scope)
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("This page can only be read.\n", 405, {"Allow": "GET, HEAD"})
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_REQUEST:
            return PlainTextResponse(f"A request has at most {LONGEST_REQUEST} characters.\n", 414)
        if not access.knows(headers.get("host")):
            return PlainTextResponse("This server is not known under that name.\n", 421)
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{headers['host']}":
            return PlainTextResponse("Only this server's own pages may ask.\n", 403)
        return self._without_token(scope, headers)

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        access = self._access
        if access.opens(_cookie(headers, access.cookie)):
            return None
        words = parse_qs(scope["query_string"].decode("latin-1")).get("token", [None])
        if not access.opens(words[-1]):
            return PlainTextResponse("Open the address that `lockstep watch` printed: it holds the token.\n", 401)
        # The token leaves the address bar, and the browser's history, for a cookie that no script can read.
        answer = RedirectResponse(scope["path"], 303)
        answer.set_cookie(access.cookie, access.token or "", httponly=True, samesite="strict")
        return answer


def is_loopback(host: str) -> bool:
    """Whether this name or address reaches this machine only."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _cookie(headers: Headers, name: str) -> str | None:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return morsel.value if morsel else None
