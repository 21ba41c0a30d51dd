"""Parse command lines, and report what is wrong with one without quoting its words: any of them may be a secret.

click quotes what it cannot parse: the token of ``setup pat TOKEN``, a password after ``--pat=``. So our messages must
contain only the kind of the error, and names defined in this program.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.accounts_file import AccountsFile
from git_credential_azdo.accounts.choice import unique_name
from git_credential_azdo.accounts.save import organization_named
from git_credential_azdo.commands import console
from git_credential_azdo.errors import AzdoError, UsageError, VaultError, may_repeat, quote
from git_credential_azdo.vault import vaults

_WORD = re.compile(r"-{0,2}[a-z]{1,12}(?:-[a-z]{1,12}){0,3}")
"""What can be a mistyped verb or option; a secret has digits, capitals or more letters."""


def _completed(listed: Callable[[AccountsFile], Iterable[str]]) -> Callable[..., list[str]]:
    """Return the function with which click completes the names that ``listed`` finds in the accounts file.

    bash inserts a completion into the command line unquoted: a name that would run a command, or be an option, is left out.
    """

    def complete(_context: click.Context, _parameter: click.Parameter, beginning: str) -> list[str]:
        try:
            known = {name for name in listed(AccountsFile.load()) if name.startswith(beginning)}
            return sorted(name for name in known if quote(name) == name and name[0] != "-")
        except AzdoError:  # a shell shows no errors
            return []

    return complete


def _account(name: str) -> str:
    if not name:  # from an unset variable: must not select any account
        raise UsageError("missing ACCOUNT", hints.accounts())
    return name


ACCOUNT: dict[str, Any] = {
    "metavar": "ACCOUNT",
    "type": _account,
    "shell_complete": _completed(lambda file: [unique_name(each, file.accounts) for each in file.accounts]),
}
"""Settings for click of a parameter that names an account."""
ORG: dict[str, Any] = {
    "metavar": "ORG",
    "type": organization_named,
    "shell_complete": _completed(
        lambda file: [name for each in file.accounts for name in each.organizations]
    ),
}
"""Settings for click of a parameter that names an organization."""
FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output format."
)
VAULT = click.option("--vault", metavar="NAME", help="Vault: keyring, file, or a backend's name.")
NO_GIT_CONFIG = click.option("--no-git-config", is_flag=True, help="Leave git's configuration unchanged.")


class NoSuchVerb(click.UsageError):
    """There is no verb of this name; ``meant`` is the one to suggest instead, or an empty string."""

    def __init__(self, word: str, meant: str, context: click.Context) -> None:
        super().__init__(f"no such command{_quoted(word)}{_suggested(meant)}", context)
        self.meant = meant


def _closest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is closest to a mistyped one, or an empty string."""
    return next(iter(get_close_matches(word, known, n=1)), "")


class Verbs(click.Group):
    """A command with verbs of its own: without a verb it shows its help, for a mistyped one it suggests another.

    ``synonyms``: verbs of other programs, and what they are called here; an empty string to suggest nothing.
    """

    def __init__(self, *given: Any, synonyms: Mapping[str, str] | None = None, **options: Any) -> None:
        super().__init__(*given, **options)
        self.synonyms = synonyms or {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Return the words after the group's own options; if there are none, show the help and end the command."""
        if not args and not self.invoke_without_command and not ctx.resilient_parsing:
            console.page(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the verb's name, the verb, and its words. Raise NoSuchVerb; NoSuchOption for an option in its place."""
        word = args[0]
        if self.get_command(ctx, word) is None and not word.startswith("-"):
            meant = self.synonyms.get(word, _closest(word, self.list_commands(ctx)))
            raise NoSuchVerb(word, meant, ctx)
        return super().resolve_command(ctx, args)


def again(words: Iterable[str], more: Iterable[str] = ()) -> str:
    """Return a command line to run again, with ``...`` for words that may not be repeated, and ``more`` words added."""
    return hints.again([*(word if may_repeat(word) else "..." for word in words), *more])


def same_command(**options: str) -> str:
    """Return this command line with other values of options such as ``login_hint``; an empty value removes the option."""
    changes = {f"--{name.replace('_', '-')}": value for name, value in options.items()}
    left: list[str] = []
    rest = iter(sys.argv[1:])
    for word in rest:
        name, equals, _ = word.partition("=")
        if name not in changes:
            left.append(word)
        elif not equals:
            next(rest, None)
    return again([*left, *(word for name, value in changes.items() if value for word in (name, value))])


def find_vault(wanted: str | None, used: str) -> str:
    """Return the name of a vault as ``vaults.find`` does; if only a file works, the hint is this command with ``--vault``."""
    try:
        return vaults.find(wanted, used)
    except VaultError as error:
        if error.hint == hints.setup_in_file_vault():
            raise VaultError(error.message, same_command(vault=vaults.FILE)) from None
        raise


def fault(error: click.ClickException) -> str:
    """Return what is wrong with a command line, as one line."""
    if isinstance(error, NoSuchVerb):
        return error.message
    if isinstance(error, click.NoSuchOption):
        name = error.option_name.partition("=")[0]
        return f"no such option{_quoted(name)}{_suggested(_closest(name, error.possibilities or ()))}"
    if isinstance(error, click.MissingParameter | click.BadOptionUsage | click.BadArgumentUsage):
        # These name our own parameters and no value.
        line = " ".join(error.format_message().split()).removesuffix(".")
        return line[:1].lower() + line[1:]
    if isinstance(error, click.BadParameter):
        hint = error.param.get_error_hint(error.ctx) if error.param else ""
        return f"invalid value{f' for {hint}' if hint else ''}{_allowed(error.param)}"
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


def _quoted(word: str) -> str:
    return f" {word!r}" if _WORD.fullmatch(word) else ""


def _suggested(meant: str) -> str:
    return f"; did you mean {meant}" if meant else ""
