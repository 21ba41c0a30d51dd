"""Files: read within bounds, and our own ones written whole or not at all. Knows nothing of what is in them.

Everything that this program reads from a path comes through ``read_file``, which neither waits nor reads without end,
whatever stands there. What is ours (``read_own``, ``write_own``) lies below a folder of ours and is believed only where
nobody but this user and root could have changed it; ``ownership`` knows the rules, and what to say. On Windows, access
is by lists of its own that a home folder has, and nothing is checked.
"""

from __future__ import annotations

import os
import time
from stat import S_ISDIR, S_ISLNK, S_ISREG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Result = TypeVar("Result")

MOST_BYTES = 16 * 2**20
"""The longest file of ours that is read: an accounts file of this size would have 50,000 accounts."""
OTHERS_WRITE = 0o022
_FRESH = ".new"
_STALE_SECONDS = 600
"""The age, either way the clock may have gone, at which nobody is still writing a file that is not renamed yet."""
_PATIENCE_SECONDS = 1.0
"""How long Windows is asked again that refuses a file while another process replaces or reads it."""
_PRIVATE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_BINARY", 0)
_READ = os.O_RDONLY | _PRIVATE | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _PRIVATE
_HEXADECIMAL = frozenset("0123456789abcdef")


class Unsafe(OSError):  # noqa: N818 - a state, with its cure
    """A file or folder that somebody else could have changed. ``strerror`` says why, ``cure`` which command helps."""

    def __init__(self, path: str, reason: str, cure: Callable[[str], str] | None = None) -> None:
        super().__init__(_number("EPERM"), reason, path)
        self.cure = cure


def read_file(path: str, limit: int) -> bytes:
    """Return the bytes of an ordinary file of at most ``limit`` bytes; links are followed.

    Raises OSError, at once for what is no ordinary file (a pipe, a device), and for one that is too long.
    """
    return _contents(_patiently(os.open, path, _READ), path, limit)


def read_own(path: str, top: str, *, linked: bool = False) -> bytes | None:
    """Return the bytes of a file of ours; None when there is none.

    ``top``: the folder of ours that it lies in or below. ``linked``: it may be a symbolic link.
    Raises OSError; Unsafe when somebody else could have changed the file, or a folder from its own to ``top``.
    """
    try:
        owners = _check_folders(os.path.dirname(path), top)
        try:
            descriptor = _patiently(os.open, path, _READ | _NOFOLLOW)
        except OSError:
            if not os.path.islink(path):
                raise
            path = _followed(path, linked=linked)
            descriptor = _patiently(os.open, path, _READ | _NOFOLLOW)
            owners = _check_folders(os.path.dirname(path), os.path.dirname(path))
        return _contents(descriptor, path, MOST_BYTES, owners)
    except FileNotFoundError:
        return None


def write_own(path: str, data: bytes, top: str, *, linked: bool = False) -> None:
    """Replace the file of ours at ``path`` by ``data``: a reader sees the old file or the new one, also after a crash.

    Arguments and errors as of ``read_own``. What a killed write left of this file is deleted.
    """
    if os.path.islink(path):
        path = _followed(path, linked=linked)
        top = os.path.dirname(path)
    folder, name = os.path.split(path)
    make_private_folder(folder)
    _check_folders(folder, top)
    for left in os.listdir(folder):
        if is_left_over(left, name) and _is_stale(os.path.join(folder, left)):
            os.unlink(os.path.join(folder, left))
    fresh = f"{path}.{os.urandom(8).hex()}{_FRESH}"
    descriptor = os.open(fresh, _MAKE, 0o600)
    try:
        try:
            _hand_over(descriptor, folder)
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _patiently(os.replace, fresh, path)
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
            descriptor = os.open(path, _READ | _NOFOLLOW | os.O_DIRECTORY)
            try:
                _hand_over(descriptor, os.path.dirname(path))
            finally:
                os.close(descriptor)


def open_lock(path: str) -> int:
    """Open the lock file at ``path``, made if need be, to read and write; return its descriptor. Raises OSError."""
    folder = os.path.dirname(path)
    make_private_folder(folder)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NOFOLLOW | _PRIVATE, 0o600)
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


