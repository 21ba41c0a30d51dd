"""``doctor``: one screen that says what is wrong and how to cure it; safe to paste into a bug report.

One line a check, the cure below it. Runs all groups of checks at once, and ends in about LIMIT_SECONDS whatever hangs.
Changes nothing but what a ``get`` would (a stale token is refreshed), and shows no secret: ``doctor_check.clean``.
"""

from __future__ import annotations

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.accounts_file import AccountsFile, Block
from git_credential_azdo.accounts.save import load_accounts
from git_credential_azdo.commands import console, doctor_here, doctor_kept, doctor_online
from git_credential_azdo.commands.doctor_check import (
    FAIL,
    OK,
    WARN,
    Check,
    Group,
    clean,
    failed,
    side_by_side,
)
from git_credential_azdo.errors import AzdoError, UsageError
from git_credential_azdo.git.address import message_for, target_of_url
from git_credential_azdo.git.target import SERVICES_ADDRESS, Organization
from git_credential_azdo.hosts import LEGACY_SUFFIX

LIMIT_SECONDS = 30.0
_COLORS = {OK: "green", WARN: "yellow", FAIL: "red"}


@click.command("doctor")
@click.option("--url", metavar="URL", help="The remote it is about.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it."
)
def command(url: str | None, form: str) -> int:
    """Check git, the keyring, the accounts and the network, and name the cures. Shows no secret."""
    if url and target_of_url(url) is None:
        raise UsageError(
            "that is no web address, and git asks credential helpers for nothing else",
            hints.doctor(f"{SERVICES_ADDRESS}/{hints.ORGANIZATION}"),
        )
    checks = examine(url)
    is_well = all(check.state != FAIL for check in checks)
    if form == "json":
        console.json({"ok": is_well, "checks": [check._asdict() for check in checks]})
    else:
        _print(checks)
    return 0 if is_well else 1


def examine(url: str | None) -> list[Check]:
    """Return all checks, in the order to print them, within about LIMIT_SECONDS."""
    trouble = []
    try:
        accounts_file = load_accounts()
    except AzdoError as error:
        trouble = [clean(failed("accounts file", error))]
    if trouble:
        accounts_file = AccountsFile(Block(), [], [])
    here = [
        (doctor_here.PROGRAM, doctor_here.program),
        ("PATH", doctor_here.path),
        ("git", doctor_here.git),
        (
            "git helper",
            lambda: doctor_here.git_config(_addresses(url, accounts_file), len(accounts_file.accounts)),
        ),
        ("environment", doctor_here.environment),
    ]
    kept = [
        ("vault", lambda: doctor_kept.vault_checks(accounts_file)),
        ("accounts file", lambda: doctor_kept.accounts_file_checks(accounts_file)),
        ("account", lambda: doctor_kept.accounts(accounts_file)),
    ]
    if url:
        kept.append(("choice", lambda: doctor_here.choice(url, accounts_file)))
    target = accounts_file.target_of(message_for(url)) if url else None
    online = doctor_online.Online(accounts_file, target.address if target else None)
    groups = [
        Group(*here),
        Group(*(kept[:1] if trouble else kept)),
        Group(("network", online.network), ("token", online.tokens)),
    ]
    return trouble + side_by_side(groups, LIMIT_SECONDS)


def _addresses(url: str | None, accounts_file: AccountsFile) -> list[str]:
    """Return the addresses to ask git's configuration about: both spellings of an organization, if none was named."""
    if url:
        return [url]
    listed = (name for account in accounts_file.accounts for name in account.organizations)
    organization = next(listed, Organization("organization"))
    is_legacy = isinstance(organization, Organization)
    return [organization.url, *([f"https://{organization}{LEGACY_SUFFIX}"] if is_legacy else [])]


def _print(checks: list[Check]) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        text = f"  {check.name.ljust(width)}  {check.text}"
        console.out(text, lead=check.state.ljust(4), color=_COLORS[check.state])
        if check.cure and check.state != OK:
            console.out(f"{' ' * (width + 8)}{check.cure}")
    bad = sum(check.state == FAIL for check in checks)
    odd = sum(check.state == WARN for check in checks)
    console.out(f"{bad} failed, {odd} to look at, {len(checks) - bad - odd} fine")
