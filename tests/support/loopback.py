"""Sockets of the tests' own on loopback: that listen, that answer no packet, that serve one connection, or those at a Unix socket."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

V4, V6 = socket.AF_INET, socket.AF_INET6
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@contextlib.contextmanager
def listener(family: socket.AddressFamily = V4, *, silent: bool = False) -> Iterator[socket.socket]:
    """Return a socket that listens; a silent one answers no packet, since its queue is full (Linux)."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket(family))
        server.bind(("::1" if family == V6 else "127.0.0.1", 0))
        server.listen(0 if silent else 5)
        for _ in range(2 if silent else 0):
            filler = stack.enter_context(socket.socket(family))
            filler.setblocking(False)  # noqa: FBT003 - its only argument
            with contextlib.suppress(BlockingIOError):
                filler.connect(server.getsockname())
        yield server


@contextlib.contextmanager
def serving(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve one connection on loopback; return the port."""
    with listener() as server:

        def run() -> None:
            with contextlib.suppress(OSError):
                accepted, _ = server.accept()
                with accepted:
                    behave(accepted)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextlib.contextmanager
def serving_at(
    address: str | bytes, answer: Callable[[socket.socket], bytes], *, user: int | None = None
) -> Iterator[list[bytes]]:
    """Listen at a Unix socket, as another user if one is given; return what ``answer`` returns for each connection."""
    sent: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        if user is not None:
            os.seteuid(user)  # the kernel says that who listens is at the other end
        try:
            server.listen()
        finally:
            if user is not None:
                os.seteuid(0)

        def run() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    sent.append(answer(connection))

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield sent
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(90)
            assert not thread.is_alive()
