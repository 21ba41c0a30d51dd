"""``unconfigure``: take back what ``configure`` wrote to git's configuration. Accounts and servers stay."""

from __future__ import annotations

import os

import click

from git_credential_azdo import hints, programs
from git_credential_azdo.accounts.save import load_accounts
from git_credential_azdo.commands import configure, console
from git_credential_azdo.git import install
from git_credential_azdo.paths import gitconfig_path


@click.command("unconfigure")
def command() -> None:
    """Take back what configure wrote to git's configuration; accounts stay. To write it again: configure."""
    run()


def run() -> None:
    """Take it back, for Azure DevOps and the servers. Raises UsageError."""
    accounts_file, own = load_accounts(), gitconfig_path()
    records = configure.records(accounts_file)
    try:
        plan = install.plan(own, records=records)
    except programs.NotFound:
        if os.path.lexists(own) or records:
            raise
        plan = None
    if plan and (plan.is_new or plan.changes):
        for line in plan.lines:
            console.err(line)
        with configure.one_at_a_time():
            configure.apply(plan, hints.unconfigure(), accounts_file)
        console.err("git no longer calls this helper")
    else:
        console.err("There was nothing to take back")
