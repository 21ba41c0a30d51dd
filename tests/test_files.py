"""files.py: private files, written whole or not at all."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.files import MAX_BYTES, read_file, read_own
from tests.support.marks import posix

if TYPE_CHECKING:
    from pathlib import Path

from tests.support.own_files import read, write


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Byte for byte, in place of what was there, and nothing else is left."""
    path = tmp_path / "file"

    for data in (b"one\r\n\x1a\0", b"", b"three" * 100_000):
        write(path, data)
        assert read(path) == read_file(str(path), MAX_BYTES) == data

    assert os.listdir(tmp_path) == ["file"]


def test_no_file_reads_as_none(tmp_path: Path) -> None:
    """Also when its folder is not there; anything else is an error."""
    assert read(tmp_path / "no" / "file") is None
    with pytest.raises(OSError, match=r"directory|Permission"):
        read(tmp_path)
    with pytest.raises(OSError, match=r"directory|Permission"):
        read_file(str(tmp_path), 10)
    with pytest.raises(FileNotFoundError):
        read_file(str(tmp_path / "no"), 10)


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_a_file_is_read_up_to_its_limit(tmp_path: Path, size: int) -> None:
    """One byte more is too much, and not read first."""
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    assert read_file(str(path), size) == bytes(size)
    if size:
        with pytest.raises(OSError, match=f"it is longer than {(size - 1) // 1024} KiB"):
            read_file(str(path), size - 1)


def test_a_huge_file_is_not_read_at_all(tmp_path: Path) -> None:
    """A hole of a TiB costs nothing on the disk, and would cost all our memory."""
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(OSError, match="it is longer than"):
        read(path)
    with pytest.raises(OSError, match="it is longer than"):
        read_file(str(path), 10)


@posix
@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="there is no /proc here")
def test_a_file_whose_length_is_not_known_is_read_within_its_limit() -> None:
    """As those of /proc are; they come in pieces."""
    assert read_file("/proc/self/maps", MAX_BYTES).count(b"\n") > 10
    with pytest.raises(OSError, match="longer than 0 KiB"):
        read_file("/proc/self/maps", 10)


@posix
@pytest.mark.timeout(20)
@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "/dev/tty", "socket"])
def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path: Path, kind: str, *, linked: bool) -> None:
    """Not waited for, as for a pipe's writer, nor read without an end."""
    place = tmp_path / "there"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(place))
    else:
        place.symlink_to(kind)
    path = tmp_path / "link"
    path.symlink_to(place)
    path = path if linked else place
    expected = r"regular|symbolic|No such device|Permission|configured"
    with pytest.raises(OSError, match=expected):
        read(path)
    with pytest.raises(OSError, match=expected):
        read_file(str(path), 10)
    with pytest.raises(OSError, match=expected):
        read_own(str(path), str(tmp_path), linked=True)
