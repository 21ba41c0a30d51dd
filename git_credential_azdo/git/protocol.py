"""The ``key=value`` lines that git, our accounts file and our secrets all speak: the only parser and writer of them.

Pure: bytes in, bytes out. Values are any bytes but newline and NUL; they live here as text decoded from UTF-8
with ``surrogateescape``, so that what came in goes out byte for byte. It knows no key's meaning and never puts a
value into an error. The rules are git's: Documentation/git-credential.adoc, "INPUT/OUTPUT FORMAT".
"""

from __future__ import annotations

from git_credential_azdo.errors import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Pair = tuple[str, str]

MAX_LINE = 65_535
"""The longest line, in bytes without its end, that git promises and that we read."""


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
            else:  # an empty value takes back what was listed before it
                self.lists[key] = []

    def get(self, key: str) -> str | None:
        """Return the value of ``key``, or None when it was not sent (empty is not absent)."""
        return self.fields.get(key)

    def all(self, key: str) -> list[str]:
        """Return the values of ``key`` (written with its ``[]``), in order."""
        return self.lists.get(key, [])

    def __repr__(self) -> str:
        return f"Message({[*self.fields, *self.lists]})"  # keys only: values may be secrets


def parse(data: bytes) -> Message:
    """Read one message, up to a blank line or the end.

    Raise ProtocolError for a line without ``=``, with an empty key, with a NUL, or longer than MAX_LINE.
    """
    return Message(parse_pairs(data))


def parse_pairs(data: bytes) -> list[Pair]:
    """Read the lines up to a blank one or the end, in order; raises as ``parse`` does."""
    pairs = []
    lines = data.split(b"\n")
    lines = lines[: next((at for at, line in enumerate(lines) if line in {b"", b"\r"}), None)]
    # A CR counts as part of the line's end only where every line has one: dropped from one line alone, it would make
    # another host of it (CVE-2024-52006).
    end = -1 if all(line.endswith(b"\r") for line in lines) else None
    for raw in lines:
        line = raw[:end]
        key, equals, value = line.partition(b"=")
        if not key or not equals or b"\0" in line or len(line) > MAX_LINE:
            raise ProtocolError("a line is not of the form key=value")
        pairs.append((key.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape")))
    return pairs


def split_blocks(data: bytes) -> list[bytes]:
    """Split a file of blocks separated by blank lines; blocks come without the blank lines, none is empty."""
    while (
        b"\r\n" in data
    ):  # again and again: a careless copy makes CR CR LF of CR LF, and no line may get lost
        data = data.replace(b"\r\n", b"\n")
    return [stripped for block in data.split(b"\n\n") if (stripped := block.strip(b"\n"))]


def format_pairs(pairs: Iterable[Pair], refused: str = "\n\0") -> bytes:
    """Write lines, each ended by a newline, such that ``parse_pairs`` reads the same.

    Raise ProtocolError for a refused character, a CR at a line's end, a bad key or a line longer than MAX_LINE.
    """
    lines = []
    for key, value in pairs:
        text = f"{key}={value}"
        try:
            line = text.encode("utf-8", "surrogateescape")
        except (
            UnicodeEncodeError
        ):  # half a character, from a server's JSON; the error's own text has the value
            line = b""
        bad = not line or not key or "=" in key or text.endswith("\r") or len(line) > MAX_LINE
        if bad or any(character in text for character in refused):
            raise ProtocolError(f"the value of {key!a} cannot be written as one line")
        lines.append(line + b"\n")
    return b"".join(lines)
