"""Command lines, quoted for the shell that will read them. Pure.

Words come from servers, addresses and files: none may run a command, expand a variable or end its quotes.
"""

from __future__ import annotations

import os

from git_credential_azdo.errors import printable

ON_WINDOWS = os.name == "nt"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=:./-@")
_PLAIN_POSIX = _PLAIN | frozenset("%,")
_NEVER_ON_WINDOWS = frozenset('"$`!\u2018\u2019\u201a\u201b\u201c\u201d\u201e')
"""What PowerShell or Git Bash expand, or take for a closing quote, inside double quotes."""

_LITERAL_AT_THE_END = ("$", "!")
"""Before a closing quote all three take them as they are; ``^$`` and ``^!`` are patterns of ``git config``."""


def command(*words: str) -> str:
    """Return the command line that a shell splits into these words."""
    return " ".join(map(quote, words))


def quote(word: str, *, windows: bool = ON_WINDOWS) -> str:
    """Return a word quoted for sh, or for each of cmd.exe, PowerShell and Git Bash.

    It is made ``printable`` before it is quoted, so that the quotes fit what is shown. On Windows a character that no
    quotes protect in one of the three shells becomes ``?``: a command that fails is better than another command.
    """
    word = printable(word)
    if not windows:
        plain = word and _PLAIN_POSIX.issuperset(word) and word[0] not in "=%"  # zsh and fish expand those
        return word if plain else "'" + word.replace("'", "'\"'\"'") + "'"
    if word and _PLAIN.issuperset(word) and word[0] != "@":
        return word
    last = word[-1:] if word[-1:] in _LITERAL_AT_THE_END and word[-2:-1] != "\\" else ""
    word = _without_variables(word.removesuffix(last))
    text = "".join("?" if each in _NEVER_ON_WINDOWS else each for each in word) + last
    backslashes = len(text) - len(text.rstrip("\\"))  # doubled: one would escape the closing quote
    return '"' + text + "\\" * backslashes + '"'


def _without_variables(word: str) -> str:
    """Replace every ``%`` that begins no percent escape: cmd.exe expands ``%NAME%`` inside quotes, too."""
    first, *rest = word.split("%")
    hexadecimal = frozenset("0123456789abcdefABCDEF")
    return first + "".join(
        ("%" if len(part[:2]) == 2 and hexadecimal.issuperset(part[:2]) else "?") + part  # noqa: PLR2004 - as %20
        for part in rest
    )


def options(**values: str) -> list[str]:
    """Return options and their values as words (``org="x"``: ``--org x``); those with an empty value are left out."""
    words = []
    for name, value in values.items():
        option = f"--{name.replace('_', '-')}"
        if value:
            words += [f"{option}={value}"] if value.startswith("-") else [option, value]
    return words
