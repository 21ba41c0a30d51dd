"""How a command line is read, and what is wrong with one, without its words: any of them may be a secret.

click quotes what it cannot read: the token of ``setup pat TOKEN``, a password behind ``--pat=``. So a message of ours
is made of the error's kind, and of names that stand in this program.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from git_credential_azdo import hints
from git_credential_azdo.git.target import may_repeat

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORD = re.compile(r"-{0,2}[a-z]{1,12}(?:-[a-z]{1,12}){0,3}")
"""What can be a mistyped verb or option; a secret has digits, capitals or more letters."""


class NoSuchVerb(click.UsageError):
    """There is no verb of this name."""

    def __init__(self, words: list[str], known: Iterable[str], context: click.Context) -> None:
        super().__init__(f"no such command{_quoted(words)}{_suggested(words[-1], known)}", context)


class Verbs(click.Group):
    """A command with verbs of its own, which suggests one for a mistyped verb."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the verb's name, the verb, and its words. Raises NoSuchVerb; NoSuchOption for an option in its place."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise NoSuchVerb(args[:1], self.list_commands(ctx), ctx)
        return super().resolve_command(ctx, args)


def again(words: Iterable[str], more: Iterable[str] = ()) -> str:
    """Return a command line to be run again, with ``...`` for what may not be repeated, and with words of ours added."""
    return hints.again([*(word if may_repeat(word) else "..." for word in words), *more])


def fault(error: click.ClickException) -> str:
    """Return what is wrong with a command line, as one line."""
    if isinstance(error, NoSuchVerb):
        return error.message
    if isinstance(error, click.NoSuchOption):
        name = error.option_name.partition("=")[0]
        return f"no such option{_quoted([name])}{_suggested(name, error.possibilities or ())}"
    if isinstance(error, click.MissingParameter | click.BadOptionUsage | click.BadArgumentUsage):
        return _as_line(error.format_message())  # these name our own parameters and no value
    if isinstance(error, click.BadParameter):
        hint = error.param.get_error_hint(error.ctx) if error.param else ""
        return f"invalid value{f' for {hint}' if hint else ''}{_allowed(error.param)}"
    context = getattr(error, "ctx", None)
    if context and isinstance(context.command, click.Group):
        return "missing command"
    return "unexpected argument" if isinstance(error, click.UsageError) else "the command line cannot be read"


def _allowed(parameter: click.Parameter | None) -> str:
    kind = parameter.type if parameter else None
    if isinstance(kind, click.Choice):
        return f": it is not one of {', '.join(repr(str(each)) for each in kind.choices)}"
    if isinstance(kind, click.DateTime):
        return ": it is not a day such as 2027-05-31"
    if isinstance(kind, click.IntRange):
        return f": it is not a whole number from {kind.min} to {kind.max}"
    return ""


def _quoted(words: list[str]) -> str:
    return f" {' '.join(words)!r}" if all(map(_WORD.fullmatch, words)) else ""


def _suggested(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=2)
    return f"; did you mean {' or '.join(close)}" if close else ""


def _as_line(text: str) -> str:
    line = " ".join(text.split()).removesuffix(".")
    return line[:1].lower() + line[1:]
