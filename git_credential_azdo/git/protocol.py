"""The ``key=value`` lines of git's messages, the accounts file and the vault: their only parser and writer. Pure.

Values are any bytes except newline and NUL, decoded from UTF-8 with ``surrogateescape``. Keys have no meaning here.
Must never put a value into an error. Rules: git's Documentation/git-credential.adoc, "INPUT/OUTPUT FORMAT".
"""

from __future__ import annotations

from git_credential_azdo.errors import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

Pair = tuple[str, str]
MAX_LINE = 65_535
"""The longest line that git allows, in bytes without its newline."""


class Message:
    """One message: the last value of each key, and every value of each ``key[]``."""

    __slots__ = ("fields", "lists")

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self.fields: dict[str, str] = {}
        self.lists: dict[str, list[str]] = {}
        for key, value in pairs:
            if not key.endswith("[]"):
                self.fields[key] = value
            elif value:
                self.lists.setdefault(key, []).append(value)
            else:  # an empty value clears the list
                self.lists[key] = []

    def get(self, key: str) -> str | None:
        """Return the value of ``key``, which may be empty, or None when it was not sent."""
        return self.fields.get(key)

    def all(self, key: str) -> list[str]:
        """Return the values of ``key`` (with its ``[]``), in order."""
        return self.lists.get(key, [])

    def __repr__(self) -> str:
        return f"Message({[*self.fields, *self.lists]})"  # keys only: values may be secrets


def parse(data: bytes) -> Message:
    """Return the message in ``data``, up to a blank line or the end.

    Raise ProtocolError for a line without ``=``, with an empty key, with a NUL, or longer than MAX_LINE.
    """
    return Message(parse_pairs(data))


def parse_pairs(data: bytes) -> list[Pair]:
    """Return keys and values in order, up to a blank line or the end. Raise the errors of ``parse``."""
    pairs = []
    lines = data.split(b"\n")
    lines = lines[: next((at for at, line in enumerate(lines) if line in {b"", b"\r"}), None)]
    # A CR belongs to the line's end only if every line has one: removed from one line alone, it would change the host
    # (CVE-2024-52006).
    end = -1 if all(line.endswith(b"\r") for line in lines) else None
    for raw in lines:
        line = raw[:end]
        key, equals, value = line.partition(b"=")
        if not key or not equals or b"\0" in line or len(line) > MAX_LINE:
            raise ProtocolError("a line is not of the form key=value")
        pairs.append((key.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape")))
    return pairs


def split_blocks(data: bytes) -> list[bytes]:
    """Return the blocks of a file, which are separated by blank lines; none is empty."""
    while b"\r\n" in data:  # repeated, since some tools turn CR LF into CR CR LF
        data = data.replace(b"\r\n", b"\n")
    return [stripped for block in data.split(b"\n\n") if (stripped := block.strip(b"\n"))]


def format_pairs(pairs: Iterable[Pair], refused: str = "\n\0") -> bytes:
    """Return the lines, each with its newline, from which ``parse_pairs`` reads the same pairs.

    Raise ProtocolError for a refused character, a CR at a line's end, an invalid key or a line longer than MAX_LINE.
    """
    lines = []
    for key, value in pairs:
        text = f"{key}={value}"
        try:
            line = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # an unpaired surrogate from a server's JSON; the error quotes the value
            line = b""
        bad = not line or not key or "=" in key or text.endswith("\r") or len(line) > MAX_LINE
        if bad or any(character in text for character in refused):
            raise ProtocolError(f"the value of {key!a} cannot be written as one line")
        lines.append(line + b"\n")
    return b"".join(lines)
