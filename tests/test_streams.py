"""Streams that are full or closed: no bug of ours, and no file in their place."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT
from tests.support.marks import dev_full, posix

if TYPE_CHECKING:
    from tests.conftest import Home

from tests.support.running import OURS, SECONDS, end, start


def full_pipe() -> tuple[int, int]:
    """Return a pipe that takes no byte more."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(65_536))
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"\0")
    os.set_blocking(writing, True)
    return reading, writing


@posix
def test_an_answer_that_is_not_read_ends_in_one_line(warm: tuple[Home, str]) -> None:
    """And nothing more is written into it."""
    home, _ = warm
    reading, writing = full_pipe()
    with start(home, "get", stdout=writing) as process:
        code, _, err = end(process, OURS)
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert not pipe.read().strip(b"\0")
    assert (code, err) == (
        0,
        b"git-credential-azdo: error: gave up after 1 s: git did not read the answer\n",
    )


@posix
def test_a_line_that_is_not_read_keeps_nothing_from_git(home: Home) -> None:
    """Git is told to stop, though why cannot be said."""
    reading, writing = full_pipe()
    with start(home, "get", stderr=writing) as process:
        code, out, _ = end(process, OURS.replace(b"https", b"http"))
    os.close(writing)
    os.close(reading)
    assert (code, out) == (0, b"quit=1\n")


@posix
def test_both_pipes_full_end_all_the_same(home: Home) -> None:
    """Nothing can be said to anybody."""
    pipes = [full_pipe(), full_pipe()]
    with start(home, "get", stdout=pipes[0][1], stderr=pipes[1][1]) as process:
        assert end(process, OURS.replace(b"https", b"http"))[0] == 0
    for end_of_pipe in (*pipes[0], *pipes[1]):
        os.close(end_of_pipe)


@dev_full
@pytest.mark.parametrize(
    ("protocol", "why"), [(b"https", b""), (b"http", b"Azure DevOps was asked over http")]
)
def test_a_full_disk_for_an_answer_is_one_line(warm: tuple[Home, str], protocol: bytes, why: bytes) -> None:
    """Whether it is an answer or the word to stop, which has its own line before."""
    home, _ = warm
    with open("/dev/full", "wb") as full, start(home, "get", stdout=full.fileno()) as process:
        code, _, err = end(process, OURS.replace(b"https", protocol))
    errors = [line for line in err.splitlines() if b" error: " in line]
    assert code == 0
    assert errors.pop() == b"git-credential-azdo: error: cannot write the answer: No space left on device"
    assert [why in line for line in errors] == ([True] if why else [])


@posix
@pytest.mark.parametrize("verb", ["get", "store", "erase", "capability"])
def test_closed_streams_are_no_bug(warm: tuple[Home, str], verb: str) -> None:
    """At most one line, and what is written goes nowhere else."""
    home, token = warm
    before = {path: path.read_bytes() for path in home.folder.rglob("*") if path.is_file()}
    for closed in ({0}, {1}, {2}, {0, 1}, {1, 2}, {0, 1, 2}):
        closing = " ".join(f"{number}{'<' if number == 0 else '>'}&-" for number in sorted(closed))
        command = f'exec "$0" {verb} {closing}'
        result = home.run("sh", "-c", command, SCRIPT, given=OURS, secret_out=verb == "get")
        assert (closed, token in result.out) == (closed, verb == "get" and not closed & {0, 1})
        assert result.err.count("\n") <= 1
        assert "bug" not in result.err
        assert {path: path.read_bytes() for path in home.folder.rglob("*") if path.is_file()} == before


STREAMS = """
import os, sys
from git_credential_azdo.__main__ import _occupy_standard_streams
said = os.dup(int(sys.argv[1]))
for stream in (0, 1, 2):
    os.close(stream)
_occupy_standard_streams()
opened = os.open(sys.executable, os.O_RDONLY)
refused = []
for stream in (1, 2):
    try:
        os.write(stream, b"x")
    except OSError:
        refused.append(stream)
try:
    os.read(0, 1)
except OSError:
    refused.append(0)
os.write(said, repr((opened > 2, refused)).encode())
"""


@posix
def test_no_file_takes_the_place_of_a_closed_stream() -> None:
    """Else the answer would go into a lock file or to the keyring's socket."""
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe:
        subprocess.run(
            [sys.executable, "-c", STREAMS, str(writing)], pass_fds=[writing], check=True, timeout=SECONDS
        )
        os.close(writing)
        assert pipe.read() == b"(True, [1, 2, 0])"
