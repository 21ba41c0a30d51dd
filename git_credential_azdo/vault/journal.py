"""The journal of the entries in the vaults: the file ``entries`` beside the accounts file. Must never hold a secret.

An entry is listed from before it is written until after it is deleted, so that every secret can be found by name, even
when a run is killed between writing the vault and the accounts file, or the accounts file is lost. An id is ``begun``
while its entries are written or deleted: if the accounts file does not name it, a killed run left them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable

from git_credential_azdo.errors import AzdoError
from git_credential_azdo.files import folder, lock_path, read_own, unusable
from git_credential_azdo.writing import Lock, write_own

_NAME = "entries"
_ENTRY, _BEGUN = "entry=", "begun="
_SECONDS = 5.0


def entries() -> list[tuple[str, str]]:
    """Return the vault and the name of each entry. Raise AzdoError."""
    return [(vault, key) for vault, _, key in (text.partition(" ") for text in _values(_ENTRY))]


def keys(identifier: str) -> list[str]:
    """Return the names of an id's entries. Raise AzdoError."""
    return [key for _, key in entries() if key.startswith(f"{identifier}/")]


def begun() -> list[str]:
    """Return the ids whose entries a run began to write or to delete. Raise AzdoError."""
    return _values(_BEGUN)


def begin(identifier: str, vault: str, keys: Iterable[str]) -> None:
    """Add an id and its entries to the journal before the entries are written or deleted. Raise AzdoError."""
    listed = [_BEGUN + identifier, *(f"{_ENTRY}{vault} {key}" for key in keys)]
    _change(lambda lines: list(dict.fromkeys([*lines, *listed])))


def end(identifier: str) -> None:
    """Record that the accounts file names the id's entries, or that they are deleted. Raise AzdoError."""
    _change(lambda lines: [line for line in lines if line != _BEGUN + identifier])


def note(vault: str, key: str) -> None:
    """Add an entry before it is written. Ignore an unwritable journal, so that a new token is not lost for it."""
    with contextlib.suppress(AzdoError):
        _change(lambda lines: list(dict.fromkeys([*lines, f"{_ENTRY}{vault} {key}"])))


def drop(vault: str, keys: Iterable[str]) -> None:
    """Remove deleted entries and their parts. Ignore an unwritable journal: an entry too many does no harm."""
    gone = {f"{_ENTRY}{vault} {key}" for key in keys}
    with contextlib.suppress(AzdoError):
        _change(lambda lines: [line for line in lines if gone.isdisjoint((line, line.partition("#")[0]))])


def _values(prefix: str) -> list[str]:
    return [line[len(prefix) :] for line in _lines() if line.startswith(prefix)]


def _lines() -> list[str]:
    try:
        data = read_own(_path(), folder()) or b""
    except OSError as error:
        raise unusable("read", _path(), error, folder()) from error
    return data.decode("utf-8", "surrogateescape").splitlines()


def _path() -> str:
    return os.path.join(folder(), _NAME)


def _change(change: Callable[[list[str]], list[str]]) -> None:
    if change(before := _lines()) == before:
        return
    try:
        with Lock(lock_path(_NAME), _SECONDS):
            text = "".join(f"{line}\n" for line in change(_lines()))
            write_own(_path(), text.encode("utf-8", "surrogateescape"), folder())
    except OSError as error:
        raise unusable("write", _path(), error, folder()) from error
