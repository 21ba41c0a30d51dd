"""git's configuration, as ``setup`` and ``server add`` write it, and how just that is taken back.

What was written is remembered in the registry: a block of the pairs that ``git.configure`` reports, one for Azure
DevOps and one for each registered server.
"""

from __future__ import annotations

import sys

import click

from git_credential_azdo.accounts.account import Block
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands.enrol import current_registry
from git_credential_azdo.errors import UsageError, say
from git_credential_azdo.git import configure
from git_credential_azdo.git.config_file import ChangedMeanwhile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.registry import Registry

KIND = "git-config"
SERVER = "server"
BY_HAND = "git config --global credential.helper azdo"


def write(*, ask: bool) -> None:
    """Show and write what git needs to call us for Azure DevOps; with ``ask``, only after a yes. Raises UsageError."""
    for is_last in (False, False, True):
        plan = configure.plan(_script(), record=_record(current_registry()))
        try:
            written = _write(plan, ask=ask)
        except ChangedMeanwhile:  # perhaps by another setup, which did it all
            if is_last:
                raise
        else:
            if written:
                click.echo("To take it back: git credential-azdo setup --undo", err=True)
            return


def write_server(address: str, *, with_path: bool = False) -> None:
    """Show and write what git needs to call us for a registered server, with the path if asked. Raises UsageError."""
    record = _record(current_registry(), address)
    plan = configure.plan_server(address, _script(), with_path=with_path, record=record)
    _write(plan, ask=False, server=address)


def undo(server: str = "") -> bool:
    """Take back what was written to git's configuration for Azure DevOps, or for a server; say whether anything was.

    Raises UsageError.
    """
    plan = configure.plan_undo(_record(current_registry(), server))
    for line in plan.lines:
        click.echo(line, err=True)
    _apply(plan)
    update(lambda registry: _remember(registry, (), server))
    return plan.changes


def _script() -> str:
    script = configure.script_path(sys.argv[0])
    if script is None:
        raise UsageError("git-credential-azdo is not on PATH, so git could not call it", BY_HAND)
    return script


def _write(plan: configure.Plan, *, ask: bool, server: str = "") -> bool:
    """Show what would be written, write it and remember it; say whether anything was written."""
    if plan.changes:
        click.echo("git configuration:", err=True)
        for line in plan.lines:
            click.echo(f"  {line}", err=True)
        if ask and not click.confirm("Write this?", default=True, err=True):
            click.echo("git configuration is left as it is", err=True)
            return False
        record = _apply(plan)
        update(lambda registry: _remember(registry, record, server))
    else:
        click.echo("git configuration: already in place", err=True)
    for other in plan.remaining:
        say("error", f"{other.said} is asked too, and setup cannot overrule it")
        say("hint", other.cure)
    return plan.changes


def _apply(plan: configure.Plan) -> configure.Record:
    try:
        return configure.apply(plan)
    except UsageError as error:
        if error.hint == plan.by_hand:  # many lines, and they were shown already
            raise UsageError(error.message, "edit it by hand, as shown above") from None
        raise


def _record(registry: Registry, server: str = "") -> configure.Record:
    blocks = [block for block in registry.of_kind(KIND) if block.get(SERVER) == server]
    return tuple(pair for block in blocks for pair in block.pairs if pair[0] not in {"kind", SERVER})


def _remember(registry: Registry, record: configure.Record, server: str) -> None:
    registry.blocks = [
        block for block in registry.blocks if block.get("kind") != KIND or block.get(SERVER) != server
    ]
    if record:
        about = [(SERVER, server)] if server else []
        registry.blocks.append(Block([("kind", KIND), *about, *record]))
