"""What version 0.1.0 wrote: sections in the person's global file, which the included file of ours replaces.

It remembered them in the accounts file; where that was lost, a section counts that holds just what it wrote. Decides
only which values go; a person's own stay, also in a section of the same name.
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
"""("file", its path), or "new-file" if 0.1.0 made it, then pairs of git's key and value in order."""

_WROTE = re.compile(r"!?'?(/|[A-Za-z]:/)[^\n]*git-credential-azdo(\.exe)?'?")


class Written(NamedTuple):
    """A section of 0.1.0: in which file, what of it goes, and by which arguments of ``git config``."""

    file: str
    url: str
    lines: tuple[str, ...]
    edits: tuple[tuple[str, ...], ...]


def made(records: Iterable[Record]) -> str:
    """Return the file that 0.1.0 made, if it did."""
    return next((record[0][1] for record in records if record[:1] and record[0][0] == "new-file"), "")


def written(entries: Sequence[config.Entry], records: Iterable[Record], file: str) -> list[Written]:
    """Return what is still there of it; ``file`` is the global file."""
    entries = [entry for entry in entries if entry.scope == "global"]
    remembered = [(record[0][1], pair) for record in records for pair in record[1:]]
    found = []
    for (place, url), group in itertools.groupby(
        dict.fromkeys([*remembered, *((file, pair) for pair in _unremembered(entries, file))]),
        key=lambda each: (each[0], _url(each[1][0])),
    ):
        pairs = [pair for _place, pair in group]
        edits = tuple(_edits(entries, place, pairs))
        lines = tuple(f"{place}: takes out {key} = {value}" for key, value in pairs)
        found += [Written(place, url, lines, edits)] if edits else []
    return found[::-1]  # the last first, so that each stands at the end when it goes


def take_out(section: Written) -> None:
    """Have git take the values out. Raise UsageError."""
    for arguments in section.edits:
        edit(section.file, *arguments)
    drop_empty_section(section.file, f'credential "{section.url}"')


def _unremembered(entries: Iterable[config.Entry], file: str) -> list[tuple[str, str]]:
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
    """Yield the arguments that take out what we wrote of one section, and no more."""
    entries = [entry for entry in entries if is_same(entry.origin, file)]
    for key in dict.fromkeys(key for key, _value in pairs):
        wanted = config.split_key(key)
        now = [entry.value or "" for entry in entries if config.split_key(entry.key) == wanted]
        left = without(now, [value for own, value in pairs if own == key])
        gone = [value for value in dict.fromkeys(now) if value not in left]
        if left == now:
            return  # the helper comes first: where ours is gone, the rest is a person's
        if not left:
            yield "--unset-all", key
        elif len(left) + sum(map(now.count, gone)) == len(now):  # they can be told apart by their values
            yield from (("--unset-all", key, exactly(value)) for value in gone)
        elif left[-1:] != now[-1:]:  # else one of two equal values is as good as the other
            yield "--unset-all", key
            yield from (("--add", key, value) for value in left)


def without(now: list[str], written: list[str]) -> list[str]:
    """Take the last run of what we wrote out of a key's values; where a person broke it up, only its last value.

    What stands before that one is an empty value, which then serves what the person put behind it.
    """
    for run in (written, written[-1:]):
        for start in range(len(now) - len(run), -1, -1):
            if now[start : start + len(run)] == run:
                return now[:start] + now[start + len(run) :]
    return now
