"""Writing our files, completely or not at all and private to this user; locks between processes.

The format of their content is not known here. A new version is created beside the old one, under a name that cannot be
guessed, and replaces it once it is on disk. The writer of a file holds its lock, so any other new version beside it was
left by a killed run. What root creates in a user's home is given to that user, who could not use it otherwise.

The system releases a lock when its holder ends. Must never delete a lock file: a second process could hold a lock on
the deleted one. On a file system without locks (some NFS, Lustre, FUSE) the lock is a file beside it, which only one
process can create and which names its holder. A stale one, whose holder has ended, is removed: immediately for a
process of this machine, after _UNKNOWN_SECONDS for one of another machine.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time

from git_credential_azdo.errors import AzdoError
from git_credential_azdo.files import NOFOLLOW, PRIVATE, READ, check_folders, followed, patiently, read_file

if sys.platform == "win32":
    import msvcrt

    def _flock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _flock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_FRESH = ".new"
_HELD = ".held"
_UNKNOWN_SECONDS = 120
"""The age at which another machine's lock is stale: longer than this program holds one."""
_ALIVE_SECONDS = 3_600
"""The same for a process id that is in use on this machine: it may have been reused."""
_PAUSE_SECONDS = 0.01
_NO_LOCKS = frozenset((errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP))
_NAME_BYTES = 1_024
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW | PRIVATE
_HEXADECIMAL = frozenset("0123456789abcdef")


def write_own(path: str, data: bytes, top: str, *, linked: bool = False) -> None:
    """Replace our file at ``path`` with ``data``: a reader sees the old file or the new one, even after a crash.

    Arguments and errors: as for ``files.read_own``. Callers hold the file's lock: what a killed write left is deleted.
    """
    if os.path.islink(path):
        path = followed(path, linked=linked)
        top = os.path.dirname(path)
    folder, name = os.path.split(path)
    make_private_folder(folder)
    check_folders(folder, top)
    for left in os.listdir(folder):
        if is_left_over(left, name):
            delete(os.path.join(folder, left))
    fresh = f"{path}.{os.urandom(8).hex()}{_FRESH}"
    descriptor = os.open(fresh, _MAKE, 0o600)
    try:
        try:
            _give_to_owner(descriptor, folder)
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
            if os.name != "nt":  # Windows cannot rename an open file
                os.replace(fresh, path)
        finally:
            os.close(descriptor)
        if os.name == "nt":
            patiently(os.replace, fresh, path)
    except BaseException:
        with contextlib.suppress(OSError):  # report the first error; the next write deletes what is left
            delete(fresh)
        raise
    _sync_folder(folder)


def make_private_folder(path: str) -> None:
    """Create the folder, and missing parents, for this user only. Raise OSError."""
    try:
        os.mkdir(path, 0o700)  # os.makedirs applies the mode to the last folder only
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
        if os.name != "nt":
            descriptor = os.open(path, READ | NOFOLLOW | os.O_DIRECTORY)
            try:
                _give_to_owner(descriptor, os.path.dirname(path))
            finally:
                os.close(descriptor)
        _sync_folder(os.path.dirname(path))


def others_can_read(top: str) -> bool:
    """Return whether other users can read a folder of ours or a file in it; False on Windows. Raise OSError."""
    paths = (os.path.join(root, each) for root, _, files in os.walk(top) for each in ("", *files))
    return os.name != "nt" and any(map(_is_open, paths))


def _is_open(path: str) -> bool:
    try:
        return bool(os.stat(path).st_mode & 0o077)
    except FileNotFoundError:  # a temporary file of another run; a broken link, as an editor's lock is
        return False


def is_left_over(name: str, of: str) -> bool:
    """Return whether ``name`` is what a killed ``write_own`` of the file named ``of`` leaves behind."""
    number = name.removeprefix(of + ".").removesuffix(_FRESH)
    return name == f"{of}.{number}{_FRESH}" and bool(number) and _HEXADECIMAL.issuperset(number)


def delete(path: str) -> None:
    """Delete a file; an absent one is no error, since another process may have been first. Raise OSError."""
    with contextlib.suppress(FileNotFoundError):
        patiently(os.unlink, path)


def _try_lock(descriptor: int) -> bool | None:
    """Lock an open file; return whether that succeeded, None if the file system has no locks. Raise OSError."""
    try:
        _flock(descriptor)
    except (BlockingIOError, PermissionError):  # on Unix and on Windows, when another process holds it
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return None
    return True


