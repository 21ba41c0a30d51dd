"""``doctor``: one screen that lists what is wrong and the command that cures it; safe to paste into a bug report.

One line a check, the cure below it. All checks run at once, then the tokens of the accounts that are ready, at hosts that
can be reached; it ends within LIMIT_SECONDS, whatever hangs. Changes nothing but what a ``get`` would (a stale token is
refreshed), and shows no secret: ``doctor_check.clean``.
"""

from __future__ import annotations

import time
from functools import partial
from itertools import chain

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import Block
from git_credential_azdo.accounts.accounts_file import AccountsFile
from git_credential_azdo.accounts.save import load_accounts
from git_credential_azdo.commands import console, doctor_accounts, doctor_machine
from git_credential_azdo.commands.doctor_check import FAIL, OK, WARN, Check, clean, failed, start
from git_credential_azdo.commands.parsing import FORMAT
from git_credential_azdo.errors import AzdoError, UsageError
from git_credential_azdo.git.address import message_for, target_of_url
from git_credential_azdo.git.sections import PROGRAM
from git_credential_azdo.git.target import SERVICES_ADDRESS

LIMIT_SECONDS = 30.0
FIRST_SECONDS = 16.0
"""For all checks but the tokens: a little more than the longest wait of theirs, a keyring's."""
_COLORS = {OK: "green", WARN: "yellow", FAIL: "red"}


@click.command("doctor")
@click.option("--url", metavar="URL", help="Check this address of a repository, too.")
@FORMAT
def command(url: str | None, form: str) -> int:
    """Check git, the keyring, the accounts and the network, and show how to fix what is wrong. Shows no secret."""
    if url and target_of_url(url) is None:
        raise UsageError(
            "not an http or https URL: git asks no credential helper for others",
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
    began = time.monotonic()
    unreadable: list[Check] = []
    try:
        accounts_file = load_accounts()
    except AzdoError as error:
        accounts_file, unreadable = AccountsFile(Block(), [], []), [clean(failed("accounts file", error))]
    accounts = accounts_file.accounts
    target = accounts_file.target_of(message_for(url)) if url else None
    hosts = doctor_accounts.hosts(accounts_file, target.address if target else None)

    machine = start(
        (PROGRAM, doctor_machine.program),
        ("PATH", doctor_machine.path),
        ("git", doctor_machine.git),
        ("git helper", partial(doctor_machine.git_config, url, accounts_file)),
        ("environment", doctor_machine.environment),
        ("vault", partial(doctor_accounts.vaults_in_use, accounts_file)),
    )
    listed = start(
        *([] if unreadable else [("accounts file", partial(doctor_accounts.file, accounts_file))]),
        *([("choice", partial(doctor_machine.choice, url, accounts_file))] if not unreadable else []),
    )
    states = start(("account", partial(doctor_accounts.accounts, accounts_file)))
    reached = start(*(("network", partial(doctor_accounts.reach, host)) for host in hosts))

    end = began + FIRST_SECONDS
    found, state, network = [*machine(end), *listed(end)], states(end)[0], reached(end)
    ready = [account for account, check in zip(accounts, state, strict=False) if check.state != FAIL]
    answering = {host for host, (first, *_) in zip(hosts, network, strict=True) if first.state == OK}
    tokens = doctor_accounts.tokens(ready, answering, accounts_file, began + LIMIT_SECONDS)
    if unreadable:
        state = unreadable
    return [*chain(*found), *state, *doctor_accounts.one_clock(chain(*network)), *tokens]


def _print(checks: list[Check]) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        text = f"  {check.name.ljust(width)}  {check.text}"
        console.out(text, lead=check.state.ljust(4), color=_COLORS[check.state])
        if check.cure and check.state != OK:
            console.out(f"{' ' * (width + 8)}{check.cure}")
    counts = {state: sum(check.state == state for check in checks) for state in (FAIL, WARN, OK)}
    warnings = f"{counts[WARN]} warning{'s' * (counts[WARN] != 1)}"
    console.out(f"{counts[FAIL]} failed, {warnings}, {counts[OK]} ok")
