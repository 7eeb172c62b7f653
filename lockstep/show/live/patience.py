"""How long a connection may idle, and how many there may be: who asks for nothing, or takes nothing, is cut off."""

import asyncio
import sys

from uvicorn.protocols.http.h11_impl import H11Protocol

LOOK_SECONDS = 2.0
PATIENCE_SECONDS = 20.0
"""Seconds for a request to arrive, and for at least a part of what waits to be taken."""
MOST_CONNECTIONS, MOST_AT_ONCE = 128, 64
"""Connections of browsers, which open several each, and those that may wait to be accepted."""


class ImpatientProtocol(H11Protocol):
    """uvicorn's HTTP, for clients that may be slow, gone, or too many."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Counted at once: what is too many never becomes a request."""
        super().connection_made(transport)
        self._idle_seconds, self._unsent = 0.0, 0
        self._next_look = self.loop.call_later(LOOK_SECONDS, self._look)
        if len(self.connections) > most_connections():
            transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._next_look.cancel()
        super().connection_lost(error)

    def _look(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        answering = self.cycle is not None and not self.cycle.response_complete
        moves = unsent < self._unsent if unsent else answering
        self._unsent = unsent
        self._idle_seconds = 0.0 if moves else self._idle_seconds + LOOK_SECONDS
        if self._idle_seconds >= PATIENCE_SECONDS:
            self.transport.abort()
        else:
            self._next_look = self.loop.call_later(LOOK_SECONDS, self._look)


def most_connections() -> int:
    """So few that accepting one never fails for want of file numbers, which would keep a processor busy."""
    return max(4, min(MOST_CONNECTIONS, _open_files() // 4))


def most_at_once() -> int:
    """Connections that are accepted in one go, before the first of them can be refused."""
    return max(1, min(MOST_AT_ONCE, _open_files() // 8))


def _open_files() -> int:
    """How many the process may have."""
    try:
        import resource
    except ImportError:  # a system that has no such limit
        return sys.maxsize
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft
