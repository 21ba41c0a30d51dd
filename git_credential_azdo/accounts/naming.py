"""How people name accounts: the shortest name that means one account, and the account that a name means. Pure."""

from __future__ import annotations

from git_credential_azdo import hints, shell
from git_credential_azdo.errors import UsageError
from git_credential_azdo.git.target import may_repeat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_credential_azdo.accounts.account import Account


def unique_name(account: Account, accounts: Sequence[Account]) -> str:
    """Return the alias, else the sign-in name, else the id: the first that no other account answers to."""
    others = [other for other in accounts if other.id != account.id]
    for name in (account.alias, account.name):
        if name and not any(other.is_named(name) for other in others):
            return name
    return account.id


def shown_name(account: Account, accounts: Sequence[Account]) -> str:
    """Return the unique name for people to read: an id alone tells them nothing, so whose it is stands before it."""
    name, known = unique_name(account, accounts), account.name or account.alias
    return f"{known} ({name})" if name == account.id and known not in {"", name} else name


def account_named(name: str, accounts: Sequence[Account]) -> Account:
    """Return the one account that ``name`` means. Raise UsageError when none or several do."""
    found = [account for account in accounts if account.is_named(name)]
    if len(found) == 1:
        return found[0]
    if not accounts:
        raise UsageError("there is no account", hints.setup())
    if not found:
        known = ", ".join(unique_name(account, accounts) for account in accounts)
        shown = name if may_repeat(name) else "what looks like a token"
        raise UsageError(f"no account is named {shown}; known are {known}", hints.accounts())
    exact = ", ".join(f"{shell.quote(unique_name(each, accounts))} ({_described(each)})" for each in found)
    raise UsageError(f"several accounts are named {name}", f"use one of these names: {exact}")


def _described(account: Account) -> str:
    organizations = listed_names(account)
    return f"{account.kind} for {organizations}" if organizations else account.kind


def listed_names(account: Account) -> str:
    """Return the organizations that the account was set up for, for people to read; an empty text for none."""
    return "all organizations" if account.lists_all else ", ".join(account.listed)
