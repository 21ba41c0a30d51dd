"""What version 0.1.0 wrote: sections in git's global file, which our included file replaces.

Version 0.1.0 recorded them in the accounts file; without that record a section counts that holds exactly what it
wrote. Must never remove a value that a person wrote, even in a section of the same name.
"""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple

from git_credential_azdo.git import config
from git_credential_azdo.git.edit import drop_empty_section, edit, exactly, is_same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Record = tuple[tuple[str, str], ...]
"""("file", its path), or "new-file" if 0.1.0 created it, then pairs of git's key and value in order."""

_WROTE = re.compile(r"!?'?(/|[A-Za-z]:/)[^\n]*git-credential-azdo(\.exe)?'?")


class Written(NamedTuple):
    """A section of 0.1.0: its file and URL, ``lines`` for the preview, ``edits``: arguments of ``git config`` to remove it."""

    file: str
    url: str
    lines: tuple[str, ...]
    edits: tuple[tuple[str, ...], ...]


def made(records: Iterable[Record]) -> str:
    """Return the path of the file that 0.1.0 created, empty if it created none."""
    return next((record[0][1] for record in records if record[:1] and record[0][0] == "new-file"), "")


def written(entries: Sequence[config.Entry], records: Iterable[Record], file: str) -> list[Written]:
    """Return the sections of 0.1.0 that are still there, the last first; ``file`` is the global file."""
    entries = [entry for entry in entries if entry.scope == "global"]
    recorded = [(record[0][1], pair) for record in records for pair in record[1:]]
    found = []
    for (path, url), group in itertools.groupby(
        dict.fromkeys([*recorded, *((file, pair) for pair in _unrecorded(entries, file))]),
        key=lambda each: (each[0], _url(each[1][0])),
    ):
        pairs = [pair for _path, pair in group]
        edits = tuple(_edits(entries, path, pairs))
        lines = tuple(f"{path}: removes {key} = {value}" for key, value in pairs)
        found += [Written(path, url, lines, edits)] if edits else []
    return found[::-1]  # so that each is at the end of the file when it is removed


def remove(section: Written) -> None:
    """Have git remove the values. Raise UsageError."""
    for arguments in section.edits:
        edit(section.file, *arguments)
    drop_empty_section(section.file, f'credential "{section.url}"')


def _unrecorded(entries: Iterable[config.Entry], file: str) -> list[tuple[str, str]]:
    """Return keys and values of the sections that hold exactly what 0.1.0 wrote."""
    pairs: dict[str, list[tuple[str, str]]] = {}
    for entry in entries:
        section, url, name = config.split_key(entry.key)
        if is_same(entry.origin, file) and section == "credential" and url:
            pairs.setdefault(url, []).append((name, entry.value or ""))
    found = []
    for url, values in pairs.items():
        ours = values[1][1] if len(values) > 1 and _WROTE.fullmatch(values[1][1]) else ""
        if ours and values in ([*_both(ours)], [*_both(ours), ("usehttppath", "true")]):
            found += [(f"credential.{url}.{name}", value) for name, value in values]
    return found


def _both(ours: str) -> Iterable[tuple[str, str]]:
    return ("helper", ""), ("helper", ours)


def _url(key: str) -> str:
    return config.split_key(key)[1] or ""


def _edits(
    entries: Iterable[config.Entry], file: str, pairs: Sequence[tuple[str, str]]
) -> Iterable[tuple[str, ...]]:
    """Yield the arguments of ``git config`` that remove what 0.1.0 wrote of one section, and no more."""
    entries = [entry for entry in entries if is_same(entry.origin, file)]
    for key in dict.fromkeys(key for key, _value in pairs):
        wanted = config.split_key(key)
        now = [entry.value or "" for entry in entries if config.split_key(entry.key) == wanted]
        left = without(now, [value for own, value in pairs if own == key])
        removed = [value for value in dict.fromkeys(now) if value not in left]
        if left == now:
            return  # the helper comes first: where ours is removed already, the rest is the user's
        if not left:
            yield "--unset-all", key
        elif len(left) + sum(map(now.count, removed)) == len(now):  # their values differ from those that stay
            yield from (("--unset-all", key, exactly(value)) for value in removed)
        elif left[-1:] != now[-1:]:  # else the last of two equal values stays, which has the same effect
            yield "--unset-all", key
            yield from (("--add", key, value) for value in left)


def without(now: list[str], written: list[str]) -> list[str]:
    """Return a key's values without the last run of what 0.1.0 wrote; where the user broke it up, without its last value.

    The empty value before that one stays: it clears the list for what the user inserted after it.
    """
    for run in (written, written[-1:]):
        for start in range(len(now) - len(run), -1, -1):
            if now[start : start + len(run)] == run:
                return now[:start] + now[start + len(run) :]
    return now
