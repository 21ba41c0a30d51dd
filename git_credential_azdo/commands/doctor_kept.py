"""``doctor`` on what we keep: the vaults, the accounts file and its accounts. Reads and tries out; never prompts or mends."""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

from git_credential_azdo import hints
from git_credential_azdo.accounts.accounts_file import BINDING, SERVER
from git_credential_azdo.accounts.naming import listed_names, unique_name
from git_credential_azdo.commands.accounts import state_of
from git_credential_azdo.commands.doctor_check import FAIL, OK, WARN, Check, failed
from git_credential_azdo.errors import VaultError
from git_credential_azdo.helper.answer import DAY_SECONDS, GLOBAL_PATS_END, WARN_DAYS
from git_credential_azdo.paths import accounts_path, folder, vault_folder
from git_credential_azdo.signin import sign_in_again
from git_credential_azdo.vault import vaults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile

_SLOW_SECONDS = 2.0
READY = ("ready", "rejected")
"""The states in which an account has a token to try."""


def vault_checks(accounts_file: AccountsFile) -> Iterator[Check]:
    """Each vault in use: write, read, delete."""
    entries = [*accounts_file.accounts, *accounts_file.stored_credentials]
    names = sorted(({entry.vault for entry in entries} | {accounts_file.header.get("vault")}) - {"", "none"})
    if not names:
        try:
            yield Check("vault", OK, f"{vaults.find(None)} works; nothing is kept in it yet")
        except VaultError as error:
            yield failed("vault", error)._replace(state=WARN)
    for name in names:
        began = time.monotonic()
        try:
            vaults.self_test(name)
        except VaultError as error:
            yield failed("vault", error)
            continue
        seconds = time.monotonic() - began
        text = f"{name}: wrote, read and deleted an entry in {seconds * 1000:.0f} ms"
        yield Check("vault", WARN if seconds > _SLOW_SECONDS else OK, text)
    if vaults.FILE in names:
        yield from _private("vault", vault_folder(), "secrets", FAIL)


def accounts_file_checks(accounts_file: AccountsFile) -> Iterator[Check]:
    """Say how much the accounts file lists, what is damaged, who else can read it."""
    path = accounts_path()
    if not os.path.exists(path):
        yield Check("accounts file", OK, f"{path} is not there yet")
        return
    counts = {
        "accounts": len(accounts_file.accounts),
        "stored credentials": len(accounts_file.stored_credentials),
        "servers": len(accounts_file.of_kind(SERVER)),
    }
    told = ", ".join(f"{what}: {number}" for what, number in counts.items())
    yield Check(
        "accounts file", OK, f"{path}, version {accounts_file.header.get('version') or 'unknown'}, {told}"
    )
    if accounts_file.damaged:
        text = f"damaged entries, which are left alone: {len(accounts_file.damaged)}"
        yield Check("accounts file", FAIL, text, f"mend or delete what is not key=value in {path}")
    if os.path.exists(f"{path}.damaged"):
        yield Check(
            "accounts file",
            WARN,
            f"{path}.damaged holds entries that could not be read",
            "look at it, delete it",
        )
    yield from _private("accounts file", folder(), "names of accounts", WARN)


def accounts(accounts_file: AccountsFile) -> Iterator[Check]:
    """Each account by what is kept of it, and the bindings."""
    if not accounts_file.accounts:
        yield Check("account", WARN, "there is none", hints.setup())
    for account in accounts_file.accounts:
        yield _account(account, unique_name(account, accounts_file.accounts))
    known = {account.id for account in accounts_file.accounts}
    for block in accounts_file.of_kind(BINDING):
        if block.get("account") not in known:
            organization = (
                block.get("target") if "://" in block.get("target") else block.get("target").partition("/")[0]
            )
            cure = hints.use(hints.ACCOUNT, organization)
            yield Check("binding", FAIL, f"{block.get('target')} is bound to an account that is gone", cure)


def _account(account: Account, name: str) -> Check:
    state, _ = state_of(account)
    credential = listed_names(account) or "no organization"
    text = f"{name} ({account.kind}, {credential})"
    rejected = account.rejected_by
    expires = account.expires_utc
    days = (expires - int(time.time())) // DAY_SECONDS if expires is not None else None
    if state not in READY:
        cure = hints.unlock() if state == "keyring locked" else sign_in_again.command(account)
        return Check("account", FAIL, f"{text}: {state}", cure)
    if rejected:
        refused = [each for each in account.organizations if each in rejected]
        cure = hints.explain(refused[0].url if refused else account.address, online=True)
        return Check("account", WARN, f"{text}: its token was refused by {', '.join(rejected)}", cure)
    if days is not None and days < WARN_DAYS:
        return Check(
            "account", WARN, f"{text}: ends in {days} day{'s' * (days != 1)}", sign_in_again.command(account)
        )
    if account.lists_all:
        text += f": tokens for all organizations stop working on {GLOBAL_PATS_END}"
        return Check("account", WARN, text, hints.setup())
    return Check("account", OK, f"{text}: {state}")


def _private(name: str, top: str, what: str, state: str) -> Iterator[Check]:
    """Say whether somebody else may look into one of our folders; Windows has no such bits."""
    if os.name == "nt" or not os.path.isdir(top):
        return
    places = [top, *(os.path.join(root, each) for root, _, files in os.walk(top) for each in files)]
    if any(stat.S_IMODE(os.stat(place).st_mode) & 0o077 for place in places):
        yield Check(name, state, f"others may look into {top}: {what}", hints.private(top))
