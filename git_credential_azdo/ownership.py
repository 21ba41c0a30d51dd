"""Whether a file of ours can be believed, and what to say where it cannot be used: whose it is, and the cure.

A file or folder is refused that belongs to another user, or that others may write: a token endpoint put into it would
get the refresh token. Where the file system keeps no modes (drvfs, vfat, many network shares) they say nothing, and
neither do they on one that is mounted read-only. In a folder with the sticky bit others cannot touch what is ours.
Loaded only where something is odd. Models: StrictModes in sshd_config(5), safe.directory in git-config(1).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from git_credential_azdo import hints
from git_credential_azdo.errors import AzdoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Unsafe(OSError):  # noqa: N818 - a state, with its cure
    """A file or folder that another user could have changed. ``strerror`` says why, ``cure`` which command helps."""

    def __init__(self, path: str, reason: str, cure: Callable[[str], str] | None = None) -> None:
        super().__init__(errno.EPERM, reason, path)
        self.cure = cure


def examine(info: os.stat_result, path: str, top: str) -> None:
    """Raise Unsafe when a user other than this one and root could have changed what is at ``path``, below ``top``."""
    is_folder = stat.S_ISDIR(info.st_mode)
    folder = path if is_folder else os.path.dirname(path)
    if info.st_uid not in _owners(top):
        raise Unsafe(path, f"it belongs to {_name(info.st_uid)}, so that it is not believed", hints.own)
    if not info.st_mode & _OTHERS_WRITE:
        return
    if (is_folder and info.st_mode & stat.S_ISVTX) or not _keeps_modes(folder):
        return
    raise Unsafe(path, "other users may have changed it, so that it is not believed", hints.private)


def _owners(top: str) -> set[int]:
    """Return who may own files of ours: this user and root; for root also whose home it is, or to whom a mount belongs."""
    user = os.geteuid()
    if user:
        return {0, user}
    above = os.stat(os.path.dirname(top))
    return {0, above.st_uid if above.st_mode & _OTHERS_WRITE else os.stat(top).st_uid}


def others_can_read(top: str) -> bool:
    """Return whether other users can read a folder of ours or a file in it; Windows has no such bits. Raises OSError."""
    paths = (os.path.join(root, each) for root, _, files in os.walk(top) for each in ("", *files))
    return os.name != "nt" and any(map(_is_open, paths))


def _is_open(path: str) -> bool:
    try:
        return bool(os.stat(path).st_mode & 0o077)
    except FileNotFoundError:  # another run's file of a moment; the lock of an editor is a broken link
        return False


def unusable(doing: str, path: str, error: OSError, top: str) -> AzdoError:
    """Return what to tell a person of a file or folder of ours that cannot be used, with the cure if it is known.

    ``doing``: ``read``, ``write``. ``top``: the folder of ours that it lies in or below, which the cure is for.
    """
    place = error.filename if isinstance(error.filename, str) else path
    cure = getattr(error, "cure", None)
    reason = error.strerror or str(error)
    if isinstance(error, PermissionError) and os.name == "nt":
        reason += f", or another program has {os.path.basename(error.filename2 or place)} open"
    elif isinstance(error, PermissionError):
        for each in (place, os.path.dirname(place), path, os.path.dirname(path)):
            with contextlib.suppress(OSError):
                owner = os.lstat(each).st_uid
                if owner != os.geteuid():
                    reason, cure = f"{reason}, since {each} belongs to {_name(owner)}", hints.own
                    break
    is_inside = place == top or place.startswith(top + os.sep)
    hint = cure(top if is_inside else os.path.dirname(place)) if cure else None
    return AzdoError(f"cannot {doing} {place if isinstance(error, Unsafe) else path}: {reason}", hint)


def _name(user: int) -> str:
    import pwd  # noqa: PLC0415 - not there on Windows

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _keeps_modes(folder: str) -> bool:
    """Return whether the modes of files mean something there: by making a private one, and looking whether it is."""
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