def _give_to_owner(descriptor: int, folder: str) -> None:
    """Give what root created in a folder to the owner of the folder. Raise OSError."""
    if os.name != "nt" and os.geteuid() == 0:
        owner, made = os.stat(folder), os.fstat(descriptor)
        if owner.st_uid != made.st_uid:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _sync_folder(folder: str) -> None:
    """Flush a folder's entries to disk where possible; after a power failure its files are complete, old or new."""
    with contextlib.suppress(OSError):  # Windows cannot open a folder
        descriptor = os.open(folder, READ)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Busy(AzdoError):  # noqa: N818 - a state, not a fault
    """Another process held the lock for the whole wait."""


class Lock:
    """A lock, held in ``with Lock(path, seconds):``. Raise Busy after ``seconds``, OSError if it cannot be created.

    In git's verbs the wait also ends at the run's time limit.
    """

    def __init__(self, path: str, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._name = b""

    def __enter__(self) -> None:
        folder = os.path.dirname(self._path)
        make_private_folder(folder)
        make = os.O_RDWR | os.O_CREAT | NOFOLLOW | PRIVATE
        self._descriptor = patiently(os.open, self._path, make, 0o600)
        try:
            _give_to_owner(self._descriptor, folder)
            self._wait()
        except BaseException:  # also KeyboardInterrupt
            os.close(self._descriptor)
            raise

    def __exit__(self, *_: object) -> None:
        if self._name:
            release(self._path + _HELD, self._name)
        os.close(self._descriptor)  # releases the lock

    def _wait(self) -> None:
        if self._try():
            return
        from git_credential_azdo import deadline  # noqa: PLC0415 - a lock is rarely held by another process

        seconds = deadline.bound(self._seconds)
        give_up = time.monotonic() + seconds
        while not self._try():
            if time.monotonic() >= give_up:
                raise Busy(f"another git-credential-azdo held {self._path} for {max(1, round(seconds))} s")
            time.sleep(_PAUSE_SECONDS)

    def _try(self) -> bool:
        is_locked = _try_lock(self._descriptor)
        if is_locked is None:
            self._name = take(self._path + _HELD)
            return bool(self._name)
        return is_locked


def take(path: str) -> bytes:
    """Create the lock file; return the name to release it with, empty if another process holds it. Raise OSError."""
    name = f"{os.getpid()} {_here()} {os.urandom(8).hex()}".encode()
    try:
        descriptor = os.open(path, _MAKE, 0o600)
    except FileExistsError:
        _remove_stale(path)
        return b""
    try:
        _give_to_owner(descriptor, os.path.dirname(path))
        os.write(descriptor, name)
    except BaseException:  # for example a full disk: a lock without a name would last for _UNKNOWN_SECONDS
        delete(path)
        raise
    finally:
        os.close(descriptor)
    return name


def release(path: str, name: bytes) -> None:
    """Delete the lock file if it is still held under this name."""
    if _name_in(path) == name:
        delete(path)


def _remove_stale(path: str) -> None:
    """Remove the lock file if its holder has ended."""
    name = _name_in(path)
    number, _, rest = name.partition(b" ")
    limit = _UNKNOWN_SECONDS
    if os.name != "nt" and number.isdigit() and rest.partition(b" ")[0] == _here().encode():
        limit = _ALIVE_SECONDS if _is_alive(int(number[:9])) else -1
    with contextlib.suppress(OSError):  # another process removed it first
        if abs(time.time() - os.lstat(path).st_mtime) > limit:
            _remove(path, name)


def _remove(path: str, name: bytes) -> None:
    """Remove the lock file that is held under this name. Raise FileNotFoundError."""
    aside = f"{path}.{os.urandom(8).hex()}"
    os.rename(path, aside)
    if _name_in(aside) != name:  # another process removed the stale one and holds the lock: restore it
        with contextlib.suppress(OSError):
            os.link(aside, path)
    os.unlink(aside)


def _name_in(path: str) -> bytes:
    try:
        return read_file(path, _NAME_BYTES)
    except OSError:
        return b""


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _here() -> str:
    """Return this machine's name, as one word."""
    name = os.environ.get("COMPUTERNAME", "") if os.name == "nt" else os.uname().nodename
    return "".join(name.split()) or "?"
