"""Reading files within limits; where our own files are, which are used only if no other user could have changed them.

The folder is the one that platformdirs calls the user's configuration folder. It is computed here because every ``get``
needs it and platformdirs takes longer than the rest of a ``get``; a test compares the two. On macOS ``XDG_CONFIG_HOME``
is ignored: the folder must not move when a variable is set. Rules: the XDG Base Directory Specification; on Windows the
local application data. Must read only with ``read_file`` and ``read_own``, which neither block nor read endlessly.

A file or folder of ours is refused if it belongs to another user or is writable by others: a token endpoint put into it
would receive the refresh token. Modes mean nothing where the file system has none (drvfs, vfat, many network shares) or
is mounted read-only; in a folder with the sticky bit others cannot replace our files. On Windows the access control
lists of the home folder apply. Models: StrictModes in sshd_config(5), safe.directory in git-config(1).
"""

from __future__ import annotations

import os
import sys
import time
from stat import S_ISDIR, S_ISLNK, S_ISREG, S_ISVTX, S_IWGRP, S_IWOTH

from git_credential_azdo.errors import AzdoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Result = TypeVar("Result")

NAME = "git-credential-azdo"
MAX_BYTES = 16 * 2**20  # of a file of ours: an accounts file of this size would have 50,000 accounts
PATIENCE_SECONDS = 1.0  # how long to retry when Windows refuses a file that another process has open
PRIVATE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_BINARY", 0)
READ = os.O_RDONLY | PRIVATE | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_OTHERS_WRITE = S_IWGRP | S_IWOTH
_EPERM, _ENOTDIR, _EISDIR, _EINVAL, _EFBIG = 1, 20, 21, 22, 27  # on every system; without importing errno


class NoHome(AzdoError):  # noqa: N818 - a state, not a fault
    """This user has no home folder, so there is no folder for our files."""


class Unsafe(OSError):  # noqa: N818 - a state, with its cure
    """A file or folder that another user could have changed. ``strerror``: why. ``cure``: returns the remedy."""

    def __init__(self, path: str, reason: str, cure: Callable[[str], str] | None = None) -> None:
        super().__init__(_EPERM, reason, path)
        self.cure = cure


def folder() -> str:
    """Return the absolute path of our folder; it may not exist. Raise NoHome."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "")
        if not base:
            from platformdirs.windows import Windows  # noqa: PLC0415 - rarely needed; it asks Windows itself

            base = Windows().user_config_dir
    elif sys.platform == "darwin":
        base = _below_home("Library", "Application Support")
    else:
        base = os.environ.get("XDG_CONFIG_HOME", "")
        if not base.startswith("/"):
            base = _below_home(".config")
    return os.path.join(base, NAME)


def accounts_path() -> str:
    """Return the path of the accounts file. Raise NoHome."""
    return os.path.join(folder(), "accounts")


def gitconfig_path() -> str:
    """Return the path of our git configuration file, which the global one includes. Raise NoHome."""
    return os.path.join(folder(), "gitconfig")


def read_accounts() -> bytes:
    """Return the bytes of the accounts file, empty when there is no file or no home folder. Raise AzdoError."""
    try:
        path = accounts_path()
        return read_own(path, os.path.dirname(path), linked=True) or b""
    except NoHome:
        return b""
    except OSError as error:
        if is_closed():
            return b""
        raise unusable("read", path, error, os.path.dirname(path)) from error


def lock_path(name: str) -> str:
    """Return the path of the lock file of one account. Raise NoHome."""
    return os.path.join(folder(), "locks", name)


def vault_folder() -> str:
    """Return the path of the file vault's folder. Raise NoHome."""
    return os.path.join(folder(), "vault")


def read_file(path: str, limit: int) -> bytes:
    """Return the bytes of a regular file of at most ``limit`` bytes; symbolic links are followed.

    Raise OSError, also for a longer file and, without blocking, for one that is not regular (a pipe, a device).
    """
    return _contents(patiently(os.open, path, READ), path, limit)


def read_own(path: str, top: str, *, linked: bool = False) -> bytes | None:
    """Return the bytes of a file of ours; None when there is none.

    ``top``: the folder of ours that contains it, directly or not. ``linked``: whether it may be a symbolic link.
    Raise OSError; Unsafe when another user could have changed the file or a folder from its own up to ``top``.
    """
    try:
        check_folders(os.path.dirname(path), top)
        if os.path.islink(path):
            path = followed(path, linked=linked)
            top = os.path.dirname(path)
            check_folders(top, top)
        return _contents(patiently(os.open, path, READ | NOFOLLOW), path, MAX_BYTES, top)
    except FileNotFoundError:
        return None


def check_folders(folder: str, top: str) -> None:
    """Check that no other user could have changed the folders up to ``top``. Raise Unsafe, FileNotFoundError."""
    while os.name != "nt":
        info = os.lstat(folder)
        if S_ISLNK(info.st_mode) and folder == top:
            _check_link(info, folder)
            info = os.stat(folder)
        if not S_ISDIR(info.st_mode):
            raise OSError(_ENOTDIR, "Not a directory", folder)
        _check(info, folder, top)
        if len(folder) <= len(top):
            return
        folder = os.path.dirname(folder)


def followed(path: str, *, linked: bool) -> str:
    """Return the target of a symbolic link of ours. Raise Unsafe if none is allowed here, or another user owns it."""
    if not linked:
        raise Unsafe(path, "it is a symbolic link, which is not followed here")
    _check_link(os.lstat(path), path)
    return os.path.realpath(path)


