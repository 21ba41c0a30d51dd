"""Where our files are, and the one reader of the accounts file's bytes. Never creates or changes anything.

The folder is what platformdirs calls the user's configuration folder, computed here since every ``get`` needs it and
platformdirs takes longer than the rest of one; a test proves both equal. On macOS ``XDG_CONFIG_HOME`` is ignored:
the folder must not move when a variable is set. Rules: the XDG Base Directory Specification
(https://specifications.freedesktop.org/basedir-spec/latest/); on Windows the local application data.
"""

from __future__ import annotations

import os
import sys

from git_credential_azdo.errors import AzdoError
from git_credential_azdo.files import read_own

NAME = "git-credential-azdo"


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
