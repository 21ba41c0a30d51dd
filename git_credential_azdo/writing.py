"""Files of ours, written whole or not at all, for this user only. Knows nothing of what is in them.

A new version is made beside the old one, under a name that cannot be guessed, and takes its place when it is on the
disk. What root creates in a user's home gets that user as its owner, who could not use it otherwise.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time

from git_credential_azdo.files import NOFOLLOW, PRIVATE, READ, check_folders, followed, patiently

_FRESH = ".new"
_STALE_SECONDS = 600
"""Where there are no locks: the age, either way the clock may have gone, at which a file not renamed yet is a left-over."""
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW | PRIVATE
_HEXADECIMAL = frozenset("0123456789abcdef")


def write_own(path: str, data: bytes, top: str, *, linked: bool = False) -> None:
    """Replace the file of ours at ``path`` by ``data``: a reader sees the old file or the new one, also after a crash.

    Arguments and errors as of ``files.read_own``. What a killed write left of this file is deleted.
    """
    if os.path.islink(path):
        path = followed(path, linked=linked)
        top = os.path.dirname(path)
    folder, name = os.path.split(path)
    make_private_folder(folder)
    check_folders(folder, top)
    for left in os.listdir(folder):
        if is_left_over(left, name) and _is_stale(os.path.join(folder, left)):
            os.unlink(os.path.join(folder, left))
    fresh = f"{path}.{os.urandom(8).hex()}{_FRESH}"
    descriptor = os.open(fresh, _MAKE, 0o600)
    try:
        try:
            _try_lock(descriptor)
            _hand_over(descriptor, folder)
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
            if os.name != "nt":  # Windows renames no open file
                os.replace(fresh, path)
        finally:
            os.close(descriptor)
        if os.name == "nt":
            patiently(os.replace, fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise
    _sync_folder(folder)


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
    else:
        if _is_root():
            descriptor = os.open(path, READ | NOFOLLOW | os.O_DIRECTORY)
            try:
                _hand_over(descriptor, os.path.dirname(path))
            finally:
                os.close(descriptor)


def open_lock(path: str) -> int:
    """Open the lock file at ``path``, made if need be, to read and write; return its descriptor. Raises OSError."""
    folder = os.path.dirname(path)
    make_private_folder(folder)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | NOFOLLOW | PRIVATE, 0o600)
    _hand_over(descriptor, folder)
    return descriptor


def make_once(path: str, data: bytes) -> bool:
    """Make a file of ours in a folder that is there; False when there is one already. Raises OSError."""
    try:
        descriptor = os.open(path, _MAKE, 0o600)
    except FileExistsError:
        return False
    try:
        _hand_over(descriptor, os.path.dirname(path))
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
    return True


def is_left_over(name: str, of: str) -> bool:
    """Say whether ``name`` is what a killed ``write_own`` of the file named ``of`` leaves behind."""
    number = name.removeprefix(of + ".").removesuffix(_FRESH)
    return name == f"{of}.{number}{_FRESH}" and bool(number) and _HEXADECIMAL.issuperset(number)


def _is_stale(path: str) -> bool:
    """Return whether the run that was writing a file has ended: it holds a lock until the file is renamed."""
    is_free = None
    try:
        with contextlib.suppress(OSError):  # also for what is no file
            descriptor = os.open(path, READ | NOFOLLOW)
            try:
                is_free = _try_lock(descriptor)
            finally:
                os.close(descriptor)
        return abs(time.time() - os.lstat(path).st_mtime) > _STALE_SECONDS if is_free is None else is_free
    except FileNotFoundError:
        return False


def _try_lock(descriptor: int) -> bool | None:
    """Lock a file that is open; return whether it is locked now, None where there are no locks."""
    if sys.platform == "win32":
        return None
    import fcntl  # noqa: PLC0415 - absent on Windows

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_root() -> bool:
    return os.name != "nt" and os.geteuid() == 0


def _hand_over(descriptor: int, folder: str) -> None:
    """Give what root made in a folder to whom the folder belongs. Raises OSError."""
    if _is_root():
        owner, made = os.stat(folder), os.fstat(descriptor)
        if owner.st_uid != made.st_uid:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _sync_folder(folder: str) -> None:
    """Let a rename outlive a power failure, where the file system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, READ)
    try:
        with contextlib.suppress(OSError):  # the file is whole, whichever one it is
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
