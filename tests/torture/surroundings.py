"""What a verb is run in: odd files, and keyrings that are emptied, replaced, stopped, in a mood, or not on the bus."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.torture.bench import Bench


class Surroundings(NamedTuple):
    """How a verb is run: words before it, variables, and streams that are not pipes."""

    prefix: tuple[str, ...] = ()
    environment: dict[str, str] = {}  # noqa: RUF012 - never changed
    streams: dict[str, int] = {}  # noqa: RUF012 - never changed
    keep_open: bool = False


@contextlib.contextmanager
def other_entries(text: str, bench: Bench) -> Iterator[Surroundings]:
    """Let all entries have this text, as in a keyring that was replaced, or be absent; put them back afterwards."""
    before = bench.entries.read()
    other = dict.fromkeys(before, text) if text else {}
    bench.entries.replace(other)
    try:
        yield Surroundings()
    finally:
        written = {name: now for name, now in bench.entries.read().items() if now != text}
        bench.entries.replace({**before, **written})


@contextlib.contextmanager
def of_mood(mood: str, _bench: Bench) -> Iterator[Surroundings]:
    """Let the slow keyring be in a mood."""
    yield Surroundings(environment={"MOOD": mood})


@contextlib.contextmanager
def odd_file(name: str, kind: str, bench: Bench) -> Iterator[Surroundings]:
    """Put a FIFO, a folder or a link to itself in a file's place."""
    path = bench.home.accounts_file.parent / name
    aside = path.with_name(path.name + ".aside")
    is_there = path.exists()
    if is_there:
        path.rename(aside)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path.name)
    try:
        yield Surroundings()
    finally:
        shutil.rmtree(path) if kind == "folder" and not path.is_symlink() else path.unlink()
        if is_there:
            aside.rename(path)


@contextlib.contextmanager
def stopped(bench: Bench) -> Iterator[Surroundings]:
    """Stop the keyring in the middle of its life."""
    assert bench.keyring
    os.kill(bench.keyring.daemon, signal.SIGSTOP)
    try:
        yield Surroundings()
    finally:
        os.kill(bench.keyring.daemon, signal.SIGCONT)


@contextlib.contextmanager
def bus(mood: str, bench: Bench) -> Iterator[Surroundings]:
    """Put another session bus in place of the keyring's."""
    path = bench.home.folder.parent / "bus"
    path.unlink(missing_ok=True)
    address = "nonsense" if mood == "wrong" else f"unix:path={path}"
    around = Surroundings(environment={"DBUS_SESSION_BUS_ADDRESS": address, "XDG_RUNTIME_DIR": "/nowhere"})
    if mood in {"absent", "wrong"}:
        yield around
        return
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(8)
        child = os.fork()
        if child == 0:
            _serve_nonsense(server, mood)
        try:
            yield around
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _serve_nonsense(server: socket.socket, mood: str) -> None:
    held = []
    while True:
        peer, _ = server.accept()
        if mood == "garbage":
            with contextlib.suppress(OSError):
                peer.recv(1024)
                peer.sendall(b"OK 0123\r\n")
                peer.recv(4096)
                peer.sendall(os.urandom(64))
        if mood == "silent":
            held.append(peer)
        else:
            peer.close()