def _hand_over(descriptor: int, folder: str) -> None:
    """Give what root made in somebody's folder to whom the folder belongs, who could not use it else. Raises OSError."""
    if _is_root():
        owner, made = os.stat(folder), os.fstat(descriptor)
        if owner.st_uid != made.st_uid:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def is_left_over(name: str, of: str) -> bool:
    """Say whether ``name`` is what a killed ``write_own`` of the file named ``of`` leaves behind."""
    number = name.removeprefix(of + ".").removesuffix(_FRESH)
    return name == f"{of}.{number}{_FRESH}" and bool(number) and _HEXADECIMAL.issuperset(number)


def _number(name: str) -> int:
    import errno  # noqa: PLC0415 - for an error only

    return int(getattr(errno, name))


def _is_stale(path: str) -> bool:
    try:
        return abs(time.time() - os.lstat(path).st_mtime) > _STALE_SECONDS
    except FileNotFoundError:
        return False


def _is_root() -> bool:
    return os.name != "nt" and os.geteuid() == 0


def _contents(descriptor: int, path: str, limit: int, owners: frozenset[int] | None = None) -> bytes:
    """Read what was opened, and close it."""
    try:
        info = os.fstat(descriptor)
        if S_ISDIR(info.st_mode):
            raise OSError(_number("EISDIR"), "Is a directory", path)
        if not S_ISREG(info.st_mode):
            raise OSError(_number("EINVAL"), "it is no ordinary file", path)
        if owners is not None:
            _check(info, path, owners)
        data = b""
        size = max(info.st_size, 65_535) + 1
        while len(data) <= limit >= info.st_size and (chunk := os.read(descriptor, size)):
            data += chunk
        if max(len(data), info.st_size) > limit:
            raise OSError(_number("EFBIG"), f"it is longer than {limit // 1024} KiB", path)
        return data
    finally:
        os.close(descriptor)


def _check_folders(folder: str, top: str) -> frozenset[int]:
    """Return the users who may own what is ours. Raises Unsafe, FileNotFoundError."""
    if os.name == "nt":
        return frozenset()
    owners = _owners(top)
    while True:
        info = os.lstat(folder)
        if S_ISLNK(info.st_mode) and folder == top:
            _check_link(info, folder)
            info = os.stat(folder)
        if not S_ISDIR(info.st_mode):
            raise OSError(_number("ENOTDIR"), "Not a directory", folder)
        _check(info, folder, owners)
        if len(folder) <= len(top):
            return owners
        folder = os.path.dirname(folder)


def _owners(top: str) -> frozenset[int]:
    """Return who may own files of ours: this user and root; for root also whose home it is, or to whom a folder was mounted."""
    user = os.geteuid()
    if user:
        return frozenset((0, user))
    above = os.stat(os.path.dirname(top))
    return frozenset((0, above.st_uid if above.st_mode & OTHERS_WRITE else os.stat(top).st_uid))


def _check(info: os.stat_result, path: str, owners: frozenset[int]) -> None:
    if os.name != "nt" and (info.st_uid not in owners or info.st_mode & OTHERS_WRITE):
        from git_credential_azdo.ownership import examine  # noqa: PLC0415 - almost never

        examine(info, path, owners)


def _followed(path: str, *, linked: bool) -> str:
    """Return what a link of ours leads to. Raises Unsafe."""
    if not linked:
        raise Unsafe(path, "it is a symbolic link, which is not followed here")
    _check_link(os.lstat(path), path)
    return os.path.realpath(path)


def _check_link(info: os.stat_result, path: str) -> None:
    if os.name != "nt" and info.st_uid not in (0, os.geteuid()):
        raise Unsafe(path, "it is a symbolic link of another user")


def _sync_folder(folder: str) -> None:
    """Let a rename outlive a power failure, where the file system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, _READ)
    try:
        os.fsync(descriptor)
    except OSError:  # the file is whole, whichever one it is
        pass
    finally:
        os.close(descriptor)


def _patiently(act: Callable[..., Result], *arguments: object) -> Result:
    """Do it, for a second again and again where Windows refuses it since another process has the file."""
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return act(*arguments)
        except PermissionError:
            if os.name != "nt" or time.monotonic() > give_up or os.path.isdir(str(arguments[0])):
                raise
            time.sleep(0.02)
