"""Whether a file of ours can be believed, and what to say where it cannot be used: whose it is, and the cure.

A file or folder is refused that belongs to another user, or that others may write: a token endpoint put into it would
get the refresh token. Where the file system keeps no modes (drvfs, vfat, many network shares) they say nothing, and
neither do they on one that is mounted read-only. In a folder with the sticky bit others cannot touch what is ours.
Loaded only where something is odd. Models: StrictModes in sshd_config(5), safe.directory in git-config(1).
"""

from __future__ import annotations

import os
import stat

from git_credential_azdo import hints
from git_credential_azdo.errors import AzdoError
from git_credential_azdo.files import OTHERS_WRITE, Unsafe, make_once


def examine(info: os.stat_result, path: str, owners: frozenset[int]) -> None:
    """Raise Unsafe unless nobody but ``owners`` can change what is at ``path``."""
    is_folder = stat.S_ISDIR(info.st_mode)
    folder = path if is_folder else os.path.dirname(path)
    if info.st_uid not in owners:
        raise Unsafe(path, f"it belongs to {_name(info.st_uid)}, so that it is not believed", hints.own)
    if (is_folder and info.st_mode & stat.S_ISVTX) or not _keeps_modes(folder):
        return
    raise Unsafe(path, "other users may have changed it, so that it is not believed", hints.private)


def trouble(doing: str, path: str, error: OSError, top: str) -> AzdoError:
    """Return what to tell a person of a file or folder of ours that cannot be used, with the cure if it is known.

    ``doing``: ``read``, ``write``. ``top``: the folder of ours that it lies in or below, which the cure is for.
    """
    place = error.filename if isinstance(error.filename, str) else path
    cure = getattr(error, "cure", None)
    reason = error.strerror or str(error)
    if isinstance(error, PermissionError) and os.name != "nt":
        for each in (place, os.path.dirname(place), path, os.path.dirname(path)):
            owner = _owner(each)
            if owner is not None and owner != os.geteuid():
                reason, cure = f"{reason}, since {each} belongs to {_name(owner)}", hints.own
                break
    inside = place == top or place.startswith(top + os.sep)
    if isinstance(error, Unsafe):
        path = place
    return AzdoError(
        f"cannot {doing} {path}: {reason}", cure(top if inside else os.path.dirname(place)) if cure else None
    )


def _owner(path: str) -> int | None:
    try:
        return os.lstat(path).st_uid
    except OSError:
        return None


def _name(user: int | None) -> str:
    import pwd  # noqa: PLC0415 - not there on Windows, where nobody asks

    try:
        return pwd.getpwuid(user or 0).pw_name
    except KeyError:
        return f"user {user}"


def _keeps_modes(folder: str) -> bool:
    """Say whether the modes of files mean something there: by making a private one, and looking whether it is."""
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return False
    probe = os.path.join(folder, f".{os.urandom(8).hex()}.probe")
    try:
        make_once(probe, b"")
    except OSError:
        return True
    try:
        return not os.lstat(probe).st_mode & OTHERS_WRITE
    finally:
        os.unlink(probe)
