"""One file of git's configuration, edited by ``git config``, which locks it and keeps quoting, comments and links.

Must never write such a file in another way. Its errors name what stopped git: the lock of another git process, a
read-only file, a device. ``install`` decides what to write.

Also removes what version 0.1.0 wrote: sections of the global file, recognized by the exact values at their end. Must
never remove a value that the user wrote.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from git_credential_azdo import hints
from git_credential_azdo.errors import UsageError
from git_credential_azdo.files import MAX_BYTES, read_file
from git_credential_azdo.git import config
from git_credential_azdo.writing import delete

_NO_SUCH_VALUE = 5
_LOCK_SECONDS = 2.0
"""The age at which the lock of another git process counts as stale: git holds one for milliseconds."""
_WROTE = re.compile(r"!?'?(/|[A-Za-z]:/)[^\n]*git-credential-azdo(\.exe)?'?")
"""A value of ``helper`` as 0.1.0 wrote it."""
_KILLED_SECONDS = 0.3
"""The same for a lock created while a git that this program ran was killed, by the user or for lack of memory."""


def home(*, windows: bool = os.name == "nt") -> str:
    """Return the home folder as git finds it: HOME; on Windows without it HOMEDRIVE and HOMEPATH (compat/mingw.c)."""
    named = os.environ.get("HOME", "")
    if windows and not named:
        named = os.environ.get("HOMEDRIVE", "") + os.environ.get("HOMEPATH", "")
        named = named if os.path.isdir(named) else ""
    return named or os.path.expanduser("~")


def expanded(path: str, *, windows: bool = os.name == "nt") -> str:
    """Return a path with a leading ``~`` expanded as git does."""
    return home(windows=windows) + path[1:] if path[:2] in ("~", "~/", "~\\") else os.path.expanduser(path)


def global_file(*, windows: bool = os.name == "nt") -> str:
    """Return the path that ``git config --global`` writes to (git-config(1), FILES); it may not exist."""
    named = os.environ.get("GIT_CONFIG_GLOBAL")
    if named:
        return os.path.abspath(named)
    usual, other = usual_files(windows=windows)
    return other if not os.access(usual, os.R_OK) and os.access(other, os.R_OK) else usual


def usual_files(*, windows: bool = os.name == "nt") -> tuple[str, str]:
    """Return the paths of ~/.gitconfig, which git prefers, and of the global file below XDG_CONFIG_HOME."""
    folder = home(windows=windows)
    other = os.environ.get("XDG_CONFIG_HOME") or os.path.join(folder, ".config")
    return os.path.join(folder, ".gitconfig"), os.path.join(other, "git", "config")


def is_same(path: str, other: str) -> bool:
    """Return whether two paths are equal once ``~`` is expanded; Windows ignores case and the kind of slash."""
    return os.path.normcase(expanded(path)) == os.path.normcase(expanded(other))


def edit(file: str | None, *arguments: str) -> None:
    """Run ``git config`` on a file, None for the global one; removing an absent value is no error. Raise UsageError."""
    path = file or global_file()
    _check(path)
    lock = f"{os.path.realpath(path)}.lock"
    give_up = time.monotonic() + _LOCK_SECONDS
    while True:
        began = time.time()
        done = config.run_git(["config", *(["--file", file] if file else ["--global"]), *arguments])
        reason = config.reason_of(done)
        if done.returncode in {0, _NO_SUCH_VALUE} or reason.startswith("no such section"):
            return
        if done.returncode < 0 and _remove_left(lock, began) and time.monotonic() < give_up:
            continue
        age = _age(lock)
        is_locked = age is not None or reason.endswith(": File exists")
        if is_locked and (age or 0) <= _LOCK_SECONDS and time.monotonic() < give_up:
            time.sleep(0.05)
        elif is_locked:
            raise UsageError(
                f"another git is writing {path}, or was stopped while it did: its lock is {_in_words(age or 0)} old",
                hints.remove(lock),
            )
        else:
            raise UsageError(f"git cannot write {path}: {reason.rpartition(f'{path}: ')[2]}")


def drop_empty_section(file: str, section: str) -> None:
    """Remove an empty section at the end of a file, which git leaves there after a comment.

    It stays when another section has the same name: git cannot address one of the two.
    """
    starts = [line.lstrip().startswith(f"[{section}]".encode()) for line in _content(file).splitlines()]
    if ends_in(file, section) and sum(starts) == 1:
        name, _, rest = section.partition(" ")
        edit(file, "--remove-section", f"{name}.{rest[1:-1]}" if rest else name)


def ends_in(file: str, section: str) -> bool:
    """Return whether a file ends in the header of an empty section."""
    return (b"\n" + _content(file)).endswith(f"\n[{section}]\n".encode())


def exactly(value: str) -> str:
    """Return the ``git config`` pattern that matches only this value (``--fixed-value`` needs git 2.30)."""
    return f"^{config.escaped(value)}$"


def _content(file: str) -> bytes:
    try:
        return read_file(file, MAX_BYTES)
    except OSError:
        return b""


def _check(path: str) -> None:
    """Raise UsageError for a device or a read-only file, which git would replace."""
    try:
        mode = os.stat(path).st_mode
    except OSError:  # git creates the file or reports a better error
        return
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path} is not a regular file", hints.unset("GIT_CONFIG_GLOBAL"))
    if not mode & 0o222:
        target = os.path.realpath(path)
        cure = hints.make_writable(target) if os.access(os.path.dirname(target), os.W_OK) else None
        raise UsageError(f"{path} is read-only", cure)


def _remove_left(lock: str, began: float) -> bool:
    """Remove the lock of a git process that started at ``began`` and was killed; return whether there was one.

    It was created while that process ran, and has existed for longer than the milliseconds for which git holds one.
    """
    ended = time.time()
    time.sleep(_KILLED_SECONDS)
    age = _age(lock)
    if age is None or not began - 0.02 <= time.time() - age <= ended:  # the kernel's clock is a little behind
        return False
    delete(lock)
    return True


def _age(lock: str) -> float | None:
    """Return the age of a lock in seconds, None if there is none."""
    try:
        return max(0.0, time.time() - os.stat(lock).st_mtime)
    except OSError:
        return None


def _in_words(seconds: float) -> str:
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        number = int(seconds // size)
        if number or size == 1:
            return f"{number} {unit}{'' if number == 1 else 's'}"
    raise AssertionError


class Former(NamedTuple):
    """What 0.1.0 wrote for a URL. ``lines``: the preview. ``edits``: the ``git config`` arguments that remove it."""

    url: str
    lines: list[str]
    edits: list[tuple[str, ...]]


def former(entries: Iterable[config.Entry], file: str) -> list[Former]:
    """Return what 0.1.0 added at the end of the global ``file``, last first: each is at the end when it is removed.

    For each URL that is an empty helper, this program by its absolute path and, if git was to send the path,
    useHttpPath. Values that the user added between or after them are the user's own.
    """
    settings: dict[str, list[tuple[str, str]]] = {}
    for entry in entries:
        section, url, name = config.split_key(entry.key)
        if entry.scope == "global" and section == "credential" and url and is_same(entry.origin, file):
            settings.setdefault(url, []).append((name, entry.value or ""))
    found = []
    for url, pairs in settings.items():
        start = max(
            (at - 1 for at, (_name, value) in enumerate(pairs) if _WROTE.fullmatch(value)), default=-1
        )
        if start < 0:
            continue
        before, last = pairs[:start], pairs[start:]
        helper = [("helper", ""), ("helper", last[1][1])]
        if last in (helper, [*helper, ("usehttppath", "true")]):
            lines = [f"{file}: removes credential.{url}.{name} = {value}" for name, value in last]
            edits = [each for name in dict(last) for each in _removal(url, name, before, last)]
            found.append(Former(url, lines, edits))
    return found[::-1]


def _removal(
    url: str, name: str, before: Sequence[tuple[str, str]], last: Sequence[tuple[str, str]]
) -> Iterable[tuple[str, ...]]:
    """Yield the ``git config`` arguments that remove the last values of a key and none of the earlier ones."""
    key = f"credential.{url}.{name}"
    left, gone = ([value for each, value in pairs if each == name] for pairs in (before, last))
    if not set(left) & set(gone):
        yield from (("--unset-all", key, exactly(value)) for value in gone)
    elif left[-1:] != gone[-1:]:  # if equal, one of the two values remains, with the same effect
        yield "--unset-all", key
        yield from (("--add", key, value) for value in left)


def remove(section: Former) -> None:
    """Remove the section from the global file with ``git config``. Raise UsageError."""
    for arguments in section.edits:
        edit(None, *arguments)
    drop_empty_section(global_file(), f'credential "{section.url}"')
