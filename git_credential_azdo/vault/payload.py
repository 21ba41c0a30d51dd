"""The content of a vault's entries: ``key=value`` lines, split into parts where a backend limits their length. Pure.

The vault is an argument. Parts are written before the head that names them and deleted after it, so that a reader gets
the old secret or the new one, never a mixture. An entry of Windows Credential Manager holds 2,560 bytes, or 1,280
UTF-16 code units (CRED_MAX_CREDENTIAL_BLOB_SIZE, https://learn.microsoft.com/windows/win32/api/wincred/).
"""

from __future__ import annotations

from git_credential_azdo.errors import ProtocolError, VaultError, VaultLocked
from git_credential_azdo.git.protocol import Message, Pair, format_pairs, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol

    class Vault(Protocol):
        """Entries by name, each read, written and deleted without changing any other."""

        is_unlimited: bool
        """Whether an entry may be of any length, so that none is refused for its length."""

        def read(self, entry: str) -> str | None:
            """Return the entry's text, or None. Raise VaultError, VaultLocked."""

        def write(self, entry: str, text: str) -> None:
            """Write the entry. Raise VaultError, VaultLocked."""

        def delete(self, entry: str) -> None:
            """Delete the entry; an absent one is no error. Raise VaultError, VaultLocked."""


PART_UNITS = 1_280
_ROOM_UNITS = 64
"""Room in each part for what ``system`` adds to turn it into one line."""
_COUNT_DIGITS = 3
_READ_TRIES = 3
_BYTEWISE = "encoding=latin-1\n"


def encode(pairs: Iterable[Pair]) -> str:
    """Return the payload as text that any keyring can hold, never empty. Raise ProtocolError."""
    data = format_pairs(pairs).removesuffix(b"\n")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:  # a stored password may be any bytes; Latin-1 maps each to one character
        return _BYTEWISE + data.decode("latin-1")


def decode(text: str) -> Message:
    """Return the message that ``encode`` turned into text. Raise ProtocolError."""
    content = text.removeprefix(_BYTEWISE)
    try:
        data = content.encode("utf-8" if content == text else "latin-1")
    except UnicodeEncodeError:
        # From None: the error's text quotes the secret.
        raise ProtocolError("a keyring entry was not written by this program") from None
    return parse(data)


def load(read: Callable[[str], str | None], key: str) -> Message | None:
    """Return the secret under ``key``, joined from its parts if it has any; None when there is none.

    Raise the errors of ``read``, and ProtocolError for an entry that is not ours or whose parts are missing.
    """
    message = f"the keyring lost a part of the secret {key}"
    try:
        for _ in range(_READ_TRIES):  # another process may write between reading the head and its parts
            text = read(key)
            if text is None:
                return None
            head = decode(text)
            names = _part_names(key, head)
            if not names:
                return head
            parts = [part for name in names if (part := read(name)) is not None]
            if len(parts) == len(names):
                return decode("".join(parts))
    except ProtocolError:
        message = f"the keyring's entry {key} is damaged"
    from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

    raise ProtocolError(message, hints.setup())


def save(vault: Vault, key: str, pairs: Iterable[Pair], *, generation: str) -> None:
    """Write a secret under ``key``, in parts if the vault refuses it as a whole and is not ``is_unlimited``.

    ``generation``: a word never used before for this key, for the names of the parts. Raise the errors of the vault;
    the old secret is then still complete.
    """
    text = encode(pairs)
    old = None if vault.is_unlimited else vault.read(key)
    try:
        vault.write(key, text)
    except VaultLocked:
        raise
    except VaultError:
        if vault.is_unlimited or units(text) <= PART_UNITS:  # the length is not the cause
            raise
        _write_in_parts(vault, key, text, generation, old)
    for name in _parts_of(key, old):
        vault.delete(name)


def _write_in_parts(vault: Vault, key: str, text: str, generation: str, old: str | None) -> None:
    parts = split(text, PART_UNITS - _ROOM_UNITS)
    head = encode([("parts", str(len(parts))), ("generation", generation)])
    names = _parts_of(key, head)
    try:
        for name, part in zip(names, parts, strict=True):
            vault.write(name, part)
        vault.write(key, head)
    except VaultError:
        if vault.read(key) == old:  # else the head was written despite the error, and needs its parts
            for name in names:
                vault.delete(name)
        raise


def remove(vault: Vault, key: str) -> None:
    """Delete the secret under ``key``, its head first; an absent one is no error."""
    names = _parts_of(key, vault.read(key))
    for name in (key, *names):
        vault.delete(name)


def units(text: str) -> int:
    """Return the length of ``text`` in UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def split(text: str, limit: int) -> list[str]:
    """Return ``text`` in pieces of at most ``limit`` UTF-16 code units, never split inside a character."""
    size = limit if units(text) == len(text) else limit // 2
    return [text[start : start + size] for start in range(0, len(text), size)]


def _parts_of(key: str, text: str | None) -> list[str]:
    """Return the names of an entry's parts; none for an entry of another program, which may be replaced."""
    try:
        return _part_names(key, decode(text or ""))
    except ProtocolError:
        return []


def _part_names(key: str, head: Message) -> list[str]:
    count = head.get("parts") or "0"
    if not (count.isascii() and count.isdigit() and len(count) <= _COUNT_DIGITS):
        return []
    return [f"{key}#{head.get('generation') or ''}.{number}" for number in range(1, int(count) + 1)]
