"""A harness's values, made from the fuzzer's bytes: first come, first taken; where they run out, zeros and empty texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

Choice = TypeVar("Choice")

LONGEST_TEXT = 255
_TIMES = (*[1] * 60, 2, 64, 1_024, 8_192)
MAX_CHARACTERS = 65_000


class Source:
    """Takes values off ``data``."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def more(self) -> bool:
        """Whether bytes are left."""
        return self._at < len(self._data)

    def raw(self, most: int) -> bytes:
        """Return up to ``most`` bytes, as they are."""
        taken = self._data[self._at : self._at + most]
        self._at += len(taken)
        return taken

    def rest(self) -> bytes:
        """Return every byte that is left."""
        return self.raw(len(self._data))

    def number(self, most: int) -> int:
        """Return a number from 0 to ``most``."""
        size = (most.bit_length() + 7) // 8
        return int.from_bytes(self.raw(size), "little") % (most + 1)

    def flag(self) -> bool:
        """Return True or False."""
        return self.number(1) == 1

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """Return one of the choices."""
        return choices[self.number(len(choices) - 1)]

    def text(self) -> str:
        """Return any text of up to 255 bytes: what is not UTF-8 as git's lines carry it, by surrogateescape."""
        return self.raw(self.number(LONGEST_TEXT)).decode("utf-8", "surrogateescape")

    def word(self, words: Sequence[str], most: int = 5) -> str:
        """Return a text put together of some of these words and of any text."""
        parts = [self.text() if self.number(3) == 0 else self.pick(words) for _ in range(self.number(most))]
        return "".join(parts)

    def grown(self, text: str, most: int = MAX_CHARACTERS) -> str:
        """Return the text, seldom repeated up to ``most`` characters: what is not read in linear time runs out of it."""
        return (text * self.pick(_TIMES))[:most]

    def json(self, words: Sequence[str], depth: int = 3) -> object:
        """Return a value as a JSON document has it, with these words as keys and texts."""
        kind = self.number(9 if depth else 6)
        if kind == 0:
            return None
        if kind == 1:
            return self.flag()
        if kind == 2:
            return self.number(2**32)
        if kind == 3:
            return self.pick((-1, 0.5, 1e300, float("inf"), float("nan"), 10**400, -0.0))
        if kind <= 6:
            return self.word(words)
        if kind == 7:
            return [self.json(words, depth - 1) for _ in range(self.number(3))]
        return self.document(words, depth - 1)

    def document(self, words: Sequence[str], depth: int = 2) -> dict[str, object]:
        """Return a JSON object."""
        return {self.pick(words): self.json(words, depth) for _ in range(self.number(12))}

    def like(self, document: Any, words: Sequence[str]) -> object:
        """Return a JSON value that is much like ``document``: most of its keys, half of its texts."""
        if self.number(9) == 0:
            return self.json(words, 1)
        if isinstance(document, dict):
            return {key: self.like(value, words) for key, value in document.items() if self.number(9)}
        if isinstance(document, list):
            return [self.like(self.pick(document), words) for _ in range(self.number(3))]
        return self.word(words, 3) if isinstance(document, str) and self.flag() else document
