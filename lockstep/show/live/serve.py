"""A socket, a server, and when it ends."""

import os
import socket
import threading
from collections.abc import Callable

import uvicorn

from lockstep.errors import UserError
from lockstep.show.live.app import Live
from lockstep.show.live.patience import ImpatientProtocol, most_at_once

FIRST_PORT, PORTS_TRIED, LAST_PORT = 8127, 20, 65535
ALONE_SECONDS = 10.0
"""How long a server whose training is over waits for a page before it ends."""


def listen(host: str, port: int | None) -> socket.socket:
    """A listening socket. port: None takes the first free one from FIRST_PORT on, 0 any.

    Raises UserError where the address cannot be had.
    """
    if port is not None and not 0 <= port <= LAST_PORT:
        raise UserError(f"--port {port} must be between 0 (any) and {LAST_PORT}.")
    wanted = range(FIRST_PORT, FIRST_PORT + PORTS_TRIED) if port is None else (port,)
    problem: OSError | None = None
    for number in wanted:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
            sock = socket.socket(family, kind, protocol)
        except (OSError, UnicodeError) as error:
            raise UserError(f"--host {host} is no address of this machine ({error}).") from error
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            sock.listen(most_at_once())
            return sock
        except OSError as error:
            sock.close()
            problem = error
    place = f"port {port}" if port is not None else f"any port from {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1}"
    raise UserError(f"{host} does not offer {place} ({problem}). Choose another --port.")


class Server:
    """Serves a page until it is told to stop."""

    def __init__(self, live: Live, sock: socket.socket) -> None:
        self._live, self._sock = live, sock
        config = uvicorn.Config(
            live.app,
            log_level="critical",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            http=ImpatientProtocol,
            backlog=most_at_once(),
        )
        self._uvicorn = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until Ctrl-C, SIGTERM or `stop`."""
        try:
            self._uvicorn.run(sockets=[self._sock])
        except KeyboardInterrupt:
            pass
        finally:
            self._sock.close()

    def stop(self) -> None:
        """End `run`, from any thread."""
        self._uvicorn.should_exit = True

    def stop_with(self, parent: int) -> None:
        """End by itself once the process that started this one is gone and no page has been open for ALONE_SECONDS."""
        threading.Thread(target=self._stop_when_alone, args=(lambda: os.getppid() != parent,), daemon=True).start()

    def _stop_when_alone(self, orphaned: Callable[[], bool]) -> None:
        pause, alone = threading.Event(), 0.0
        while alone < ALONE_SECONDS:
            pause.wait(1.0)
            alone = 0.0 if self._live.streams or not orphaned() else alone + 1.0
        self.stop()
