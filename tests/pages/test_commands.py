"""Every command in README.md and docs/ is one that the program has, and every link leads somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from git_credential_azdo.commands.cli import group
from tests.support.people import add_block

if TYPE_CHECKING:
    from tests.conftest import Home

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
_COMMAND = re.compile(r"git credential-azdo((?: [^`|#&\n<)]+)?)")


def commands(page: Path) -> list[str]:
    """Return the words behind ``git credential-azdo`` wherever the page shows code."""
    text = page.read_text(encoding="utf-8")
    code = [*re.findall(r"```.*?\n(.*?)```", text, re.DOTALL), *re.findall(r"(?<!`)`([^`\n]+)`", text)]
    return [match.strip() for piece in code for match in _COMMAND.findall(piece)]


def parse(command: click.Command, words: list[str], above: click.Context | None = None) -> None:
    """Read a command line as the program does, without running anything."""
    context = command.make_context(command.name, words, above)
    if isinstance(command, click.Group) and (left := [*context._protected_args, *context.args]):
        _, inner, rest = command.resolve_command(context, left)
        assert inner is not None
        parse(inner, rest, context)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_one_of_ours(home: Home, monkeypatch: pytest.MonkeyPatch, page: Path) -> None:
    """Verbs, options and the number of words; names in capitals stand for a reader's own.

    A cloud that a page registers first is known.
    """
    add_block(home, ("kind", "services"), ("host", "dev.azure.us"))
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, home.environment.get(name, ""))
    wrong = []
    for line in commands(page):
        words = shlex.split(line.replace("…", ""))
        if words in ([], ["COMMAND"], ["VERB"], ["..."]):
            continue
        try:
            parse(group, words)
        except click.exceptions.Exit:
            pass
        except click.ClickException as error:
            wrong.append(f"{line}: {error.format_message()}")
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file of the project, and to a heading of it where one is named."""
    missing = []
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8")):
        name, _, heading = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        known = [
            re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
            for line in (
                path.read_text(encoding="utf-8").splitlines()
                if path.suffix == ".md" and path.exists()
                else []
            )
            if line.startswith("#")
        ]
        if not path.exists() or (heading and heading not in known):
            missing.append(target)
    assert missing == []


def test_the_readme_is_read_within_two_minutes() -> None:
    """At most 1,000 words, commands and tables included."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 1000
