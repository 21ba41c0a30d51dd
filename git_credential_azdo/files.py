"""Private files: written whole or not at all, readable by nobody else. Knows nothing of what is in them."""

from __future__ import annotations

import os
import time

_FRESH = ".new"
_REPLACE_SECONDS = 1.0
"""How long a rename is tried again while somebody reads the old file: Windows refuses it meanwhile."""


def make_private_folder(path: str) -> None:
    """Make the folder, and those missing above it, for this user only. Raises OSError."""
    try:
        os.mkdir(path, 0o700)  # os.makedirs gives the mode to the last folder alone
    except FileExistsError:
        if not os.path.isdir(path):
            raise
    except FileNotFoundError:
        above = os.path.dirname(path)
        if above == path:
            raise
        make_private_folder(above)
        make_private_folder(path)


def read_file(path: str) -> bytes:
    """Return the file's bytes; none when there is no file. Raises OSError when it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except FileNotFoundError:
        return b""


def write_private(path: str, data: bytes) -> None:
    """Replace the file at ``path`` by ``data``: a reader sees the old file or the new one, also after a crash.

    Raises OSError.
    """
    target = os.path.realpath(path)  # a linked file (a dotfiles folder) stays a link
    make_private_folder(os.path.dirname(target))
    fresh = f"{target}.{os.getpid()}{_FRESH}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(fresh, flags, 0o600)
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _replace(fresh, target)
    except BaseException:
        os.unlink(fresh)
        raise


def is_left_over(name: str, of: str) -> bool:
    """Say whether ``name`` is what a killed ``write_private`` of the file named ``of`` leaves behind."""
    number = name.removeprefix(of + ".").removesuffix(_FRESH)
    return name == f"{of}.{number}{_FRESH}" and number.isdigit()


def _replace(fresh: str, target: str) -> None:
    give_up = time.monotonic() + _REPLACE_SECONDS
    while True:
        try:
            return os.replace(fresh, target)
        except PermissionError:
            if os.name != "nt" or time.monotonic() > give_up:
                raise
            time.sleep(0.02)
