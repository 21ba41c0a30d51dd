"""How people name accounts: the shortest name that means one account, and the account that a name means. Pure.

Accounts of one person are told apart by what is behind a slash: ``ann@contoso.com/pat``, ``ann@contoso.com/fabrikam``.
"""

from __future__ import annotations

from git_credential_azdo import hints
from git_credential_azdo.errors import UsageError, quote
from git_credential_azdo.git.target import may_repeat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_credential_azdo.accounts.account import Account


def unique_name(account: Account, accounts: Sequence[Account]) -> str:
    """Return the first of the account's names that no other account answers to; its id if there is none."""
    others = [other for other in accounts if other.id != account.id]
    free = (name for name in _names(account) if name and not any(answers_to(other, name) for other in others))
    return next(free, account.id)


def shown_name(account: Account, accounts: Sequence[Account]) -> str:
    """Return the unique name for people to read: an alias or an id alone does not say whose account it is."""
    name, whose = unique_name(account, accounts), account.name or account.alias
    return name if whose in {"", name.partition("/")[0]} else f"{whose} ({name})"


def answers_to(account: Account, name: str) -> bool:
    """Return whether the name is one of the account's, in any case of letters."""
    return account.is_named(name) or name.lower() in map(str.lower, _names(account))


def _names(account: Account) -> list[str]:
    """Return the alias, the sign-in name, and this name with what tells accounts of one person apart: kind, organization."""
    listed = ["all" if account.lists_all else each for each in account.listed]
    more = [account.kind, *listed, *(f"{account.kind}/{each}" for each in listed)]
    return [account.alias, account.name, *(f"{account.name}/{each}" for each in more if account.name)]


def account_named(name: str, accounts: Sequence[Account]) -> Account:
    """Return the one account that ``name`` means. Raise UsageError when none or several do."""
    found = [account for account in accounts if answers_to(account, name)]
    if len(found) == 1:
        return found[0]
    if not accounts:
        raise UsageError("there is no account", hints.setup())
    if not found:
        known = ", ".join(unique_name(account, accounts) for account in accounts)
        shown = name if may_repeat(name) else "what looks like a token"
        raise UsageError(f"no account is named {shown}; known are {known}", hints.accounts())
    exact = ", ".join(f"{quote(unique_name(each, accounts))} ({_described(each)})" for each in found)
    raise UsageError(f"several accounts are named {name}", f"use one of these names: {exact}")


def _described(account: Account) -> str:
    organizations = listed_names(account)
    return f"{account.kind} for {organizations}" if organizations else account.kind


def listed_names(account: Account) -> str:
    """Return the organizations that the account was set up for, for people to read; an empty text for none."""
    return "all organizations" if account.lists_all else ", ".join(account.listed)
