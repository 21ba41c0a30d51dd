"""Windows' terminals and streams: mintty's pipe, NUL, text outside the code page, a reader that goes away."""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT
from tests.support.watch import new_password

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tests.conftest import Home

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="the terminals of Windows")


@contextlib.contextmanager
def mintty(typed: bytes) -> Iterator[int]:
    """Yield the end of a pipe that is named as mintty's are; what is typed arrives, and it stays open."""
    import ctypes

    msvcrt: Any = importlib.import_module("msvcrt")
    kernel = getattr(ctypes, "WinDLL")("kernel32")  # noqa: B009 - types know it on Windows only
    kernel.CreateNamedPipeW.restype = kernel.CreateFileW.restype = ctypes.c_void_p
    name = f"\\\\.\\pipe\\msys-{os.urandom(8).hex()}-pty0-from-master"
    server = kernel.CreateNamedPipeW(name, 2, 0, 1, 4_096, 4_096, 0, None)  # PIPE_ACCESS_OUTBOUND, bytes
    client = kernel.CreateFileW(name, 0x80000000, 0, None, 3, 0, None)  # GENERIC_READ, OPEN_EXISTING
    writer, reader = msvcrt.open_osfhandle(server, 0), msvcrt.open_osfhandle(client, os.O_RDONLY)
    os.write(writer, typed)
    yield reader
    os.close(reader)
    os.close(writer)


def run(home: Home, stdin: int, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the program with this stdin to its end."""
    return subprocess.run(
        [str(SCRIPT), *words],
        stdin=stdin,
        capture_output=True,
        env=home.environment,
        cwd=home.folder,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_a_token_is_read_by_the_line_in_mintty(home: Home) -> None:
    """Its pipe does not end before the window is closed."""
    with mintty(new_password().encode() + b" x\n") as stdin:
        done = run(home, stdin, "setup", "pat", "--org", "contoso", "--vault", "file")
    assert "Personal access token (shown here, hidden by winpty git credential-azdo ...): " in done.stderr
    assert "the token contains a space" in done.stderr


def test_a_mistyped_command_is_not_gits_in_mintty(home: Home) -> None:
    """Only git passes over what a helper does not know."""
    with mintty(b"") as stdin:
        done = run(home, stdin, "docter")
    assert (done.returncode, "docter" in done.stderr) == (2, True)


def test_nul_is_no_terminal(home: Home) -> None:
    """Though it is a character device."""
    done = run(home, subprocess.DEVNULL, "setup", "pat", "--org", "contoso", "--vault", "file")
    assert (done.returncode, "no token was given" in done.stderr) == (1, True)


def test_any_name_is_printed_through_a_pipe(home: Home) -> None:
    """The code page of western Windows has no Cyrillic."""
    home.write_accounts_file(
        "version=1\nsalt=00\n\nkind=pat\nid=aa11\nname=анна\nvault=file\norg[]=contoso\n"
    )
    assert "анна" in home.azdo("accounts").out


def test_a_reader_that_goes_away_is_no_error(home: Home) -> None:
    """As with ``accounts | more``, left after the first page."""
    block = "kind=pat\nid={0}\nname=ann{0}@contoso.com\nvault=file\norg[]=contoso\n"
    home.write_accounts_file(
        "version=1\nsalt=00\n\n" + "\n".join(block.format(number) for number in range(500))
    )
    child = subprocess.Popen(
        [str(SCRIPT), "accounts"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=home.environment,
        cwd=home.folder,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.read(1)
    child.stdout.close()
    killer = threading.Timer(60, child.kill)
    killer.start()
    with child.stderr:
        text = child.stderr.read()
    killer.cancel()
    assert (child.wait(), text) == (1, b"")
