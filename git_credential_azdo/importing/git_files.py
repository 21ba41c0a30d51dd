"""What git's own helper ``store`` and curl keep in plain files: ``~/.git-credentials`` and ``~/.netrc``.

Forms: git-credential-store(1), "STORAGE FORMAT", read as git's credential.c does; netrc(5), by Python's own reader.
No line is ever quoted in an error: it holds a password.
"""

from __future__ import annotations

import itertools
import netrc
import os
import shlex
from typing import TYPE_CHECKING
from urllib.parse import unquote

from git_credential_azdo.accounts.naming import looks_like_token
from git_credential_azdo.errors import AzdoError
from git_credential_azdo.git import urlmatch
from git_credential_azdo.git.config import split_key
from git_credential_azdo.importing.entry import Entry, Find, message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_credential_azdo.git.config import Entry as Setting
    from git_credential_azdo.importing.entry import Wanted


def store_files(settings: Iterable[Setting]) -> list[str]:
    """Return where ``git credential-store`` keeps its lines: its two places, and those that git's settings name."""
    home = os.path.expanduser("~")
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    files = [os.path.join(home, ".git-credentials"), os.path.join(base, "git", "credentials")]
    for setting in settings:
        section, _, name = split_key(setting.key)
        if section == "credential" and name == "helper" and setting.value:
            files += _file_option(setting.value)
    return list(dict.fromkeys(files))


def _file_option(helper: str) -> list[str]:
    """Return the file that ``store --file=PATH`` (or ``--file PATH``) names."""
    try:
        words = shlex.split(helper)
    except ValueError:
        return []
    if not words or words[0].rpartition("git-credential-")[2] != "store":
        return []
    found = [word.partition("=")[2] for word in words if word.startswith("--file=")]
    found += [after for word, after in itertools.pairwise(words) if word == "--file"]
    return [os.path.expanduser(path) for path in found]


def credentials(path: str, wanted: Wanted) -> Find:
    """Read a file of ``git credential-store``: an address with user and password a line."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return Find([], [])
    except OSError as error:
        return Find([], [_unreadable(path, error)])
    found = []
    for line in lines:
        authority = line.partition("://")[2].partition("/")[0]
        user, colon, password = authority.partition("@")[0].partition(":")
        if "@" not in authority or not colon:
            continue
        parts = urlmatch.partial(line)
        about = message(
            [
                ("protocol", parts.protocol),
                ("host", parts.host),
                ("path", parts.path),
                ("username", parts.user),
            ]
        )
        if wanted(about):
            secret = user if looks_like_token(user) and not looks_like_token(password) else password
            found.append(Entry(_short(path), about, unquote(secret, errors="surrogateescape")))
    return Find(found, [])


def netrc_entries(path: str, wanted: Wanted) -> Find:
    """Read a netrc file. It knows hosts only, and curl asks it for https."""
    try:
        hosts = netrc.netrc(path).hosts
    except FileNotFoundError:
        return Find([], [])
    except (OSError, UnicodeDecodeError, netrc.NetrcParseError) as error:
        return Find([], [_unreadable(path, error)])
    found = []
    for host, (login, _, password) in hosts.items():
        about = message([("protocol", "https"), ("host", host), ("username", login)])
        if password and wanted(about):
            found.append(Entry(_short(path), about, password))
    return Find(found, [])


def netrc_files() -> list[str]:
    """Return where curl looks."""
    return [os.path.expanduser("~/.netrc"), *([os.path.expanduser("~/_netrc")] if os.name == "nt" else [])]


def _short(path: str) -> str:
    home = os.path.expanduser("~")
    return f"~{path[len(home) :]}" if path.startswith(home + os.sep) else path


def _unreadable(path: str, error: Exception) -> AzdoError:
    reason = getattr(error, "strerror", None) or "it is not of the documented form"
    return AzdoError(f"cannot read {_short(path)}: {reason}")
