"""The part of ``setup`` that writes git's configuration, and ``--undo``, which takes back just that.

What was written is remembered in the registry, as one block of the pairs that ``git.configure`` reports.
"""

from __future__ import annotations

import sys

import click

from git_credential_azdo.accounts.account import Block
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands.enrol import current_registry
from git_credential_azdo.errors import UsageError, say
from git_credential_azdo.git import configure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.registry import Registry

KIND = "git-config"


def write(*, ask: bool) -> None:
    """Show and write what git needs to call us for Azure DevOps; with ``ask``, only after a yes. Raises UsageError."""
    script = configure.script_path(sys.argv[0])
    if script is None:
        raise UsageError(
            "git-credential-azdo is not on PATH, so git could not call it",
            "pipx install git-credential-azdo, then git credential-azdo setup",
        )
    plan = configure.plan(script, record=_record(current_registry()))
    if plan.changes:
        click.echo("git configuration:", err=True)
        for line in plan.lines:
            click.echo(f"  {line}", err=True)
        if ask and not click.confirm("Write this?", default=True, err=True):
            click.echo("git configuration was left as it is", err=True)
            return
        record = configure.apply(plan)
        update(lambda registry: _remember(registry, record))
        click.echo("to take it back: git credential-azdo setup --undo", err=True)
    else:
        click.echo("git configuration: already in place", err=True)
    for other in plan.remaining:
        say("error", f"{other.said} is asked too, and setup cannot overrule it")
        say("hint", other.cure)


def undo() -> None:
    """Take back what ``write`` wrote to git's configuration; accounts stay. Raises UsageError."""
    record = _record(current_registry())
    plan = configure.plan_undo(record)
    for line in plan.lines:
        click.echo(line, err=True)
    configure.apply(plan)
    update(lambda registry: _remember(registry, ()))
    click.echo(
        "git's configuration is as it was" if plan.changes else "there was nothing to take back", err=True
    )


def _record(registry: Registry) -> configure.Record:
    return tuple(pair for block in registry.of_kind(KIND) for pair in block.pairs if pair[0] != "kind")


def _remember(registry: Registry, record: configure.Record) -> None:
    registry.blocks = [block for block in registry.blocks if block.get("kind") != KIND]
    if record:
        registry.blocks.append(Block([("kind", KIND), *record]))
