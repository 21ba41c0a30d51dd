"""Command lines of words, quoted for the shell that will read them. Pure.

Words come from servers, addresses and files: nothing in them runs anything.
"""

from __future__ import annotations

import os

from git_credential_azdo.errors import printable

ON_WINDOWS = os.name == "nt"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=:./-@")
_PLAIN_POSIX = _PLAIN | frozenset("%,")
_NEVERON_WINDOWS = frozenset('"$`!\u2018\u2019\u201a\u201b\u201c\u201d\u201e')
"""What PowerShell or Git Bash obey, or take for the end of a word, inside the quotes that cmd.exe knows, too."""


def command(*words: str) -> str:
    """Return the words as one command line that a shell splits into these words."""
    return " ".join(map(quote, words))


def quote(word: str, *, windows: bool = ON_WINDOWS) -> str:
    """Return a word as the shell takes it: sh, or whichever of cmd.exe, PowerShell and Git Bash a person has.

    What ``printable`` does not show is ``?`` here already, so that the quotes stand around what is seen. On Windows what
    no quotes keep from one of the three shells is ``?``, too: a command that fails is better than one that runs another.
    """
    word = printable(word)
    if not windows:
        plain = word and _PLAIN_POSIX.issuperset(word) and word[0] not in "=%"  # zsh and fish look there
        return word if plain else "'" + word.replace("'", "'\"'\"'") + "'"
    if word and _PLAIN.issuperset(word) and word[0] != "@":
        return word
    kept = "".join("?" if each in _NEVERON_WINDOWS else each for each in _without_variables(word))
    return (
        '"' + kept + "\\" * (len(kept) - len(kept.rstrip("\\"))) + '"'
    )  # a last one would take the quote along


def _without_variables(word: str) -> str:
    """Keep ``%`` only as a URL's escape: cmd.exe puts the value of ``%NAME%`` there, quotes or not."""
    first, *rest = word.split("%")
    hexadecimal = frozenset("0123456789abcdefABCDEF")
    return first + "".join(
        ("%" if len(part[:2]) == 2 and hexadecimal.issuperset(part[:2]) else "?") + part  # noqa: PLR2004 - as %20
        for part in rest
    )


def options(**values: str) -> list[str]:
    """Return options and their values as words, in the order given; those without a value are left out."""
    words = []
    for name, value in values.items():
        option = f"--{name.replace('_', '-')}"
        if value:
            words += [f"{option}={value}"] if value.startswith("-") else [option, value]
    return words
