"""The HTTP client in this process: servers that misbehave, a clock, and all that an error could show."""

from __future__ import annotations

import contextlib
import socket
import threading
import traceback
from typing import TYPE_CHECKING, Any

import httpx

from git_credential_azdo.git.network import Settings
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "kept-" + "out-of-every-line"


class Clock:
    """A clock that moves only when someone sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move the time on, and remember by how much."""
        self.slept.append(seconds)
        self.now += seconds


def answering(
    handler: Callable[[httpx.Request], httpx.Response], deadline: float = 30, **kwargs: Any
) -> HttpClient:
    """Make a Web whose server is a function."""
    return HttpClient(
        deadline, Settings(), allowed=ANYWHERE, transport=httpx.MockTransport(handler), **kwargs
    )


class _Anywhere:
    """Every origin: who may be asked is not what most of these tests are about."""

    def __contains__(self, _origin: object) -> bool:
        return True


ANYWHERE = _Anywhere()


@contextlib.contextmanager
def server(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve one loopback port; each connection is given to ``behave`` and closed after it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    held.append(connection)
                    with contextlib.suppress(OSError):
                        behave(connection)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for connection in held:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


def hanging_up(requests: list[bytes]) -> Callable[[socket.socket], None]:
    """Return how a server behaves that notes what it receives and closes the connection without a word."""

    def behave(connection: socket.socket) -> None:
        requests.append(connection.recv(65536))
        connection.shutdown(socket.SHUT_RDWR)

    return behave


def whole_story(error: BaseException) -> str:
    """Give everything that any printing of an exception could show."""
    hint = getattr(error, "hint", None)
    return "".join(traceback.format_exception(error)) + repr(error) + str(error) + str(hint)
