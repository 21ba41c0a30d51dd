"""Where our files lie: the folder that platformdirs calls the user's configuration folder.

On Linux and the other free Unixes the usual cases are computed here by the XDG rule, since every ``get`` needs it
and platformdirs costs more than the rest of one; a test proves both equal. Nothing here touches a file.
Rule: https://specifications.freedesktop.org/basedir-spec/latest/
"""

from __future__ import annotations

import os
import sys

NAME = "git-credential-azdo"


def folder() -> str:
    """Return the absolute path of our folder; it may not exist yet."""
    if sys.platform not in {"win32", "darwin", "android"}:
        base = os.environ.get("XDG_CONFIG_HOME", "")
        home = os.environ.get("HOME", "").rstrip("/")
        if base.startswith("/"):
            return os.path.join(base, NAME)
        if home.startswith("/"):
            return f"{home}/.config/{NAME}"
    from platformdirs import user_config_dir  # noqa: PLC0415 - the rare cases; see above

    return user_config_dir(NAME, appauthor=False)


def registry_path() -> str:
    """Return the path of the registry file."""
    return os.path.join(folder(), "accounts")


def gitconfig_path() -> str:
    """Return the path of the file that git's configuration includes."""
    return os.path.join(folder(), "gitconfig")


def lock_path(name: str) -> str:
    """Return the path of the lock file of one account."""
    return os.path.join(folder(), "locks", name)


def vault_folder() -> str:
    """Return the folder of the file vault."""
    return os.path.join(folder(), "vault")
