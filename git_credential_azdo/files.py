"""Files, read within bounds, and where our own are; those are used only where no other user could have changed them.

The folder is what platformdirs calls the user's configuration folder, computed here since every ``get`` needs it and
platformdirs takes longer than the rest of one; a test proves both equal. On macOS ``XDG_CONFIG_HOME`` is ignored:
the folder must not move when a variable is set. Rules: the XDG Base Directory Specification
(https://specifications.freedesktop.org/basedir-spec/latest/); on Windows the local application data.

Everything that this program reads from a path comes through ``read_file``, which neither waits nor reads without end,
whatever stands there. What is ours (``read_own``) lies below a folder of ours; ``ownership`` knows what is believed,
``writing`` how it is written. On Windows access is by lists, which a home folder has, and nothing is checked.
"""

from __future__ import annotations

import os
import sys
import time
from stat import S_ISDIR, S_ISLNK, S_ISREG, S_IWGRP, S_IWOTH

from git_credential_azdo.errors import AzdoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn, TypeVar

    Result = TypeVar("Result")

NAME = "git-credential-azdo"
MAX_BYTES = 16 * 2**20
"""The longest file of ours that is read: an accounts file of this size would have 50,000 accounts."""
PATIENCE_SECONDS = 1.0
"""How long Windows is asked again that refuses a file while another process replaces or reads it."""
PRIVATE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_BINARY", 0)
READ = os.O_RDONLY | PRIVATE | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_OTHERS_WRITE = S_IWGRP | S_IWOTH


class NoHome(AzdoError):  # noqa: N818 - a state, not a fault
    """This user has no home folder, so there is no folder for our files."""


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
    """Return the path of our file of git's configuration, which the global one includes. Raise NoHome."""
    return os.path.join(folder(), "gitconfig")


def no_account(cure: str) -> str:
    """Return that there is no account, where it was looked for (an editor may have a home of its own), and the cure."""
    try:
        return f"there is no account in {accounts_path()}: {cure}"
    except NoHome as error:
        return f"{error.message}: {error.hint}"


def read_accounts() -> bytes:
    """Return the bytes of the accounts file, empty when there is no file or no home folder. Raise AzdoError."""
    try:
        path = accounts_path()
    except NoHome:
        return b""
    try:
        return read_own(path, os.path.dirname(path), linked=True) or b""
    except OSError as error:
        from git_credential_azdo.ownership import unusable  # noqa: PLC0415 - for an error only

        raise unusable("read", path, error, os.path.dirname(path)) from error


def lock_path(name: str) -> str:
    """Return the path of the lock file of one account. Raise NoHome."""
    return os.path.join(folder(), "locks", name)


def vault_folder() -> str:
    """Return the path of the file vault's folder. Raise NoHome."""
    return os.path.join(folder(), "vault")


def read_file(path: str, limit: int) -> bytes:
    """Return the bytes of an ordinary file of at most ``limit`` bytes; links are followed.

    Raises OSError, at once for what is no ordinary file (a pipe, a device), and for one that is too long.
    """
    return _contents(patiently(os.open, path, READ), path, limit)


def read_own(path: str, top: str, *, linked: bool = False) -> bytes | None:
    """Return the bytes of a file of ours; None when there is none.

    ``top``: the folder of ours that it lies in or below. ``linked``: it may be a symbolic link.
    Raises OSError; Unsafe when another user could have changed the file, or a folder from its own to ``top``.
    """
    try:
        check_folders(os.path.dirname(path), top)
        try:
            descriptor = patiently(os.open, path, READ | NOFOLLOW)
        except OSError:
            if not os.path.islink(path):
                raise
            path = followed(path, linked=linked)
            top = os.path.dirname(path)
            check_folders(top, top)
            descriptor = patiently(os.open, path, READ | NOFOLLOW)
        return _contents(descriptor, path, MAX_BYTES, top)
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
            _refuse("ENOTDIR", "Not a directory", folder)
        _check(info, folder, top)
        if len(folder) <= len(top):
            return
        folder = os.path.dirname(folder)


def followed(path: str, *, linked: bool) -> str:
    """Return what a link of ours leads to. Raises Unsafe where it must not be one, or is another user's."""
    if not linked:
        from git_credential_azdo.ownership import Unsafe  # noqa: PLC0415 - almost never

        raise Unsafe(path, "it is a symbolic link, which is not followed here")
    _check_link(os.lstat(path), path)
    return os.path.realpath(path)


def patiently(act: Callable[..., Result], *arguments: object) -> Result:
    """Do it, for a second again and again where Windows refuses it since another process has the file."""
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


def _contents(descriptor: int, path: str, limit: int, top: str | None = None) -> bytes:
    """Read what was opened, and close it. ``top``: it is a file of ours."""
    try:
        info = os.fstat(descriptor)
        if S_ISDIR(info.st_mode):
            _refuse("EISDIR", "Is a directory", path)
        if not S_ISREG(info.st_mode):
            _refuse("EINVAL", "it is no ordinary file", path)
        if top is not None:
            _check(info, path, top)
        data = b""
        size = max(info.st_size, 65_535) + 1
        while len(data) <= limit >= info.st_size and (chunk := os.read(descriptor, size)):
            data += chunk
        if max(len(data), info.st_size) > limit:
            _refuse("EFBIG", f"it is longer than {limit // 1024} KiB", path)
        return data
    finally:
        os.close(descriptor)


def _check(info: os.stat_result, path: str, top: str) -> None:
    if os.name != "nt" and (info.st_uid != os.geteuid() or info.st_mode & _OTHERS_WRITE):
        from git_credential_azdo.ownership import examine  # noqa: PLC0415 - hardly ever

        examine(info, path, top)


def _check_link(info: os.stat_result, path: str) -> None:
    if os.name != "nt" and info.st_uid not in (0, os.geteuid()):
        from git_credential_azdo.ownership import Unsafe  # noqa: PLC0415 - almost never

        raise Unsafe(path, "it is a symbolic link of another user")


def _refuse(number: str, reason: str, path: str) -> NoReturn:
    import errno  # noqa: PLC0415 - for an error only

    raise OSError(getattr(errno, number), reason, path)


def _below_home(*names: str) -> str:
    home = os.environ.get("HOME", "")
    if not os.path.isabs(home):
        home = _passwd_home()
    return os.path.join(home.rstrip("/"), *names) if home.strip("/") else os.path.join("/", *names)


def _passwd_home() -> str:
    """Return this user's home folder by passwd(5). Raise NoHome."""
    if sys.platform != "win32":
        import pwd  # noqa: PLC0415 - only where HOME is not set

        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            home = ""
        if os.path.isabs(home):
            return home
    from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

    raise NoHome(
        "no folder for the accounts file: HOME is not set, and this user has no home folder", hints.home()
    )