def patiently(act: Callable[..., Result], *arguments: object) -> Result:
    """Call ``act``; on Windows retry it for PATIENCE_SECONDS while another process has the file open."""
    if os.name != "nt":
        return act(*arguments)
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return act(*arguments)
        except PermissionError:
            if time.monotonic() > give_up or os.path.isdir(str(arguments[0])):
                raise
            time.sleep(0.02)


def is_closed() -> bool:
    """Return whether this user may not enter the home folder in HOME, such as root's or an image's. Raise NoHome."""
    try:
        os.lstat(os.path.dirname(folder()))
    except OSError as error:
        return isinstance(error, PermissionError)
    return False


def unusable(doing: str, path: str, error: OSError, top: str) -> AzdoError:
    """Return the error for a file or folder of ours that cannot be used, with a hint if the remedy is known.

    ``doing``: ``read``, ``write``. ``top``: the folder of ours that contains it, to which the hint applies.
    """
    from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

    place = error.filename if isinstance(error.filename, str) else path
    cure = getattr(error, "cure", None)
    reason = error.strerror or str(error)
    if isinstance(error, PermissionError) and os.name == "nt":
        reason += f", or another program has {os.path.basename(error.filename2 or place)} open"
    elif isinstance(error, PermissionError):
        for each in (place, os.path.dirname(place), path, os.path.dirname(path)):
            try:
                owner = os.lstat(each).st_uid
            except OSError:
                continue
            if owner != os.geteuid():
                reason, cure = f"{reason}, since {each} belongs to {_name(owner)}", hints.own
                break
    elif place != path and not isinstance(error, Unsafe) and not place.endswith(".new"):  # from ``writing``
        reason += f" ({place})"
    is_inside = place == top or place.startswith(top + os.sep)
    to_cure = top if is_inside else os.path.dirname(place)
    hint = cure(to_cure) if cure else None
    above = os.path.dirname(top)
    if isinstance(error, PermissionError) and (
        is_closed() or not (is_inside or to_cure == above != os.path.dirname(above))
    ):
        hint = hints.home()  # a command must never change the owner of a home folder or the whole system
    return AzdoError(f"cannot {doing} {place if isinstance(error, Unsafe) else path}: {reason}", hint)


def _contents(descriptor: int, path: str, limit: int, top: str | None = None) -> bytes:
    """Read an open file and close it. ``top``: set for a file of ours."""
    try:
        info = os.fstat(descriptor)
        if S_ISDIR(info.st_mode):
            raise OSError(_EISDIR, "Is a directory", path)
        if not S_ISREG(info.st_mode):
            raise OSError(_EINVAL, "it is not a regular file", path)
        if top is not None:
            _check(info, path, top)
        data = b""
        size = max(info.st_size, 65_535) + 1
        while len(data) <= limit >= info.st_size and (chunk := os.read(descriptor, size)):
            data += chunk
        if max(len(data), info.st_size) > limit:
            raise OSError(_EFBIG, f"it is longer than {limit // 1024} KiB", path)
        return data
    finally:
        os.close(descriptor)


def _check(info: os.stat_result, path: str, top: str) -> None:
    """Raise Unsafe when a user other than this one and root could have changed what is at ``path``, below ``top``."""
    if os.name == "nt" or not (info.st_uid != os.geteuid() or info.st_mode & _OTHERS_WRITE):
        return
    from git_credential_azdo import hints  # noqa: PLC0415 - rarely needed

    if info.st_uid not in _owners(top):
        raise Unsafe(path, f"it belongs to {_name(info.st_uid)}, so it is not trusted", hints.own)
    is_folder = S_ISDIR(info.st_mode)
    may_change = info.st_mode & _OTHERS_WRITE and not (is_folder and info.st_mode & S_ISVTX)
    if may_change and _keeps_modes(path if is_folder else os.path.dirname(path)):
        raise Unsafe(path, "other users may have changed it, so it is not trusted", hints.private)


def _owners(top: str) -> set[int]:
    """Return the users who may own files of ours: this user and root; for root also the owner of the home or mount."""
    user = os.geteuid()
    if user:
        return {0, user}
    above = os.stat(os.path.dirname(top))
    return {0, above.st_uid if above.st_mode & _OTHERS_WRITE else os.stat(top).st_uid}


def _name(user: int) -> str:
    import pwd  # noqa: PLC0415 - not available on Windows

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _keeps_modes(folder: str) -> bool:
    """Return whether file modes take effect in the folder, by creating a private file and checking its mode."""
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return False
    probe = os.path.join(folder, f".{os.urandom(8).hex()}.probe")
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError:
        return True
    try:
        return not os.fstat(descriptor).st_mode & _OTHERS_WRITE
    finally:
        os.close(descriptor)
        os.unlink(probe)


def _check_link(info: os.stat_result, path: str) -> None:
    if os.name != "nt" and info.st_uid not in (0, os.geteuid()):
        raise Unsafe(path, "it is a symbolic link of another user")


def _below_home(*names: str) -> str:
    """Return a path in this user's home folder, which is that of HOME, else that of passwd(5). Raise NoHome."""
    home = os.environ.get("HOME", "")
    if not os.path.isabs(home) and sys.platform != "win32":
        import pwd  # noqa: PLC0415 - only where HOME is not set

        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            home = ""
    if os.path.isabs(home):
        return os.path.join(home.rstrip("/") or "/", *names)
    from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

    text = "no folder for the accounts file: HOME is not set, and this user has no home folder"
    raise NoHome(text, hints.home())
