"""The manual page ``git-credential-azdo(1)``, made of the texts that ``help`` shows."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from git_credential_azdo import __version__
from git_credential_azdo.commands.cli import group

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "git-credential-azdo"
_DOCS = Path(__file__).parents[2] / "docs"


def page() -> str:
    """Return the manual page as roff; mandoc and groff render it."""
    context = click.Context(group, info_name=group.name, **group.context_settings)
    lines = [
        f'.TH {_text(NAME).upper()} 1 "" "{NAME} {__version__}"',
        ".SH NAME",
        rf"{_text(NAME)} \- {_text(str(group.help).splitlines()[0])}",
        ".SH SYNOPSIS",
        r".B git credential\-azdo \fICOMMAND\fR [\fIARGUMENT\fR ...]",
        ".SH DESCRIPTION",
        "git itself runs get, store, erase and capability, as gitcredentials(7) describes.",
        "The commands below are for people.",
        ".SH COMMANDS",
        *_commands(group, context),
        ".SH ENVIRONMENT",
        *_list(_table("reference.md", "Variables")),
        ".SH FILES",
        *_list(_table("reference.md", "What it keeps, and where")),
        ".SH EXIT STATUS",
        *_list(_table("scripting.md", "Exit codes")),
        ".SH SEE ALSO",
        "git\\-credential(1), gitcredentials(7)",
    ]
    return "\n".join(lines) + "\n"


def _table(name: str, heading: str) -> dict[str, str]:
    """Return the two columns of the table below a heading of a page, without its marks of Markdown."""
    section = (_DOCS / name).read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    plain = [[re.sub(r"\[([^]]*)\]\([^)]*\)|`", r"\1", cell) for cell in row] for row in rows[2:]]
    return dict(plain)


def _commands(above: click.Group, context: click.Context) -> Iterator[str]:
    for name in above.list_commands(context):
        command = above.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        words = " ".join(command.collect_usage_pieces(inner))
        yield f".SS {_text(f'{inner.command_path} {words}')}"
        yield from _paragraphs(command.help or "")
        records = [
            record
            for parameter in command.get_params(inner)
            if isinstance(parameter, click.Option)
            and "--help" not in parameter.opts
            and (record := parameter.get_help_record(inner))
        ]
        yield from _list(dict(records))
        if isinstance(command, click.Group):
            yield from _commands(command, inner)


def _paragraphs(text: str) -> Iterator[str]:
    """Return click's text: paragraphs, and lines that stay as they are behind its mark."""
    for number, paragraph in enumerate(re.split(r"\n\s*\n", inspect.cleandoc(text))):
        if number:
            yield ".PP"
        if paragraph.startswith("\b"):
            yield from (".nf", *map(_text, paragraph.splitlines()[1:]), ".fi")
        else:
            yield _text(" ".join(paragraph.split()))


def _list(items: dict[str, str]) -> Iterator[str]:
    for term, meaning in items.items():
        yield from (".TP", f".B {_text(term)}", _text(" ".join(meaning.split())))


def _text(text: str) -> str:
    r"""Return a text for roff: a backslash is ``\e``, a hyphen is one to copy, no line begins with a request."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text[:1] in {".", "'"} else text
