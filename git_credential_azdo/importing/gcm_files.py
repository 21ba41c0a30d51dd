"""What Git Credential Manager keeps in files: plain ones below ``~/.gcm/store``, or below ``pass``'s store.

Both are laid out as ``git/https/HOST/PATH/USER``; the first line is the secret, then ``service=`` and ``account=``.
``pass`` may decrypt only what it can without asking: gpg's agent is told to refuse instead of showing a dialog.
Layout: Git Credential Manager, docs/credstores.md; pass(1).
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from git_credential_azdo.errors import AzdoError, VaultError, VaultLocked
from git_credential_azdo.git.address import message_for
from git_credential_azdo.importing.entry import Entry, Find, message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_credential_azdo.git.wire import Message
    from git_credential_azdo.importing.entry import Wanted

PLAIN = "Git Credential Manager (plain files)"
PASS = "Git Credential Manager (pass)"  # noqa: S105 - a program's name
_PASS_SECONDS = 20.0


def plain(wanted: Wanted) -> Find:
    """Read the plain files: GCM_PLAINTEXT_STORE_PATH, else ``~/.gcm/store``."""
    top = os.environ.get("GCM_PLAINTEXT_STORE_PATH") or os.path.expanduser("~/.gcm/store")
    found = Find([], [])
    for name, about in _below(top, ".credential", wanted):
        try:
            with open(os.path.join(top, f"{name}.credential"), encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            found.troubles.append(AzdoError(f"cannot read {name} of {PLAIN}: {reason}"))
            continue
        found.entries.append(_entry(PLAIN, about, text))
    return found


def by_pass(wanted: Wanted) -> Find:
    """Let ``pass`` decrypt the wanted entries of its store: PASSWORD_STORE_DIR, else ``~/.password-store``."""
    top = os.environ.get("PASSWORD_STORE_DIR") or os.path.expanduser("~/.password-store")
    found = Find([], [])
    for name, about in _below(top, ".gpg", wanted):
        try:
            found.entries.append(_entry(PASS, about, _decrypted(name)))
        except VaultError as error:
            found.troubles.append(error)
            break  # one line; the others would fare the same
    return found


def _decrypted(name: str) -> str:
    options = os.environ.get("PASSWORD_STORE_GPG_OPTS", "")
    environment = {
        **os.environ,
        "PASSWORD_STORE_GPG_OPTS": f"{options} --pinentry-mode=error --no-tty".strip(),
    }
    try:
        done = subprocess.run(
            ["pass", "show", name],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PASS_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise VaultError("there are entries of pass, but no program pass on PATH", "install pass") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VaultError(f"pass gave no answer: {type(error).__name__}") from None
    if done.returncode:
        raise VaultLocked(
            "pass cannot decrypt without asking for a passphrase",
            f"pass show {name} > /dev/null, then git credential-azdo import",
        )
    return done.stdout.decode("utf-8", "surrogateescape")


def _below(top: str, ending: str, wanted: Wanted) -> Iterator[tuple[str, Message]]:
    """Find files ``NAMESPACE/PROTOCOL/HOST/.../USER`` that are wanted; give their names without the ending."""
    start = os.path.join(top, os.environ.get("GCM_NAMESPACE") or "git")
    for folder, folders, files in os.walk(start):
        folders.sort()
        protocol, _, rest = os.path.relpath(folder, start).replace(os.sep, "/").partition("/")
        host, _, path = rest.partition("/")
        for name in sorted(files):
            user = name.removesuffix(ending)
            about = message([("protocol", protocol), ("host", host), ("path", path), ("username", user)])
            if name.endswith(ending) and wanted(about):
                yield os.path.relpath(os.path.join(folder, user), top).replace(os.sep, "/"), about


def _entry(where: str, about: Message, text: str) -> Entry:
    """Read a file's text; its own word on address and account counts for more than its name."""
    secret, *lines = text.splitlines() or [""]
    told = dict(line.split("=", 1) for line in lines if "=" in line)
    address = message_for(told.get("service", "").partition(":")[2])
    same_place = address.get("host") == about.get("host")
    if told.get("account"):
        account = ("username", told["account"])
        source = address if same_place else about
        about = message([*((key, source.get(key)) for key in ("protocol", "host", "path")), account])
    return Entry(where, about, secret)
